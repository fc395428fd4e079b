"""What a TEP's environments come to: the configuration of each of its cells, and how to log in to its account."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

from infra_assets.environments.language.model import Diagnostic, Number, Range, Value, value_of

Encrypt = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a project wants from its TEP's environment, besides its own part of `pulumiConfig`."""

    project: str
    depends_on: tuple[str, ...] = ()
    """Projects that are deployed before it, directly or not."""
    environment: tuple[str, ...] = ()
    """Names of `environmentVariables` and `files` that its program reads."""
    role: str = ""
    """As what its account is entered: `bootstrap`, `deploy`, or `inspect`, `preview`; "" where it is not."""


@dataclass(frozen=True)
class CellConfiguration:
    """The resolved configuration of one cell."""

    values: Mapping[str, Value] = field(default_factory=dict[str, Value])
    """By full key: `network:cidr`."""
    variables: Mapping[str, Value] = field(default_factory=dict[str, Value])
    files: Mapping[str, Value] = field(default_factory=dict[str, Value])
    stacks: tuple[str, ...] = ()
    """Projects of the same TEP whose outputs stand in it."""
    unresolved: str = ""
    """Why it could not be resolved: something could not be opened."""

    @property
    def parts(self) -> tuple[Mapping[str, Value], Mapping[str, Value], Mapping[str, Value]]:
        """Values, variables and files."""
        return self.values, self.variables, self.files

    @cached_property
    def mask(self) -> frozenset[str]:
        """The paths of its secrets: `service:password`, `service:database.password`."""
        return frozenset(path for key, value in self.values.items() for path in _secret_paths(key, value))

    def everything(self) -> dict[str, Value]:
        """Return all of it by name: keys, variables as `$NAME`, files as `file NAME`."""
        variables = {f"${name}": value for name, value in self.variables.items()}
        return {**self.values, **variables, **{f"file {name}": value for name, value in self.files.items()}}

    def secrets(self) -> list[str]:
        """Return its secrets' texts, in clear."""
        return [text for value in self.everything().values() for text in _secret_texts(value, secret=False)]

    def fingerprint(self, key: bytes) -> str:
        """Return a keyed hash of everything in it: equal for equal values, and nothing can be guessed from it without the key."""
        content = [{name: _canonical(value) for name, value in part.items()} for part in self.parts]
        return blake2b(_encode(content).encode(), key=key[:64], digest_size=32).hexdigest()

    def settings(self, encrypt: Encrypt) -> dict[str, Any]:
        """Return it as a stack's settings file has it: secrets as `{"secure": …}`."""
        return {key: _setting(value, encrypt) for key, value in self.values.items()}


@dataclass(frozen=True, slots=True)
class Login:
    """How to get credentials for a TEP's account: what `aws-login` is to be opened with, or credentials as they are."""

    inputs: Value | None = None
    credentials: Value | None = None
    current_environment: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong, and where."""

    place: str
    """`environments/tenants/acme.yaml:4:12`, or an environment's name."""
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(frozen=True)
class Resolution:
    """All of one TEP."""

    tep: str
    cells: Mapping[str, CellConfiguration] = field(default_factory=dict[str, CellConfiguration])
    """By project."""
    logins: Mapping[str, Login] = field(default_factory=dict[str, Login])
    """By role: `bootstrap`, `deploy`; `inspect` and `preview` where there are any."""
    closure: Mapping[str, str] = field(default_factory=dict[str, str])
    """Revisions of the environments that it rests on, by name."""
    problems: Sequence[Problem] = ()
    """Errors: nothing of this TEP may be deployed."""
    warnings: Sequence[str] = ()

    def cell(self, project: str) -> CellConfiguration:
        """Return one project's configuration."""
        return self.cells.get(project) or CellConfiguration()


def told(diagnostic: Diagnostic, place: str) -> Problem:
    """Return a diagnostic with its place: `environments/tenants/acme.yaml:4:12: values.a: unknown property "b"`."""
    message = f"{diagnostic.path}: {diagnostic.summary}" if diagnostic.path else diagnostic.summary
    return Problem(placed(place, diagnostic.range), message)


def placed(place: str, range_: Range | None) -> str:
    """Return a place with line and column, where they are known."""
    return f"{place}:{range_.begin.line}:{range_.begin.column}" if range_ else place


def dump(resolution: Resolution) -> str:
    """Return a resolution as text, secrets in clear: for sealing, never for writing down."""
    return json.dumps(
        {
            "tep": resolution.tep,
            "cells": {name: _dump_cell(cell) for name, cell in resolution.cells.items()},
            "logins": {
                role: {
                    "inputs": _tagged(login.inputs) if login.inputs else None,
                    "credentials": _tagged(login.credentials) if login.credentials else None,
                    "current_environment": login.current_environment,
                }
                for role, login in resolution.logins.items()
            },
            "closure": dict(resolution.closure),
            "warnings": list(resolution.warnings),
        }
    )


def load(text: str) -> Resolution:
    """Return what `dump` wrote."""
    content = json.loads(text)
    return Resolution(
        tep=content["tep"],
        cells={name: _load_cell(cell) for name, cell in content["cells"].items()},
        logins={
            role: Login(
                inputs=_untagged(login["inputs"]) if login["inputs"] else None,
                credentials=_untagged(login["credentials"]) if login["credentials"] else None,
                current_environment=login["current_environment"],
            )
            for role, login in content["logins"].items()
        },
        closure=content["closure"],
        warnings=content["warnings"],
    )


PARTS = ("values", "variables", "files")


def _dump_cell(cell: CellConfiguration) -> dict[str, Any]:
    parts = {part: {key: _tagged(value) for key, value in getattr(cell, part).items()} for part in PARTS}
    return {**parts, "stacks": list(cell.stacks), "unresolved": cell.unresolved}


def _load_cell(content: dict[str, Any]) -> CellConfiguration:
    parts = {part: {key: _untagged(value) for key, value in content[part].items()} for part in PARTS}
    return CellConfiguration(**parts, stacks=tuple(content["stacks"]), unresolved=content["unresolved"])


def _tagged(value: Value) -> list[Any]:
    """A value as JSON that keeps what is secret and how numbers were written: `[secret, kind, content]`."""
    match value.value:
        case Number():
            return [value.secret, "n", value.value.text]
        case list():
            return [value.secret, "a", [_tagged(item) for item in value.value]]
        case dict():
            return [value.secret, "o", {key: _tagged(item) for key, item in value.value.items()}]
        case _:
            return [value.secret, "p", value.value]


def _untagged(content: list[Any]) -> Value:
    secret, kind, inner = content
    match kind:
        case "n":
            return Value(Number(inner), secret)
        case "a":
            return Value([_untagged(item) for item in inner], secret)
        case "o":
            return Value({key: _untagged(item) for key, item in inner.items()}, secret)
        case _:
            return Value(inner, secret)


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def _canonical(value: Value) -> Any:
    match value.value:
        case Number():
            plain: Any = value.value.plain()
        case list():
            plain = [_canonical(item) for item in value.value]
        case dict():
            plain = {key: _canonical(item) for key, item in value.value.items()}
        case _:
            plain = value.value
    # That a value became a secret is a change too: the state must keep it as one.
    return {"secret": plain} if value.secret else plain


def _setting(value: Value, encrypt: Encrypt) -> Any:
    if value.secret:
        plain = value.plain(reveal=True)
        return {"secure": encrypt(plain if isinstance(plain, str) else json.dumps(plain))}
    match value.value:
        case list():
            return [_setting(item, encrypt) for item in value.value]
        case dict():
            return {key: _setting(item, encrypt) for key, item in value.value.items()}
        case _:
            return value.plain()


def _secret_paths(path: str, value: Value) -> list[str]:
    if value.secret:
        return [path]
    match value.value:
        case list():
            return [found for index, item in enumerate(value.value) for found in _secret_paths(f"{path}[{index}]", item)]
        case dict():
            return [found for key, item in value.value.items() for found in _secret_paths(f"{path}.{key}", item)]
        case _:
            return []


def _secret_texts(value: Value, *, secret: bool) -> list[str]:
    secret = secret or value.secret
    match value.value:
        case list():
            inner = [text for item in value.value for text in _secret_texts(item, secret=secret)]
        case dict():
            inner = [text for item in value.value.values() for text in _secret_texts(item, secret=secret)]
        case None | bool():
            inner = []
        case _:
            inner = [str(value.plain(reveal=True))] if secret else []
    if secret and isinstance(value.value, list | dict):
        inner.append(json.dumps(value_of(value.plain(reveal=True)).plain()))
    return inner
