"""Compares what was read of TEPs, item by item: in pairs, or all with what most have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra_assets.environments.language.model import SECRET
from infra_assets.fleet.models import Tep
from infra_assets.previews.parity.identity import forms, identities, merged
from infra_assets.previews.parity.leaves import UNKNOWN_SECRET
from infra_assets.previews.parity.result import DECLARED, MISSING, RESOURCE, Counts, Difference, Side
from infra_assets.previews.parity.sides import Item, Sides

Digests = Mapping[tuple[str, Item, str], str]
"""Keyed hashes of secrets in states, by TEP, item and path."""
_WHOLE = ""


@dataclass(frozen=True, slots=True)
class _Held:
    """Who has a value."""

    value: Any
    teps: list[str]
    layers: list[str]


class Comparison:
    """Compares groups of TEPs; in each its members with one another."""

    def __init__(self, sides: Sides, teps: Sequence[Tep], digests: Digests) -> None:
        self._teps = {tep.name: tep for tep in teps}
        self._order = {tep.name: number for number, tep in enumerate(teps)}
        self._variants = sides.variants
        self._read = sides.read
        same = identities(sides.items, self._teps)
        self._items = merged(sides.items, same)
        self._digests = {(tep, same[item], path): digest for (tep, item, path), digest in digests.items()}
        self._secret = {(item, path) for _, item, path in self._digests}
        self._secret_items = {item for item, _ in self._secret}

    def differences(self, groups: Sequence[Sequence[str]], *, pairs: bool) -> tuple[list[Difference], dict[str, Counts]]:
        """Return what differs, and by project how many items are identical in every group.

        The members of a pair keep their order; otherwise the value that most have comes first.
        """
        found: list[Difference] = []
        identical: dict[str, Counts] = {}
        for item, having in sorted(self._items.items(), key=lambda pair: _order(pair[0])):
            differing = self._of_pairs(item, having, groups) if pairs else self._of_all(item, having, groups[0])
            if differing is None:
                continue
            found += [Difference(item.project, item.kind, _label(item), path, sides) for path, sides in differing]
            if not differing:
                counts = identical.setdefault(item.project, Counts())
                counts.resources += item.kind == RESOURCE
                counts.settings += item.kind != RESOURCE
        return found, identical

    def _of_all(self, item: Item, having: Mapping[str, int], group: Sequence[str]) -> list[tuple[str, list[Side]]] | None:
        read = self._read.get((item.kind, item.project), set())
        members = [name for name in group if name in read]
        if len(members) < 2:
            return None
        differing: list[tuple[str, list[Side]]] = []
        for path, held in self._differing(item, having, members):
            for one in held:
                one.teps.sort(key=self._order.__getitem__)
            ordered = sorted(held, key=lambda one: (-len(one.teps), self._order[one.teps[0]]))
            differing.append((path, [_side(one) for one in ordered]))
        return differing

    def _of_pairs(self, item: Item, having: Mapping[str, int], groups: Sequence[Sequence[str]]) -> list[tuple[str, list[Side]]] | None:
        read = self._read.get((item.kind, item.project), set())
        alike: dict[tuple[str, Any, Any], tuple[_Held, _Held]] = {}
        compared = False
        for one, two in groups:
            if one not in read or two not in read or (one not in having and two not in having):
                continue
            compared = True
            if having.get(one) == having.get(two) and item not in self._secret_items:
                continue
            for path, held in self._differing(item, having, (one, two)):
                first, second = sorted(held, key=lambda each: each.teps[0] != one)
                known = alike.setdefault((path, _key(first.value), _key(second.value)), (first, second))
                if known[0] is not first:
                    _join(known[0], first)
                    _join(known[1], second)
        if not compared:
            return None
        return [(path, [_side(first), _side(second)]) for (path, _, _), (first, second) in alike.items()]

    def _differing(self, item: Item, having: Mapping[str, int], members: Sequence[str]) -> Iterator[tuple[str, list[_Held]]]:
        """Yield the paths at which members differ, with who has what."""
        by_variant: dict[int | None, list[str]] = {}
        for name in members:
            by_variant.setdefault(having.get(name), []).append(name)
        if len(by_variant) == 1 and item not in self._secret_items:
            return
        absent = by_variant.pop(None, [])
        if absent and item.kind == RESOURCE:
            if by_variant:
                there = [name for names in by_variant.values() for name in names]
                yield _WHOLE, [_Held(DECLARED, there, []), _Held(MISSING, absent, [])]
            absent = []
        paths = dict.fromkeys(path for number in by_variant if number is not None for path in self._variants[number].leaves)
        for path in paths:
            held = self._held(item, path, by_variant, absent)
            if len(held) > 1:
                held = self._merged(held)
            if len(held) > 1:
                yield path, held

    def _held(self, item: Item, path: str, by_variant: Mapping[int | None, list[str]], absent: list[str]) -> list[_Held]:
        found: dict[Any, _Held] = {}
        secret = (item, path) in self._secret
        for number, names in by_variant.items():
            assert number is not None
            variant = self._variants[number]
            value = variant.leaves.get(path, MISSING)
            layer = [variant.layers[path]] if path in variant.layers else []
            for some in [[name] for name in names] if secret and value == UNKNOWN_SECRET else [names]:
                mine = (SECRET, self._digests.get((some[0], item, path), "")) if secret and value == UNKNOWN_SECRET else value
                _join(found.setdefault(_key(mine), _Held(mine, [], [])), _Held(mine, some, layer))
        if absent:
            _join(found.setdefault(_key(MISSING), _Held(MISSING, [], [])), _Held(MISSING, absent, []))
        return _without_unknown(list(found.values()))

    def _merged(self, held: list[_Held]) -> list[_Held]:
        """Join those who have literally the same."""
        if not any(isinstance(one.value, str) and "{" in one.value for one in held):
            return held
        found: list[_Held] = []
        by_form: dict[str, _Held] = {}
        for one in held:
            texts = forms(one.value, (self._teps[name] for name in one.teps)) if isinstance(one.value, str) else set[str]()
            same = next((by_form[text] for text in texts if text in by_form), None)
            if same is None:
                found.append(one)
            else:
                _join(same, one)
            for text in texts:
                by_form.setdefault(text, same or one)
        return found


def _without_unknown(held: list[_Held]) -> list[_Held]:
    """Take secrets for equal where one of them could not be decrypted: nobody knows better."""
    if not any(one.value == UNKNOWN_SECRET for one in held):
        return held
    secrets = [one for one in held if isinstance(one.value, tuple)]
    joined = _Held(UNKNOWN_SECRET, [], [])
    for one in secrets:
        _join(joined, one)
    return [joined, *(one for one in held if not isinstance(one.value, tuple))]


def _join(held: _Held, other: _Held) -> None:
    held.teps.extend(other.teps)
    held.layers.extend(layer for layer in other.layers if layer not in held.layers)


def _key(value: Any) -> Any:
    """Return what tells values apart: 1 is not True, nor "1"."""
    return type(value).__name__, value if isinstance(value, str | int | float | tuple) else repr(value)


def _side(held: _Held) -> Side:
    value = SECRET if isinstance(held.value, tuple) else held.value
    return Side(value, held.teps, held.layers)


def _order(item: Item) -> tuple[str, ...]:
    return item.project, item.kind, item.type, item.name, item.parents


def _label(item: Item) -> str:
    label = f"{item.type} {item.name}".strip()
    return f"{label} in {item.parents}" if item.parents else label
