"""Cells of one project to which the same would be done, read as one: two hundred equal diffs are one diff and a number."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, cast

from infra_assets.fleet.models import Tep
from infra_assets.reports.changes import ResourceChange
from infra_assets.reports.counting import lost
from infra_assets.reports.lines import head, lines
from infra_assets.reports.matrix import ERROR, MAYBE, Row
from infra_assets.reports.neutral import neutral
from infra_assets.texts import counted, listed

Which = Literal["resources", "drift"]
_KINDS = "acl|eipalloc|eni|fs|i|igw|lt|nat|pcx|rtb|sg|sgr|snap|subnet|tgw|vol|vpc|vpce"
_IDS = re.compile(
    rf"(?<![A-Za-z0-9])(?:((?:{_KINDS})-)[0-9a-f]{{8}}(?:[0-9a-f]{{9}})?|[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})(?![A-Za-z0-9])"
)
_encoded = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=str).encode


@dataclass(frozen=True, slots=True)
class Group:
    """Cells of a project to which the same would be done, but for what is each TEP's own."""

    project: str
    changes: Sequence[ResourceChange]
    """Those of the first of its TEPs; in the others names and ids are theirs."""
    tep: Tep
    """The first."""
    teps: Sequence[str]
    """In the fleet's order."""
    cause: str = ""
    """Why, in the first."""

    @property
    def severity(self) -> int:
        """0: what cannot be made again goes away; 1: something does; 2: nothing does."""
        destroying = [change for change in self.changes if change.destroys]
        return 0 if any(change.stateful for change in destroying) else 1 if destroying else 2

    @property
    def lines(self) -> list[str]:
        """The whole change."""
        return [line for change in self.changes for line in lines(change)]


@dataclass(frozen=True, slots=True)
class Said:
    """Cells of a project of which the same is said."""

    project: str
    text: str
    """As it is said of the first."""
    rows: Sequence[Row]

    @property
    def teps(self) -> list[str]:
        """In the fleet's order."""
        return [row.tep.name for row in self.rows]


def groups(rows: Iterable[Row], which: Which = "resources") -> list[Group]:
    """Return what would be done (`resources`), or how the cloud differs (`drift`): the worst first, then what concerns most TEPs.

    A cell with an error is in none: nobody knows all that would be done to it.
    """
    looked = (row for row in rows if row.verdict != ERROR)
    alike = _alike(looked, lambda row: _plain(row.resources if which == "resources" else row.drift))
    found = [_group(cells, which) for cells in alike]
    return sorted(found, key=lambda group: (group.severity, -len(group.teps)))


def losses(rows: Iterable[Row], which: Which = "resources") -> list[Group]:
    """Return the same of nothing but what would be replaced or deleted and cannot be made again, in cells with errors too."""
    kept = {which: ()}
    return groups((replace(row, verdict="", **(kept | {which: found})) for row in rows if (found := _lost(row, which))), which)


def failures(rows: Iterable[Row]) -> list[Said]:
    """Return why cells could not be looked at, most TEPs first."""
    return _said((row for row in rows if row.verdict == ERROR), lambda row: row.message or row.cause or "nobody knows why")


def doubts(rows: Iterable[Row]) -> list[Said]:
    """Return why cells may change, most TEPs first."""
    return _said((row for row in rows if row.verdict == MAYBE), lambda row: row.cause or row.message or "what is upstream changes")


def _said(rows: Iterable[Row], text: Callable[[Row], str]) -> list[Said]:
    found = [Said(cells[0].project, text(cells[0]), cells) for cells in _alike(rows, lambda row: [text(row)])]
    return sorted(found, key=lambda said: -len(said.rows))


def difference(group: Group, other: Group) -> tuple[list[str], list[str]]:
    """Return the lines of a group that another one has not, and those of the other that it has not."""
    return _only(group, other), _only(other, group)


def told(found: Sequence[Group]) -> Iterator[tuple[Group, str, list[str]]]:
    """Yield each group with a sentence about it and the lines to show, those of a project together.

    In each project what concerns most TEPs is shown whole, and the others by what is different in them; what destroys is shown whole too.
    """
    by_project: dict[str, list[Group]] = {}
    for group in found:
        by_project.setdefault(group.project, []).append(group)
    for among in by_project.values():
        usual = max(among, key=lambda group: len(group.teps))
        for group in among:
            if group is usual:
                yield group, _sentence(group, [tep for other in among if other is not usual for tep in other.teps]), group.lines
            else:
                yield group, f"another change in {listed(group.teps)}", group.lines if group.severity < 2 else _compared(group, usual)


def _sentence(group: Group, others: Sequence[str]) -> str:
    size = len(group.teps)
    said = f"same change in {counted(size, 'TEP')}" if size > 1 else f"a change in {group.teps[0]}"
    return f"{said}; {counted(len(others), 'other')} differ{'s' * (len(others) == 1)}: {listed(others)}" if others else said


def _compared(group: Group, usual: Group) -> list[str]:
    whole, (here, not_here) = group.lines, difference(group, usual)
    # Long values are cut: they may differ where nobody sees it.
    if (not here and not not_here) or len(here) + len(not_here) >= len(whole):
        return whole
    as_there = f"# as in {usual.teps[0]}, but for"
    return [as_there, *here, *(["# and without", *not_here] if not_here else [])]


def _only(group: Group, other: Group) -> list[str]:
    known = {neutral(head(change), other.tep): set(_neutral_lines(change, other.tep)) for change in other.changes}
    found: list[str] = []
    for change in group.changes:
        first, *rest = lines(change)
        there = known.get(neutral(first, group.tep))
        fresh = rest if there is None else [line for line in rest if neutral(line, group.tep) not in there]
        if fresh or there is None:
            found += [first, *fresh]
    return found


def _neutral_lines(change: ResourceChange, tep: Tep) -> Sequence[str]:
    return cast("list[str]", neutral(lines(change)[1:], tep))


def _group(cells: Sequence[Row], which: Which) -> Group:
    first = cells[0]
    changes = first.resources if which == "resources" else first.drift
    ordered = sorted(changes, key=lambda change: (not (change.destroys and change.stateful), not change.destroys))
    return Group(first.project, ordered, first.tep, [row.tep.name for row in cells], first.cause)


def _lost(row: Row, which: Which) -> list[ResourceChange]:
    among = row.resources if which == "resources" else row.drift
    return [change for change in among if change in lost(row)]


def _plain(changes: Sequence[ResourceChange]) -> list[Any]:
    generated = _generated(tuple(sorted({change.name for change in changes})))
    return [
        [
            change.type, change.name, change.operation, change.protected,
            [[each.path, each.kind, _named(each.before, generated), _named(each.after, generated)] for each in change.properties],
        ]
        for change in sorted(changes, key=lambda change: (change.type, change.name))
    ]  # fmt: skip


@lru_cache(maxsize=4096)
def _generated(names: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds the names that the engine has made of these: each with seven digits of its own in every stack."""
    return re.compile(rf"(?<![A-Za-z0-9])({'|'.join(map(re.escape, names))})-[0-9a-f]{{7}}(?![A-Za-z0-9])")


def _named(value: Any, generated: re.Pattern[str]) -> Any:
    match value:
        case str():
            return generated.sub(r"\1-{id}", value)
        case list():
            return [_named(item, generated) for item in cast("list[Any]", value)]
        case dict():
            return {key: _named(item, generated) for key, item in cast("dict[str, Any]", value).items()}
        case _:
            return value


def _alike(rows: Iterable[Row], content: Callable[[Row], Sequence[Any]]) -> list[list[Row]]:
    """Return rows of one project whose contents, in any order, are the same but for what is each TEP's own.

    `neutral` says what that is, and takes its time: 40,000 contents are first brought together by what is cheap to see.
    """
    rough: dict[tuple[str, str], list[tuple[int, Row]]] = {}
    of_teps: dict[str, _Rough] = {}
    for place, row in enumerate(rows):
        plain = content(row)
        if not plain:
            continue
        own = of_teps.get(row.tep.name) or of_teps.setdefault(row.tep.name, _Rough(row.tep))
        rough.setdefault((row.project, own.text(_encoded(plain))), []).append((place, row))
    found: dict[tuple[str, str], list[tuple[int, Row]]] = {}
    for (project, _), cells in rough.items():
        first = cells[0][1]
        exact = sorted(_encoded(neutral(each, first.tep)) for each in content(first))
        found.setdefault((project, "\n".join(exact)), []).extend(cells)
    return [[row for _, row in sorted(cells, key=lambda cell: cell[0])] for cells in found.values()]


class _Rough:
    """Takes most of what is a TEP's own out of a text: what reads the same afterwards is the same for `neutral` too."""

    def __init__(self, tep: Tep) -> None:
        words = {
            tep.environment: "\1e", tep.tenant: "\1t", tep.name: "\1n", tep.region: "\1r", tep.external_id: "\1x", tep.account_id: "\1a"
        }  # fmt: skip
        self._words = [(word, words[word]) for word in sorted(words, key=len, reverse=True) if word]

    def text(self, text: str) -> str:
        for word, mark in self._words:
            if word in text:
                text = _without(text, word, mark)
        return _IDS.sub("\\1\2", text)


def _without(text: str, word: str, mark: str) -> str:
    first, *rest = text.split(word)
    found = [first]
    before = first[-1:]
    for part in rest:
        alone = not (_is_word(before) or _is_word(part[:1]))
        found += [mark if alone else word, part]
        before = part[-1:] or word[-1]
    return "".join(found)


def _is_word(character: str) -> bool:
    return character.isascii() and character.isalnum()
