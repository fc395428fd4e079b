"""A repository's address: what it may be, whether it is allowed, and how it is shown without credentials."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from infra_assets.errors import UsageError

_PLACE = "targets.yaml: programs"
_SCP = re.compile(r"(?:(?P<user>[\w.+-]+)@)?(?P<host>[\w*?][\w.*?-]*):(?P<path>(?!//).+)")
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_CREDENTIALS = re.compile(r"(https?://)[^/\s@]*@|(?<=://)([^/\s:@]*):[^/\s@]*@")
_SHORTEST_SECRET = 4


class _Parts(NamedTuple):
    kind: Literal["https", "ssh", "path"]
    user: str
    host: str
    path: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is."""

    url: str = field(repr=False)
    """What git is given: it may hold credentials."""
    shown: str
    """What people are shown: it never does."""
    parts: _Parts
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def folder(self) -> Path | None:
        """Its path, where it is on this machine."""
        return Path(self.parts.path) if self.parts.kind == "path" else None

    def clean(self, text: str) -> str:
        """Return what git said without credentials."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return _CREDENTIALS.sub(lambda found: found[1] or f"{found[2]}@", text)

    def allowed(self, patterns: Sequence[str], root: Path) -> bool:
        """Return whether it may be fetched: it is inside `root`, or one of the globs matches it part by part."""
        folder = self.folder
        if folder is not None and folder.is_relative_to(root.resolve()):
            return True
        return any(_matches(self.parts, _pattern(each, root)) for each in patterns)

    def link(self, old: str, new: str) -> str:
        """Return a page on what is between two commits, or on one alone; empty where the host is not known to have one."""
        host = self.parts.host.rpartition(":")[0] if self.parts.kind == "ssh" and ":" in self.parts.host else self.parts.host
        style = {"github": "", "gitlab": "/-"}
        between = next((style[name] for name in style if name in host), None)
        if self.parts.kind == "path" or between is None:
            return ""
        page = f"https://{host}/{self.parts.path.removesuffix('/').removesuffix('.git')}{between}"
        return f"{page}/compare/{old}...{new}" if old else f"{page}/commit/{new}"


def parse(text: str, root: Path) -> Address:
    """Read an address: `https://…`, `ssh://…`, `user@host:path`, `file:///…`, or a path below `root`.

    Raises:
        UsageError: it is something else, or could be read as something else. The message does not repeat it: it may hold a password.
    """
    if not text or text.startswith("-") or _HELPER.match(text) or not text.isprintable() or any(char in text for char in " \\"):
        raise UsageError(f"{_PLACE}: no address of a repository", remedy="It is a path below ROOT, https://…, ssh://… or user@host:path.")
    if "://" in text:
        return _of_url(text)
    scp = _scp(text)
    if scp:
        _refuse_steps(scp.path)
        return Address(text, text, scp)
    return _of_folder(root / Path(text).expanduser())


def _of_url(text: str) -> Address:
    try:
        url = urlsplit(text)
        _ = url.port  # a wrong one raises
    except ValueError:
        raise UsageError(f"{_PLACE}: no URL") from None
    if url.scheme == "file" and not url.netloc:
        return _of_folder(Path(unquote(url.path)))
    if url.scheme not in ("https", "ssh"):
        raise UsageError(f"{_PLACE}: {url.scheme}://…: a repository is fetched by https, ssh or from a path")
    if not url.hostname or url.hostname.startswith("-") or url.query or url.fragment:
        raise UsageError(f"{_PLACE}: {url.scheme}://…: a host and a path are needed, and nothing after them")
    _refuse_steps(url.path)
    parts = _url_parts(url)
    user = f"{parts.user}@" if parts.user else ""
    return Address(text, f"{url.scheme}://{user}{parts.host}/{parts.path}", parts, _secrets(url))


def _of_folder(folder: Path) -> Address:
    path = str(folder.resolve())
    return Address(path, path, _Parts("path", "", "", path))


def _secrets(url: SplitResult) -> tuple[str, ...]:
    """Return what may not be shown, longest first; of an ssh address the user may."""
    raw = (url.username if url.scheme == "https" else None, url.password)
    found = {form for each in raw if each for form in (each, unquote(each)) if len(form) >= _SHORTEST_SECRET}
    return tuple(sorted(found, key=len, reverse=True))


def _url_parts(url: SplitResult) -> _Parts:
    host = (url.hostname or "") + (f":{url.port}" if url.port else "")
    path = unquote(url.path).strip("/")
    return _Parts("https", "", host, path) if url.scheme == "https" else _Parts("ssh", url.username or "", host, path)


def _scp(text: str) -> _Parts | None:
    found = _SCP.fullmatch(text) if "/" not in text.partition(":")[0] else None
    return _Parts("ssh", found["user"] or "", found["host"].lower(), found["path"].strip("/")) if found else None


def _refuse_steps(path: str) -> None:
    # A client takes `..` away before it asks: allowed/../other would be fetched as other.
    if any(part in (".", "..") for part in unquote(unquote(path)).split("/")):
        raise UsageError(f"{_PLACE}: the path of a URL has no . and no .. in it")


def _pattern(pattern: str, root: Path) -> _Parts | None:
    if "://" in pattern and not pattern.startswith("file://"):
        try:
            url = urlsplit(pattern)
            return _url_parts(url) if url.scheme in ("https", "ssh") else None
        except ValueError:
            return None
    return _scp(pattern) or _Parts("path", "", "", str(root.resolve() / pattern.removeprefix("file://")))


def _matches(given: _Parts, pattern: _Parts | None) -> bool:
    """Compare part by part, so that a `*` for the host never reaches into the path."""
    if pattern is None or given.kind != pattern.kind or (pattern.user and pattern.user != given.user):
        return False
    return fnmatchcase(given.host, pattern.host) and fnmatchcase(given.path, pattern.path)
