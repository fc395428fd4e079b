"""What an evaluation comes to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from infra_assets.environments.language.model import UNKNOWN, Diagnostic, Number, Plain, Site, Value
from infra_assets.environments.language.values import Value as Internal


@dataclass(frozen=True, slots=True)
class Patch:
    """A rotated secret's new state, and where in the document it belongs."""

    path: str
    value: Value


class Sites(Mapping[Site, Mapping[str, Value] | None]):
    """What was not opened, with its inputs, which are exported when they are asked for."""

    def __init__(self, held: Mapping[Site, Internal | None]) -> None:
        self._held = held

    def __getitem__(self, site: Site) -> Mapping[str, Value] | None:
        inputs = self._held[site]
        parts = inputs.export().value if inputs else None
        return parts if isinstance(parts, dict) else None

    def __iter__(self) -> Iterator[Site]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def known(self, site: Site) -> bool:
        """Whether an open's inputs are known, as an object."""
        inputs = self._held.get(site)
        return inputs is not None and isinstance(inputs.parts, dict)


class Evaluation:
    """Values and diagnostics; with an error among these, the values must not be used.

    Values may be shared between evaluations: they are not to be changed.
    """

    def __init__(
        self,
        root: Internal | None,
        read: tuple[Diagnostic, ...],
        evaluated: tuple[Diagnostic, ...],
        closure: Mapping[str, str],
        opened: tuple[Site, ...] = (),
        sites: Sites | None = None,
        patches: tuple[Patch, ...] = (),
    ) -> None:
        self._root = root
        self.read = read
        """What was found while the root was read."""
        self.evaluated = evaluated
        """What was found while it was evaluated, in its imports too."""
        self.closure = closure
        """Canonical names of all documents that were used, the root included, with their revisions."""
        self.opened = opened
        """What was opened."""
        self.sites = sites or Sites({})
        """What was not opened, with its inputs; None where these are unknown themselves."""
        self.patches = patches

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that was found."""
        return self.read + self.evaluated

    @property
    def broken(self) -> bool:
        """Whether there are errors."""
        return any(diagnostic.error for diagnostic in self.diagnostics)

    @cached_property
    def properties(self) -> Mapping[str, Value] | None:
        """The values; None where the document declares no environment, or is none."""
        if self._root is None:
            return None
        exported = self._root.export().value
        assert isinstance(exported, dict)
        return exported

    def at(self, *path: str | int) -> Value | None:
        """Return a value; None where there is none."""
        value = self._root
        for step in path:
            if value is None:
                return None
            parts = value.parts
            if isinstance(step, str):
                value = value.entry(step) if isinstance(parts, dict) else None
            else:
                value = parts[step] if isinstance(parts, list) and -len(parts) <= step < len(parts) else None
        return value.export() if value else None

    def environment_variables(self) -> dict[str, Value]:
        """Return the scalars under `environmentVariables`, as strings."""
        return self._strings("environmentVariables")

    def files(self) -> dict[str, Value]:
        """Return the scalars under `files`, as strings: contents by the variables that are to hold the files' paths."""
        return self._strings("files")

    def _strings(self, name: str) -> dict[str, Value]:
        held = self.at(name)
        if held is None or not isinstance(held.value, dict):
            return {}
        return {key: _string(value) for key, value in held.value.items() if not isinstance(value.value, list | dict)}


def _string(value: Value) -> Value:
    text = UNKNOWN if value.unknown else _text(value.value)
    return Value(text, value.secret, value.unknown, value.definition, None, value.pending)


def _text(parts: object) -> str:
    if isinstance(parts, bool):
        return "true" if parts else "false"
    return parts.text if isinstance(parts, Number) else str("" if parts is None else parts)


def plain(properties: Mapping[str, Value], *, reveal: bool = False) -> dict[str, Plain]:
    """Return values as JSON has them; secrets as `[secret]` unless `reveal`, what is unknown as `[unknown]`."""
    return {key: value.plain(reveal=reveal) for key, value in properties.items()}
