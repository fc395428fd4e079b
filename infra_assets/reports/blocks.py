"""Pieces of a Markdown text, each whole in itself, and as many of them as there is room for."""

from collections.abc import Sequence
from dataclasses import dataclass

BETWEEN = "\n\n"


@dataclass(frozen=True, slots=True)
class Block:
    """A piece: what opens it, lines of which some may be left out, and what closes it."""

    name: str
    """What is missing where it is left out."""
    lines: Sequence[str]
    head: str = ""
    tail: str = ""
    more: str = "… {number} more lines"
    """The line in place of those that are left out."""
    share: float = 1.0
    """Which part of the whole it may take at most."""

    def text(self, room: int | None = None) -> str | None:
        """Return it in at most so many characters; None where not even one of its lines has room."""
        whole = self._closed(self.lines)
        if room is None or len(whole) <= room:
            return whole
        left = room - len(self._closed([self.more.format(number=f"{len(self.lines):,}")])) - 1
        kept: list[str] = []
        for line in self.lines:
            left -= len(line) + 1
            if left < 0:
                break
            kept.append(line)
        if not kept:
            return None
        return self._closed([*kept, self.more.format(number=f"{len(self.lines) - len(kept):,}")])

    def _closed(self, lines: Sequence[str]) -> str:
        return "\n".join([*filter(None, [self.head]), *lines, *filter(None, [self.tail])])


def fitted(blocks: Sequence[Block], limit: int) -> tuple[list[str], list[str]]:
    """Return the texts for which there is room, in their order, and the names of the blocks that are not there whole."""
    texts: list[str] = []
    missing: list[str] = []
    left = limit
    for block in blocks:
        room = min(left - len(BETWEEN), int(limit * block.share))
        text = block.text(room)
        if text is None or text != block.text():
            missing.append(block.name)
        if text is not None:
            texts.append(text)
            left -= len(text) + len(BETWEEN)
    return texts, missing
