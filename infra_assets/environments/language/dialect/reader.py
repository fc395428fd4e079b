"""The scanner's place in the characters."""

from infra_assets.environments.language.dialect.characters import Characters
from infra_assets.environments.language.dialect.tokens import Mark, YamlError

BREAKS = frozenset("\r\n\x85\u2028\u2029")
BREAKS_OR_END = BREAKS | {"\0"}
BLANKS = frozenset(" \t")
ENDS = BREAKS_OR_END | BLANKS
_PEEK = 512
_AHEAD = 1024


class Reader:
    """Counts index, line and column, from 0; behind the text stand zeros."""

    __slots__ = ("_problem", "_wall", "column", "index", "line", "newlines", "text")

    def __init__(self, characters: Characters) -> None:
        self._wall = characters.wall
        self._problem = characters.problem
        self.text = characters.text + "\0" * _AHEAD
        self.index = self.line = self.column = self.newlines = 0

    @property
    def mark(self) -> Mark:
        """The place."""
        return Mark(self.index, self.line, self.column)

    @property
    def character(self) -> str:
        """The character there."""
        return self.text[self.index]

    def need(self, count: int) -> None:
        """Make sure that so many characters can be read.

        Raises:
            YamlError: one of them is none.
        """
        if self._wall is not None and self.index + count > self._wall:
            raise YamlError.at(0, self._problem)

    def error(self, context: Mark, problem: str) -> YamlError:
        """Return a scanner's error: its line is that of what was begun there, or else where the scanner stands."""
        line = context.line or self.line
        return YamlError.at(line + 1 if line else 0, problem)

    def skip(self) -> None:
        """Go over one character."""
        if self.text[self.index] not in BLANKS:
            self.newlines = 0
        self.index += 1
        self.column += 1

    def read(self) -> str:
        """Take one character."""
        character = self.text[self.index]
        self.skip()
        return character

    def skip_line(self) -> None:
        """Go over a line break."""
        if self.text.startswith("\r\n", self.index):
            self.index += 2
        elif self.text[self.index] in BREAKS:
            self.index += 1
        else:
            return
        self.column = 0
        self.line += 1
        self.newlines += 1

    def read_line(self) -> str:
        """Take a line break: what is as good as a line feed becomes one."""
        character = self.text[self.index]
        if character not in BREAKS:
            return ""
        self.skip_line()
        return character if character in "\u2028\u2029" else "\n"

    def at_document_indicator(self) -> bool:
        """Whether `---` or `...` stands here alone."""
        return self.text[self.index : self.index + 3] in ("---", "...") and self.text[self.index + 3] in ENDS

    def line_comment(self) -> None:
        """Go over a comment behind a token."""
        if self.newlines:
            return
        ahead = 0
        while ahead < _PEEK and self.text[self.index + ahead] in BLANKS:
            ahead += 1
            self.need(ahead + 1)
        if ahead < _PEEK and self.text[self.index + ahead] == "#":
            self._skip_to_break(self.index + ahead)

    def comments(self) -> None:
        """Go over comments on their own lines, and what is empty between them; not over the last one's line break."""
        ahead = 0
        while ahead < _PEEK:
            self.need(ahead + 1)
            character = self.text[self.index + ahead]
            if character == "#":
                self._skip_to_break(self.index + ahead)
                ahead = 0
            elif character not in BREAKS and character not in BLANKS:
                return
            ahead += 1

    def _skip_to_break(self, seen: int) -> None:
        while True:
            self.need(1)
            if self.text[self.index] not in BREAKS_OR_END:
                self.skip()
            elif self.index >= seen:
                return
            else:
                self.need(2)
                self.skip_line()
