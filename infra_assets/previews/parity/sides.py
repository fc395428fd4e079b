"""What is compared of TEPs: items, and what each TEP has of them."""

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra_assets.fleet.models import Tep
from infra_assets.previews.parity.leaves import Leaves
from infra_assets.previews.parity.result import Unread
from infra_assets.stacks.declared import Hidden


@dataclass(frozen=True, slots=True)
class Item:
    """What is compared: a resource of a project, or a setting."""

    project: str
    kind: str
    name: str
    """A resource's name in the program, neutral; a setting's key."""
    type: str = ""
    parents: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """What some TEPs have of an item."""

    leaves: Leaves
    layers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in a state, with where it stands."""

    item: Item
    path: str
    hidden: Hidden


@dataclass(slots=True)
class Sides:
    """All that is compared: by item and TEP the number of a variant. Most TEPs share them, which keeps a fleet of thousands small."""

    items: dict[Item, dict[str, int]] = field(default_factory=dict[Item, dict[str, int]])
    variants: list[Variant] = field(default_factory=list[Variant])
    secrets: dict[tuple[str, str], tuple[str, list[Secret]]] = field(default_factory=dict[tuple[str, str], tuple[str, list["Secret"]]])
    """By TEP and project: the stack's salt, and its secrets."""
    read: dict[tuple[str, str], set[str]] = field(default_factory=dict[tuple[str, str], set[str]])
    """By kind and project: the TEPs of which it could be read."""
    unread: list[Unread] = field(default_factory=list[Unread])
    _numbers: dict[bytes, int] = field(default_factory=dict[bytes, int])

    def add(self, item: Item, tep: str, variant: Variant) -> None:
        """Note what a TEP has of an item."""
        self.items.setdefault(item, {})[tep] = self._number(variant)

    def note(self, kind: str, project: str, tep: str) -> None:
        """Note that something of a TEP could be read."""
        self.read.setdefault((kind, project), set()).add(tep)

    def take(self, other: "Sides") -> None:
        """Add what was read elsewhere."""
        numbers = [self._number(variant) for variant in other.variants]
        for item, teps in other.items.items():
            self.items.setdefault(item, {}).update({tep: numbers[number] for tep, number in teps.items()})
        for place, teps in other.read.items():
            self.read.setdefault(place, set()).update(teps)
        self.secrets.update(other.secrets)
        self.unread += other.unread

    def _number(self, variant: Variant) -> int:
        content: Any = (variant.leaves, variant.layers)
        number = self._numbers.setdefault(marshal.dumps(content, 2), len(self.variants))
        if number == len(self.variants):
            self.variants.append(variant)
        return number


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be read of one TEP."""

    tep: Tep
    projects: Sequence[str]
    """Those that are compared."""
    others: Sequence[str]
    """Those that are not, whose states are read all the same: names of theirs stand in what is compared."""
    deployed: frozenset[str]
    """Those that the ledger has as deployed."""
    variables: Mapping[str, Sequence[str]]
    """By project: names of `environmentVariables` and `files` that its program reads."""
