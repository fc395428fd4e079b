"""Characters to tokens, as yaml.v3 scans: indentation becomes brackets, and a key is known by the `:` behind it.

Follows yaml.v3's scanner so that what is legal, and the words and lines of errors, are its own. Slow; see `events.py`.
"""

from dataclasses import dataclass, replace

from infra_assets.environments.language.dialect.characters import Characters
from infra_assets.environments.language.dialect.reader import BLANKS, BREAKS, ENDS, Reader
from infra_assets.environments.language.dialect.scalars import scan_block_scalar, scan_plain_scalar, scan_quoted_scalar
from infra_assets.environments.language.dialect.tags import scan_anchor, scan_directive, scan_tag
from infra_assets.environments.language.dialect.tokens import START, Kind, Mark, Token

_MAX_DEPTH = 10_000
_KEY_LENGTH = 1024
_NO_PLAIN_START = set("-?:,[]{}#&*!|>'\"%@`") | ENDS
_FLOW_STARTS = {"[": Kind.FLOW_SEQUENCE_START, "{": Kind.FLOW_MAPPING_START}
_FLOW_ENDS = {"]": Kind.FLOW_SEQUENCE_END, "}": Kind.FLOW_MAPPING_END}


@dataclass(frozen=True, slots=True)
class _SimpleKey:
    """Where a key without `?` may have started."""

    possible: bool = False
    required: bool = False
    number: int = 0
    mark: Mark = START


class Scanner:
    """Hands out tokens, one after the other."""

    def __init__(self, characters: Characters) -> None:
        self._reader = Reader(characters)
        self._queue: list[Token] = []
        self._parsed = 0
        self._indent = -1
        self._indents: list[int] = []
        self._keys = [_SimpleKey()]
        self._keys_by_number: dict[int, int] = {}
        self._key_allowed = True
        self._flow = 0
        self._append(Kind.STREAM_START, START, START)

    def peek(self) -> Token:
        """Return the next token.

        Raises:
            YamlError: there is none.
        """
        while len(self._queue) <= 2 or self._head_may_be_key():
            self._fetch()
        return self._queue[0]

    def skip(self) -> None:
        """Go on to the one after the next."""
        self._queue.pop(0)
        self._parsed += 1

    def _head_may_be_key(self) -> bool:
        at = self._keys_by_number.get(self._parsed)
        return at is not None and self._valid(at)

    def _append(self, kind: Kind, start: Mark, end: Mark) -> None:
        self._queue.append(Token(kind, start, end))

    def _fetch(self) -> None:
        reader = self._reader
        scan_mark = reader.mark
        self._to_next_token()
        self._unroll(reader.column, scan_mark)
        reader.need(4)
        character = reader.text[reader.index]
        if character == "\0":
            self._stream_end()
        elif reader.column == 0 and character == "%":
            self._directive()
        elif reader.column == 0 and reader.at_document_indicator():
            self._document_indicator(Kind.DOCUMENT_START if character == "-" else Kind.DOCUMENT_END)
        else:
            self._content(character)
            if self._queue[-1].kind is not Kind.BLOCK_ENTRY:
                reader.line_comment()

    def _content(self, character: str) -> None:
        if character in _FLOW_STARTS:
            self._flow_start(_FLOW_STARTS[character])
        elif character in _FLOW_ENDS:
            self._flow_end(_FLOW_ENDS[character])
        elif character == ",":
            self._flow_entry()
        elif not self._indicator(character):
            self._scalar(character)

    def _indicator(self, character: str) -> bool:
        alone = self._reader.text[self._reader.index + 1] in ENDS
        if character == "-" and alone:
            self._block_entry()
        elif character == "?" and (self._flow or alone):
            self._key()
        elif character == ":" and (self._flow or alone):
            self._value()
        else:
            return self._property(character)
        return True

    def _property(self, character: str) -> bool:
        if character not in "*&!":
            return False
        self._save_key()
        self._key_allowed = False
        if character == "!":
            self._queue.append(scan_tag(self._reader))
        else:
            self._queue.append(scan_anchor(self._reader, Kind.ALIAS if character == "*" else Kind.ANCHOR))
        return True

    def _scalar(self, character: str) -> None:
        reader = self._reader
        if character in "|>" and not self._flow:
            self._remove_key()
            self._key_allowed = True
            self._queue.append(scan_block_scalar(reader, self._indent, literal=character == "|"))
        elif character in "'\"":
            self._save_key()
            self._key_allowed = False
            self._queue.append(scan_quoted_scalar(reader, single=character == "'"))
        elif self._starts_plain(character, reader.text[reader.index + 1]):
            self._save_key()
            token, broken = scan_plain_scalar(reader, self._indent, flow=self._flow > 0)
            self._key_allowed = broken
            self._queue.append(token)
        else:
            raise reader.error(reader.mark, "found character that cannot start any token")

    def _starts_plain(self, character: str, following: str) -> bool:
        if character not in _NO_PLAIN_START:
            return True
        if character == "-":
            return following not in BLANKS
        return not self._flow and character in "?:" and following not in ENDS

    # --- possible keys

    def _valid(self, at: int) -> bool:
        key, mark = self._keys[at], self._reader.mark
        if not key.possible:
            return False
        if key.mark.line < mark.line or key.mark.index + _KEY_LENGTH < mark.index:
            if key.required:
                raise self._reader.error(key.mark, "could not find expected ':'")
            self._keys[at] = replace(key, possible=False)
            return False
        return True

    def _save_key(self) -> None:
        if not self._key_allowed:
            return
        required = not self._flow and self._indent == self._reader.column
        key = _SimpleKey(possible=True, required=required, number=self._parsed + len(self._queue), mark=self._reader.mark)
        self._remove_key()
        self._keys[-1] = key
        self._keys_by_number[key.number] = len(self._keys) - 1

    def _remove_key(self) -> None:
        key = self._keys[-1]
        if not key.possible:
            return
        if key.required:
            raise self._reader.error(key.mark, "could not find expected ':'")
        self._keys[-1] = replace(key, possible=False)
        self._keys_by_number.pop(key.number, None)

    # --- indentation

    def _roll(self, column: int, number: int, kind: Kind, mark: Mark) -> None:
        if self._flow or self._indent >= column:
            return
        self._indents.append(self._indent)
        self._indent = column
        if len(self._indents) > _MAX_DEPTH:
            raise self._reader.error(self._keys[-1].mark, f"exceeded max depth of {_MAX_DEPTH}")
        token = Token(kind, mark, mark)
        if number < 0:
            self._queue.append(token)
        else:
            self._queue.insert(number - self._parsed, token)

    def _unroll(self, column: int, mark: Mark) -> None:
        if self._flow:
            return
        while self._indent > column:
            self._append(Kind.BLOCK_END, mark, mark)
            self._indent = self._indents.pop()

    def _to_next_token(self) -> None:
        reader = self._reader
        while True:
            reader.need(1)
            if reader.index == 0 and reader.text[0] == "\ufeff":
                reader.skip()
            while reader.character == " " or (reader.character == "\t" and (self._flow or not self._key_allowed)):
                reader.skip()
                reader.need(1)
            if reader.character == "#":
                reader.comments()
            if reader.character not in BREAKS:
                return
            reader.need(2)
            reader.skip_line()
            if not self._flow:
                self._key_allowed = True

    # --- tokens

    def _stream_end(self) -> None:
        reader = self._reader
        if reader.column:
            reader.column = 0
            reader.line += 1
        self._leave_all()
        self._append(Kind.STREAM_END, reader.mark, reader.mark)

    def _leave_all(self) -> None:
        self._unroll(-1, self._reader.mark)
        self._remove_key()
        self._key_allowed = False

    def _directive(self) -> None:
        self._leave_all()
        self._queue.append(scan_directive(self._reader))

    def _consume(self, kind: Kind, count: int = 1) -> None:
        start = self._reader.mark
        for _ in range(count):
            self._reader.skip()
        self._append(kind, start, self._reader.mark)

    def _document_indicator(self, kind: Kind) -> None:
        self._leave_all()
        self._consume(kind, 3)

    def _flow_start(self, kind: Kind) -> None:
        self._save_key()
        self._keys.append(_SimpleKey(number=self._parsed + len(self._queue), mark=self._reader.mark))
        self._flow += 1
        if self._flow > _MAX_DEPTH:
            raise self._reader.error(self._keys[-1].mark, f"exceeded max depth of {_MAX_DEPTH}")
        self._key_allowed = True
        self._consume(kind)

    def _flow_end(self, kind: Kind) -> None:
        self._remove_key()
        if self._flow:
            self._flow -= 1
            self._keys_by_number.pop(self._keys.pop().number, None)
        self._key_allowed = False
        self._consume(kind)

    def _flow_entry(self) -> None:
        self._remove_key()
        self._key_allowed = True
        self._consume(Kind.FLOW_ENTRY)

    def _block_entry(self) -> None:
        mark = self._reader.mark
        if not self._flow:
            if not self._key_allowed:
                raise self._reader.error(mark, "block sequence entries are not allowed in this context")
            self._roll(mark.column, -1, Kind.BLOCK_SEQUENCE_START, mark)
        self._remove_key()
        self._key_allowed = True
        self._consume(Kind.BLOCK_ENTRY)

    def _key(self) -> None:
        mark = self._reader.mark
        if not self._flow:
            if not self._key_allowed:
                raise self._reader.error(mark, "mapping keys are not allowed in this context")
            self._roll(mark.column, -1, Kind.BLOCK_MAPPING_START, mark)
        self._remove_key()
        self._key_allowed = not self._flow
        self._consume(Kind.KEY)

    def _value(self) -> None:
        if self._valid(len(self._keys) - 1):
            key = self._keys[-1]
            self._queue.insert(key.number - self._parsed, Token(Kind.KEY, key.mark, key.mark))
            self._roll(key.mark.column, key.number, Kind.BLOCK_MAPPING_START, key.mark)
            self._keys[-1] = replace(key, possible=False)
            self._keys_by_number.pop(key.number, None)
            self._key_allowed = False
        else:
            mark = self._reader.mark
            if not self._flow:
                if not self._key_allowed:
                    raise self._reader.error(mark, "mapping values are not allowed in this context")
                self._roll(mark.column, -1, Kind.BLOCK_MAPPING_START, mark)
            self._key_allowed = not self._flow
        self._consume(Kind.VALUE)
