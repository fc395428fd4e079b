"""Names of environments: `project/environment@version`, as the service has them."""

import re
from dataclasses import dataclass
from functools import lru_cache

from infra_assets.environments.language.model import LoadError
from infra_assets.errors import UsageError

DEFAULT_PROJECT = "default"
"""The project of an environment that is named without one."""
LATEST = "latest"
"""The tag that always means the current revision."""
MAX_LENGTH = 100
_PART = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_LENGTH}}}")
_BLOB = re.compile(r"[0-9a-f]{40}")
_RULE = f"1 to {MAX_LENGTH} letters, digits, '-', '_' or '.', and neither '.' nor '..'"


class InvalidNameError(LoadError, UsageError):
    """A name of no environment."""


@dataclass(frozen=True, slots=True)
class Name:
    """An environment, at one version of it or as it is now."""

    project: str
    environment: str
    version: str | None = None
    """A revision (`3`) or a tag (`stable`); None is the current revision."""

    def __str__(self) -> str:
        return f"{self.canonical}@{self.version}" if self.version is not None else self.canonical

    @property
    def canonical(self) -> str:
        """The name without version: `shared/app`."""
        return f"{self.project}/{self.environment}"

    @property
    def pinned(self) -> bool:
        """Whether the version is a revision, not a tag: it starts with a digit, or is a whole blob id of git."""
        return self.version is not None and (self.version[0].isdigit() or _BLOB.fullmatch(self.version) is not None)


@lru_cache(maxsize=65536)
def parse_name(text: str) -> Name:
    """Return what `shared/app`, `shared/app@3`, `shared/app@stable` or `app` (of project `default`) names.

    Raises:
        InvalidNameError: it names nothing; the message says which part is wrong.
    """
    path, at, version = text.partition("@")
    project, _, environment = path.partition("/") if "/" in path else (DEFAULT_PROJECT, "/", path)
    _check(text, "project", project)
    _check(text, "environment", environment)
    if at:
        _check(text, "version", version)
    return Name(project, environment, version if at else None)


def canonical_name(text: str) -> Name:
    """Return what `shared/app` names; a name without project or with a version is none.

    Raises:
        InvalidNameError: it is no canonical name.
    """
    name = parse_name(text)
    if name.canonical != text:
        raise InvalidNameError(f"environment {text!r}: `project/environment` is asked for, without a version")
    return name


def _check(text: str, part: str, value: str) -> None:
    if not _PART.fullmatch(value) or value in {".", ".."}:
        raise InvalidNameError(f"environment {text!r}: the {part} {value!r} is not {_RULE}")
