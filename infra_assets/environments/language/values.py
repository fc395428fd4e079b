"""Values while they are evaluated: merged without being copied.

A value knows what it overrides (`base`); an object's entries do so too. None is changed once it is there, so that values, and what is
merged of them, are shared between all environments that import them. What costs something (merged entries, schemas, exported values) is
worked out when it is asked for, once.
"""

from collections.abc import Mapping
from typing import Literal, Union

from infra_assets.environments.language.expressions import Expression
from infra_assets.environments.language.golang import quote, well_formed
from infra_assets.environments.language.model import Number, Site
from infra_assets.environments.language.model import Value as Exported
from infra_assets.environments.language.schema import (
    ALWAYS,
    NULL,
    Schema,
    closed_array,
    constant,
    merged,
    record,
)

NOTHING: frozenset[Site] = frozenset()
_NO_ENTRIES: "Mapping[str, Value]" = {}
_NO_EXPORTS: dict[str, Exported] = {}


Parts = Union[bool, Number, str, "list[Value]", "dict[str, Value]", None]


MAX_TEXT = 8 << 20
"""No string is longer than that, in characters."""
MAX_EXTENT = MAX_TEXT // 32


class TooMuchError(Exception):
    """A string, or a value, that is larger than anyone needs, as when each of many values repeats the one before it twice."""

    def __init__(self) -> None:
        super().__init__(f"comes to more than {MAX_TEXT >> 20} MB")


class Value:
    """A value: what it is made of, where it was defined, what it overrides, and whether it is secret, unknown or final.

    `pending` says which opens an unknown value waits for.
    """

    __slots__ = (
        "_accesses", "_bottom", "_exported", "_extent", "_keys", "_schema", "_secrets", "_shape", "_unknowns", "_view", "base",
        "closed", "definition", "final", "parts", "pending", "rotate_only", "secret", "unknown",
    )  # fmt: skip

    def __init__(
        self,
        definition: Expression,
        parts: "Parts" = None,
        base: "Value | None" = None,
        shape: "Schema | Value | None" = None,
        *,
        secret: bool = False,
        unknown: bool = False,
        final: bool = False,
        rotate_only: bool = False,
        pending: frozenset[Site] = NOTHING,
    ) -> None:
        self.definition = definition
        self.parts = parts
        self.base = base
        self.secret = secret
        self.unknown = unknown
        self.final = final
        self.closed = False
        """Whether what it overrides can only be referred to, and is not listed with its own entries."""
        self.rotate_only = rotate_only
        self.pending = pending
        self._shape = shape
        self._schema: Schema | None = None
        self._keys: list[str] | None = None
        self._view: Mapping[str, Value] | None = None
        self._bottom: Value | Literal[False] | None = False
        self._exported: Exported | None = None
        self._unknowns: bool | None = None
        self._secrets: bool | None = None
        self._extent: tuple[int, int] | None = None
        self._accesses: dict[str, Value] | None = None

    # --- objects

    @property
    def view(self) -> "Mapping[str, Value]":
        """An object's entries, those of what it overrides included; none of anything else."""
        if self._view is None:
            parts, base = self.parts, self.base
            if not isinstance(parts, dict):
                return _NO_ENTRIES
            self._view = {**base.view, **parts} if base is not None and isinstance(base.parts, dict) else parts
        return self._view

    @property
    def listed(self) -> "Mapping[str, Value]":
        """An object's entries as they are shown."""
        return self.parts if self.closed and isinstance(self.parts, dict) else self.view

    def keys(self) -> list[str]:
        """Return the keys of what is listed, sorted."""
        if self._keys is None:
            self._keys = sorted(self.listed)
        return self._keys

    @property
    def bottom(self) -> "Value | None":
        """The first among what an object overrides that is no object."""
        if self._bottom is False:
            base = self.base
            self._bottom = base.bottom if base is not None and isinstance(base.parts, dict) else base
        return self._bottom

    def entry(self, key: str) -> "Value | None":
        """Return an object's entry, or that of what it overrides; of something unknown an unknown one."""
        parts = self.parts
        if not isinstance(parts, dict):
            return self._access(key) if self.unknown else None
        found = parts.get(key)
        base = self.base
        if found is not None or base is None:
            return found
        if isinstance(base.parts, dict):
            found = base.view.get(key)
            if found is not None:
                return found
        bottom = self.bottom
        return bottom._access(key) if bottom is not None and bottom.unknown else None  # noqa: SLF001

    def _access(self, key: str) -> "Value":
        if self._accesses is None:
            self._accesses = {}
        if key not in self._accesses:
            base = self.base.entry(key) if self.base else None
            access = Value(self.definition, None, base, unknown=True, pending=self.pending)
            access._schema = self.schema.property(key)
            self._accesses[key] = access
        return self._accesses[key]

    @property
    def is_object(self) -> bool:
        """Whether it is one, or may be."""
        if self.unknown:
            return self.schema.always or self.schema.type == "object"
        return isinstance(self.parts, dict)

    # --- merging

    def over(self, base: "Value | None") -> "Value":
        """Return it merged over another."""
        if base is None:
            return self
        return self._based(self.base.over(base) if self.base else base)

    def _based(self, base: "Value") -> "Value":
        parts = self.parts
        if isinstance(parts, dict):
            parts = {key: part.rebased(self.base and self.base.entry(key), base.entry(key)) for key, part in parts.items()}
        value = Value(
            self.definition, parts, base, self,
            secret=self.secret, unknown=self.unknown, final=self.final, rotate_only=self.rotate_only, pending=self.pending,
        )  # fmt: skip
        value.closed = self.closed
        return value

    def rebased(self, old: "Value | None", new: "Value | None") -> "Value":
        """Return it merged over what its last bases have become."""
        # Its last bases are `old`, if anything; they become `new`, which is the same merged over something.
        if new is None or new is old:
            return self
        if old is None or self.base is None:
            return new if self is old else self.over(new)
        return new if self is old else self._based(self.base.rebased(old, new))

    def as_defined_by(self, definition: Expression) -> "Value":
        """Return it as the value of something that refers to it."""
        return Value(
            definition, self.parts, self.base, self, secret=self.secret, unknown=self.unknown, final=self.final, pending=self.pending
        )

    def opened(self, seen: "dict[Value, Value] | None" = None) -> "Value":
        """Return it with nothing closed in it: upstream copies whatever is merged or referred to, and a copy lists all."""
        seen = {} if seen is None else seen
        if self not in seen:
            parts = self.parts
            if isinstance(parts, dict):
                parts = {key: part.opened(seen) for key, part in parts.items()}
            elif isinstance(parts, list):
                parts = [part.opened(seen) for part in parts]
            copy = Value(self.definition, parts, self.base and self.base.opened(seen), self, secret=self.secret, unknown=self.unknown)
            copy.final, copy.pending = self.final, self.pending
            seen[self] = copy
        return seen[self]

    # --- what is in it

    @property
    def unknowns(self) -> bool:
        """Whether anything in it is unknown."""
        if self._unknowns is None:
            self._unknowns = self.unknown or any(part.unknowns for part in self._all())
        return self._unknowns

    @property
    def secrets(self) -> bool:
        """Whether anything in it is secret."""
        if self._secrets is None:
            self._secrets = self.secret or any(part.secrets for part in self._all())
        return self._secrets

    @property
    def pendings(self) -> frozenset[Site]:
        """Which opens anything in it waits for."""
        if not self.unknowns:
            return NOTHING
        return self.pending.union(*(part.pendings for part in self._all()))

    @property
    def extent(self) -> tuple[int, int]:
        """How deep it is nested, and how much there is in it: 1 for each value, and for each 32 characters."""
        if self._extent is None:
            if isinstance(self.parts, str):
                self._extent = 0, 1 + len(self.parts) // 32
            elif isinstance(self.parts, dict | list):
                below = [part.extent for part in self._all()]
                self._extent = 1 + max((deep for deep, _ in below), default=0), 1 + sum(much for _, much in below)
            else:
                self._extent = 0, 1
        return self._extent

    def observable_unknowns(self, *, rotating: bool) -> bool:
        """Whether anything in it is unknown and will be looked at: what only a rotation needs is not, without one."""
        if self.unknown:
            return rotating or not self.rotate_only
        return any(part.observable_unknowns(rotating=rotating) for part in self._all())

    def _all(self) -> "list[Value]":
        parts = self.parts
        if isinstance(parts, list):
            return parts
        return list(self.listed.values()) if isinstance(parts, dict) else []

    def text(self) -> "Text":
        """Return it as it appears in an interpolated string."""
        if self.unknown:
            return Text("[unknown]", True, self.secret, self.pending)
        parts = self.parts
        if isinstance(parts, str):
            return Text(parts, False, self.secret, NOTHING)
        if isinstance(parts, list):
            return self._joined([(None, part.text()) for part in parts])
        if isinstance(parts, dict):
            return self._joined([(key, parts[key].text()) for key in sorted(parts)])
        return Text(_scalar(parts), False, self.secret, NOTHING)

    def _joined(self, parts: "list[tuple[str | None, Text]]") -> "Text":
        pending = NOTHING.union(*(part.pending for _, part in parts))
        unknown, secret = any(part.unknown for _, part in parts), self.secret or any(part.secret for _, part in parts)
        shown = ",".join(quote(part.text) if key is None else f"{quote(key)}={quote(part.text)}" for key, part in parts)
        if len(shown) > MAX_TEXT:
            raise TooMuchError
        return Text(shown, unknown, secret, pending)

    # --- what is known of it

    @property
    def schema(self) -> Schema:
        """What it is, or may be."""
        if self._schema is None:
            shape = self._shape
            own = shape if isinstance(shape, Schema) else shape.schema if shape is not None else self._structure()
            self._schema = merged(self.base.schema, own) if self.base else own
        return self._schema

    def _structure(self) -> Schema:
        parts = self.parts
        match parts:
            case None:
                return NULL
            case bool():
                return constant("boolean", parts)
            case Number():
                return constant("number", parts)
            case str():
                return constant("string", parts)
            case list():
                return closed_array(part.schema for part in parts)
            case dict():
                return record({key: part.schema for key, part in parts.items()})

    # --- to the outside

    def export(self) -> Exported:
        """Return it as the host sees it."""
        exported = self._exported
        if exported is None:
            base = self.base.export() if self.base else None
            exported = Exported(self._exported_parts(), self.secret, self.unknown, self.definition.range, base, self.pending)
            self._exported = exported
        return exported

    def _exported_parts(self) -> bool | Number | str | list[Exported] | dict[str, Exported] | None:
        parts = self.parts
        if isinstance(parts, str):
            return well_formed(parts)
        if isinstance(parts, dict):
            below = self.base.export().value if self.base is not None and not self.closed else None
            held = {**(below if isinstance(below, dict) else _NO_EXPORTS), **{key: part.export() for key, part in parts.items()}}
            return {key: held[key] for key in sorted(held)}
        if isinstance(parts, list):
            return [part.export() for part in parts]
        return parts


class Text:
    """A value as text, with what it tells of the value."""

    __slots__ = ("pending", "secret", "text", "unknown")

    def __init__(self, text: str, unknown: bool, secret: bool, pending: frozenset[Site]) -> None:
        self.text = text
        self.unknown = unknown
        self.secret = secret
        self.pending = pending


def _scalar(parts: bool | Number | None) -> str:
    if isinstance(parts, bool):
        return "true" if parts else "false"
    return parts.text if parts else ""


def unknown(definition: Expression, pending: frozenset[Site] = NOTHING) -> Value:
    """Return a value of which nothing is known."""
    return Value(definition, None, None, ALWAYS, unknown=True, pending=pending)


def imported(value: Exported, definition: Expression, *, secret: bool = False) -> Value:
    """Return a host's value; all that is in a secret one is secret."""
    secret = secret or value.secret
    parts = value.value
    if isinstance(parts, list):
        inner: Parts = [imported(part, definition, secret=secret) for part in parts]
    elif isinstance(parts, dict):
        inner = {key: imported(part, definition, secret=secret) for key, part in parts.items()}
    else:
        inner = parts
    return Value(definition, inner, secret=secret, unknown=value.unknown, pending=value.pending)
