"""Environments as files: `ROOT/project/environment.yaml`."""

import fcntl
import os
import secrets
import stat
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from infra_assets.environments.language.model import Document
from infra_assets.environments.names import InvalidNameError, canonical_name
from infra_assets.environments.sources.protocol import (
    MAX_BYTES,
    MissingEnvironmentError,
    SourceError,
    blob_id,
    check_expected,
    check_size,
    without_tags,
)

SUFFIX = ".yaml"
ACCESS = "access.yaml"
"""The one file at the root: which project may import which."""
_SETTLED_NS = 50_000_000
"""A file changed less than this before it was read may change again without its times telling."""

_PIECE = 1 << 16
"""Bytes that are read at once: nearly every definition is shorter."""

_Problems = list[str]
_Identity = tuple[int, int, int, int]
_File = tuple[_Identity | None, str]
"""What a file looked like when it was read, None where that may not tell it from a later content; and its revision."""


class FolderSource:
    """The environments of a folder; a revision is the content's blob id, as git has it.

    Places are told from `base` where it stands below it, without one from the folder above. Hidden files are nobody's; a file that
    stands where no environment can stand is among the `problems`.
    """

    def __init__(self, root: Path, *, base: Path | None = None) -> None:
        self._root = root.absolute()
        base = base.absolute() if base else self._root.parent
        self._shown = str(self._root.relative_to(base) if self._root.is_relative_to(base) else self._root)
        self._files: dict[str, _File] = {}
        self._listed: Mapping[str, str] = MappingProxyType({})
        self._problems: Sequence[str] = ()

    def list(self) -> Mapping[str, str]:
        """Return the current revision of every environment; only files that changed are read.

        Raises:
            SourceError: there is no such folder, or a file cannot be read.
        """
        found: dict[str, _File] = {}
        problems: _Problems = []
        try:
            for folder in self._projects(problems):
                self._scan(folder, found, problems)
        except OSError as error:
            raise SourceError(f"environments cannot be listed: {error}") from None
        self._problems = problems
        if found != self._files:
            self._files = found
            listed = {name: revision for name, (_, revision) in found.items()}
            self._listed = MappingProxyType(listed) if listed != self._listed else self._listed
        return self._listed

    def problems(self) -> Sequence[str]:
        """Return what in the folder is no environment and looks like one, with the reason."""
        self.list()
        return self._problems

    def read(self, name: str, revision: str | None = None) -> Document:
        """Return an environment; an older revision comes from the repository that the folder stands in.

        Raises:
            MissingEnvironmentError: there is no such file; or neither it nor a commit has the revision.
            SourceError: the file cannot be read, or is a link out of the folder.
        """
        canonical_name(name)
        path = self._path(name)
        place = f"{self._shown}/{name}{SUFFIX}"
        try:
            source = self._content(path)
        except FileNotFoundError:
            if revision is None:
                raise MissingEnvironmentError(f"there is no environment {name}: no file {path}") from None
            source = None
        except OSError as error:
            raise SourceError(f"environment {name} cannot be read: {error}") from None
        current = blob_id(source) if source is not None else None
        if source is None or revision not in (None, current):
            assert revision is not None
            from infra_assets.environments.sources.history import blob_of_file  # pygit2 is an expensive import, and most reads are of now

            return Document(name, revision, blob_of_file(Path(path), revision, name), place=f"{place} at {revision[:10]}")
        assert current is not None
        return Document(name, current, source, place=place)

    def tag(self, name: str, tag: str) -> str:
        """Return the current revision for `latest`.

        Raises:
            MissingRevisionError: another tag.
        """
        return without_tags(self, name, tag, "a folder")

    def write(self, name: str, source: bytes, *, expected: str | None = None, author: str = "") -> str:  # noqa: ARG002
        """Replace or add a file, whole or not at all; who did it is for git to record.

        Raises:
            ConflictError: the current revision is not `expected`.
            SourceError: it is too long or cannot be written.
        """
        canonical_name(name)
        check_size(name, len(source))
        try:
            with self._locked():
                self._replace(name, source, expected)
        except OSError as error:
            raise SourceError(f"environment {name} cannot be written: {error}") from None
        return blob_id(source)

    def _replace(self, name: str, source: bytes, expected: str | None) -> None:
        path = self._path(name)
        current: bytes | None = None
        with suppress(FileNotFoundError):
            current = self._content(path)
        check_expected(name, blob_id(current) if current is not None else None, expected)
        Path(path).parent.mkdir(exist_ok=True)
        _replace(Path(self._inside(path)), source)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}{SUFFIX}"

    def _projects(self, problems: _Problems) -> Iterator[os.DirEntry[str]]:
        for entry in os.scandir(self._root):
            if entry.name.startswith("."):
                continue
            if entry.is_dir() and self._stays(entry, problems):
                yield entry
            elif entry.name.endswith((SUFFIX, ".yml")) and entry.name != ACCESS:
                problems.append(f"{entry.path}: an environment stands in its project's folder, {self._root.name}/PROJECT/NAME{SUFFIX}")

    def _scan(self, folder: os.DirEntry[str], found: dict[str, _File], problems: _Problems) -> None:
        prefix = folder.name + "/"
        known = self._files
        for entry in os.scandir(folder.path):
            file = entry.name
            if file[-5:] != SUFFIX or file[0] == ".":
                _report_stranger(entry, problems)
                continue
            name = prefix + file[:-5]
            try:
                status = entry.stat()
                identity = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
                before = known.get(name)
                if before is not None and before[0] == identity:
                    found[name] = before
                else:
                    found[name] = self._revision(entry, name, identity)
            except InvalidNameError as error:
                problems.append(f"{entry.path}: {error}")
            except (OSError, SourceError) as error:
                problems.append(str(error))

    def _revision(self, entry: os.DirEntry[str], name: str, identity: _Identity) -> _File:
        canonical_name(name)
        settled = time.time_ns() - identity[1] > _SETTLED_NS
        return (identity if settled else None, blob_id(self._content(entry.path)))

    def _stays(self, entry: os.DirEntry[str], problems: _Problems) -> bool:
        try:
            return not entry.is_symlink() or bool(self._inside(entry.path))
        except SourceError as error:
            problems.append(str(error))
            return False

    def _content(self, path: str) -> bytes:
        if os.path.islink(path) or os.path.islink(os.path.dirname(path)):  # noqa: PTH114, PTH120  # asked for every file
            path = self._inside(path)
        # A link or a pipe that took the file's place just now is not followed, and not waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise SourceError(f"{path} is not a file")
            check_size(path, status.st_size)
            return _read(descriptor)
        finally:
            os.close(descriptor)

    def _inside(self, path: str) -> str:
        real = Path(path).resolve()
        if not real.is_relative_to(self._root.resolve()):
            raise SourceError(f"{path} is a link out of {self._root}")
        return str(real)

    @contextmanager
    def _locked(self) -> Generator[None]:
        folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _read(descriptor: int) -> bytes:
    found: list[bytes] = []
    while piece := os.read(descriptor, _PIECE):
        found.append(piece)
        if len(found) * _PIECE > MAX_BYTES:
            break
    return b"".join(found)[:MAX_BYTES]


def _report_stranger(entry: os.DirEntry[str], problems: _Problems) -> None:
    if entry.name.startswith("."):
        return
    if entry.is_dir():
        problems.append(f"{entry.path}: a project's folder holds no folders")
    elif entry.name.endswith(".yml"):
        problems.append(f"{entry.path}: an environment's file ends in {SUFFIX}")


def _replace(path: Path, source: bytes) -> None:
    # Beside it, because only within one file system a rename is atomic; hidden, so that no list shows it.
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    try:
        with open(new, "xb", opener=lambda file, flags: os.open(file, flags, 0o666 if mode is None else 0o600)) as file:
            file.write(source)
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
