"""Documents while they are being made: nodes with the way they are to be written, and the writing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Scalar:
    """A scalar as it stands in the file: plain, quoted, tagged."""

    text: str


@dataclass
class Block:
    """A block scalar: its header, and its lines."""

    header: str
    lines: list[str]


@dataclass
class Listing:
    items: list[Any]
    flow: bool = False


@dataclass
class Table:
    entries: list[tuple[str, Any]]
    flow: bool = False


@dataclass
class Hole:
    """Where a text with references will stand, once it is known what there is to refer to."""

    within: tuple[str | int, ...]
    text: str = ""


@dataclass
class Draft:
    """A document that is being made."""

    name: str
    values: Any = None
    holes: list[Hole] = field(default_factory=list)
    paths: list[tuple[str | int, ...]] = field(default_factory=list)


def quoted(text: str) -> str:
    """Return a text as a double-quoted scalar."""
    escaped = "".join({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}.get(letter, letter) for letter in text)
    return f'"{escaped}"'


def render(node: Any, indent: int, step: int = 2) -> list[str]:
    """Return a node's lines; the first one belongs behind its key."""
    pad = " " * indent
    match node:
        case Scalar():
            return [f" {node.text}"]
        case Hole():
            return [f" {node.text}"]
        case Block():
            return [f" {node.header}", *(f"{pad}{line}" if line else "" for line in node.lines)]
        case Table() | Listing() if node.flow or not (node.entries if isinstance(node, Table) else node.items):
            return [f" {inline(node)}"]
        case Table():
            lines = [""]
            for key, value in node.entries:
                first, *rest = render(value, indent + step, step)
                lines += [f"{pad}{key}:{first}", *rest]
            return lines
        case _:
            lines = [""]
            for item in node.items:
                first, *rest = render(item, indent + step, step)
                if not first and rest and isinstance(item, Table) and step == 2:
                    first, *rest = [" " + rest[0].lstrip(), *rest[1:]]
                lines += [f"{pad}-{first}", *rest]
            return lines


def inline(node: Any) -> str:
    """Return a node in flow style."""
    match node:
        case Scalar():
            return node.text
        case Hole():
            return node.text if node.text[:1] in "'\"" else "'" + node.text.replace("'", "''") + "'"
        case Block():
            return quoted("\n".join(node.lines))
        case Table():
            return "{" + ", ".join(f"{quoted(key) if '::' in key else key}: {inline(value)}" for key, value in node.entries) + "}"
        case _:
            return "[" + ", ".join(inline(item) for item in node.items) + "]"


def accessors(path: Sequence[str | int], *, brackets: bool = False) -> str:
    """Return a path as it is written in a reference."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif brackets or not part.replace("-", "").isalnum():
            escaped = part.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{part}" if text else part
    return text
