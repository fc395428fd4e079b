"""Reports in a folder, which nobody but the user may read."""

import errno
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from infra_assets.errors import InfraError

UNFINISHED = ".part"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)


class Folder:
    """Keeps files below a folder, which it makes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, content: bytes, content_type: str) -> None:  # noqa: ARG002  # the name's suffix says it
        """Keep a file: written beside its place, then moved there."""
        with _told(self._folder):
            file = self._place(name)
            self._made(file.parent)
            fresh = file.with_name(f".{file.name}.{secrets.token_hex(6)}{UNFINISHED}")
            try:
                _write(fresh, content)
                fresh.replace(file)
            except BaseException:
                with suppress(OSError):
                    fresh.unlink(missing_ok=True)
                raise

    def get(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        with _told(self._folder):
            try:
                return self._place(name).read_bytes()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return None

    def list(self) -> list[tuple[str, datetime, int]]:
        """Return names, times of writing and sizes; nothing where the folder is not there yet."""
        with _told(self._folder):
            return list(_below(self._folder, ""))

    def delete(self, name: str) -> None:
        """Delete a file, and its folder with the last one."""
        with _told(self._folder):
            file = self._place(name)
            file.unlink(missing_ok=True)
            folder = file.parent
            if folder == self._folder or not folder.is_dir():
                return
            left = list(folder.iterdir())
            if all(each.name.endswith(UNFINISHED) for each in left):
                for each in left:  # what a process that was killed has left
                    each.unlink(missing_ok=True)
                with suppress(OSError):
                    folder.rmdir()

    def _place(self, name: str) -> Path:
        file = self._folder / name
        # Names lead nowhere else, but a link that somebody put here would.
        if not file.parent.resolve().is_relative_to(self._folder.resolve()):
            raise InfraError(f"{file} leads out of {self._folder}", remedy="Take the link away.")
        return file

    def _made(self, folder: Path) -> None:
        if not folder.is_dir():
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            for each in reversed([folder, *folder.parents]):
                if each.is_relative_to(self._folder):
                    each.mkdir(mode=0o700, exist_ok=True)


def _write(file: Path, content: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _below(folder: Path, prefix: str) -> Generator[tuple[str, datetime, int]]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:  # not made yet, or deleted by another process a moment ago
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _below(folder / entry.name, f"{prefix}{entry.name}/")
        elif entry.is_file(follow_symlinks=False) and not entry.name.endswith(UNFINISHED):
            with suppress(FileNotFoundError):
                about = entry.stat()
                yield f"{prefix}{entry.name}", datetime.fromtimestamp(about.st_mtime, UTC), about.st_size


@contextmanager
def _told(folder: Path) -> Generator[None]:
    """Make an error that a person understands of what the system says."""
    try:
        yield
    except OSError as error:
        place = f"reports in {folder}: {error.filename or folder}"
        if error.errno in _FULL:
            raise InfraError(f"{place}: the disk is full", remedy="Make room, or keep fewer checks; nothing half is left there.") from None
        if error.errno in _REFUSED:
            raise InfraError(
                f"{place}: {error.strerror}", remedy=f"{folder} must be a folder that this user may write to, or choose another."
            ) from None
        raise InfraError(f"{place}: {error.strerror}", remedy=f"See to it that {folder} is a folder that can be used.") from None
