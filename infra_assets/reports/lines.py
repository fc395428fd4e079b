"""Changes as lines of text: a line a resource, and one below it for each of its properties."""

from infra_assets.reports.changes import ResourceChange
from infra_assets.reports.page.values import cut, shown
from infra_assets.stacks.outcome import PropertyChange

SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
PROPERTY_SIGNS = {"add": "+", "update": "~", "delete": "-"}
LONGEST = 800
"""Characters of a line."""
HOLDS = "holds what cannot be made again"


def lines(change: ResourceChange) -> list[str]:
    """Return a resource's lines: what would be done to it, then its properties before and after."""
    return [head(change), *map(_property, change.properties)]


def head(change: ResourceChange) -> str:
    """Return the line of the resource itself: `± aws:rds/cluster:Cluster main (replace, holds what cannot be made again)`."""
    said = [change.operation] if change.destroys or change.operation not in SIGNS else []
    if change.destroys and change.stateful:
        said.append("protected" if change.protected else HOLDS)
    note = f" ({', '.join(said)})" if said else ""
    return one_line(f"{SIGNS.get(change.operation, '?')} {change.type} {change.name}{note}")


def one_line(text: str, limit: int = LONGEST) -> str:
    """Return a text in one line, with what a screen would act on, or not show, written out: newlines, escapes, marks of direction."""
    return cut(text if text.isprintable() else "".join(map(_visible, text)), limit)


def _property(change: PropertyChange) -> str:
    before, after = (_quoted(value) for value in shown(change.before, change.after))
    match change.kind, before, after:
        case "add", _, str(value):
            said = f": {value}"
        case "delete", str(value), _:
            said = f": {value}"
        case _, None, None:
            said = ""
        case _:
            said = f": {before or 'nothing'} → {after or 'nothing'}"
    return one_line(f"{PROPERTY_SIGNS.get(change.kind, '~')}     {change.path}{said}")


def _quoted(value: str | None) -> str | None:
    # What is empty, or begins or ends with a blank, would not be seen.
    return value if value is None or (value and value == value.strip()) else f'"{value}"'


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
