"""Tokens to events, as yaml.v3 parses: a machine whose states are methods."""

from collections.abc import Callable, Iterator

from infra_assets.environments.language.dialect.characters import Characters
from infra_assets.environments.language.dialect.scanner import Scanner
from infra_assets.environments.language.dialect.tokens import (
    ALIAS_EVENT,
    END_EVENT,
    FLOW,
    MAPPING_EVENT,
    SCALAR_EVENT,
    SEQUENCE_EVENT,
    Event,
    Kind,
    Mark,
    Token,
    YamlError,
)

_State = Callable[[], Event | None]
_ENDS = (Kind.VERSION_DIRECTIVE, Kind.TAG_DIRECTIVE, Kind.DOCUMENT_START, Kind.DOCUMENT_END, Kind.STREAM_END)
_NO_VALUE = (Kind.KEY, Kind.VALUE, Kind.BLOCK_END)
_COLLECTIONS = {
    Kind.FLOW_SEQUENCE_START: (SEQUENCE_EVENT, FLOW), Kind.FLOW_MAPPING_START: (MAPPING_EVENT, FLOW),
    Kind.BLOCK_SEQUENCE_START: (SEQUENCE_EVENT, ""), Kind.BLOCK_MAPPING_START: (MAPPING_EVENT, ""),
}  # fmt: skip
_BLOCKS = (Kind.BLOCK_SEQUENCE_START, Kind.BLOCK_MAPPING_START)


class Parser:
    """Yields the events of the first document; none for a text without one."""

    def __init__(self, characters: Characters) -> None:
        self._scanner = Scanner(characters)
        self._tags = {"!": "!", "!!": "tag:yaml.org,2002:"}
        self._declared: set[str] = set()
        self._anchors: set[str] = set()
        self._states: list[_State] = []
        self._marks: list[Mark] = []
        self._state: _State = self._end

    def events(self) -> Iterator[Event]:
        """Yield them.

        Raises:
            YamlError: the text is no YAML.
        """
        self._scanner.peek()
        self._scanner.skip()  # the start of the stream
        token = self._scanner.peek()
        if token.kind is Kind.STREAM_END:
            return
        self._states.append(self._end)
        if token.kind in _ENDS and token.kind is not Kind.DOCUMENT_END:
            self._directives()
            self._scanner.skip()
            self._state = self._content
        else:
            self._state = self._block_node
        while self._state != self._end:
            event = self._state()
            if event:
                yield event
        if self._scanner.peek().kind is Kind.DOCUMENT_END:
            self._scanner.skip()

    def _end(self) -> Event | None:
        return None

    def _directives(self) -> None:
        version = False
        while (token := self._scanner.peek()).kind in (Kind.VERSION_DIRECTIVE, Kind.TAG_DIRECTIVE):
            if token.kind is Kind.TAG_DIRECTIVE:
                if token.value in self._declared:
                    raise YamlError.at(token.start.line, "found duplicate %TAG directive")
                self._declared.add(token.value)
                self._tags[token.value] = token.suffix
            else:
                if version:
                    raise YamlError.at(token.start.line, "found duplicate %YAML directive")
                if token.value != "1.1":
                    raise YamlError.at(token.start.line, "found incompatible YAML document")
                version = True
            self._scanner.skip()
        if token.kind is not Kind.DOCUMENT_START:
            raise YamlError.at(token.start.line, "did not find expected <document start>")

    def _pop(self) -> None:
        self._state = self._states.pop()

    def _empty(self, mark: Mark) -> Event:
        return Event(SCALAR_EVENT, mark.line + 1, mark.column + 1, begin=mark.index, end=mark.index)

    def _error(self, context: Mark, problem: str, mark: Mark) -> YamlError:
        return YamlError.at(context.line or mark.line, problem)

    # --- nodes

    def _content(self) -> Event:
        token = self._scanner.peek()
        if token.kind in _ENDS:
            self._pop()
            return self._empty(token.start)
        return self._block_node()

    def _block_node(self) -> Event:
        return self._node(block=True, indentless=False)

    def _node(self, *, block: bool, indentless: bool) -> Event:
        token = self._scanner.peek()
        if token.kind is Kind.ALIAS:
            if token.value not in self._anchors:
                raise YamlError.at(0, f"unknown anchor '{token.value}' referenced")
            self._pop()
            self._scanner.skip()
            return Event(ALIAS_EVENT, token.start.line + 1, token.start.column + 1, token.value, "", "", token.start.index, token.end.index)
        start, tag, anchored = self._properties()
        token = self._scanner.peek()
        begin = start or token.start
        line, column = begin.line + 1, begin.column + 1
        if indentless and token.kind is Kind.BLOCK_ENTRY:
            self._state = self._indentless_entry
            return Event(SEQUENCE_EVENT, line, column, tag=tag, begin=begin.index)
        if token.kind is Kind.SCALAR:
            self._pop()
            self._scanner.skip()
            return Event(SCALAR_EVENT, line, column, token.value, token.style, tag, begin.index, token.end.index)
        if token.kind in _COLLECTIONS and (block or token.kind not in _BLOCKS):
            return self._collection(token, begin, tag)
        if tag or anchored:
            self._pop()
            return Event(SCALAR_EVENT, line, column, tag=tag, begin=begin.index, end=token.start.index)
        raise self._error(begin, "did not find expected node content", token.start)

    def _properties(self) -> tuple[Mark | None, str, bool]:
        start: Mark | None = None
        tag: Token | None = None
        anchored, anchor = False, ""
        while (token := self._scanner.peek()).kind in (Kind.ANCHOR, Kind.TAG):
            if anchored if token.kind is Kind.ANCHOR else tag:
                break
            start = start or token.start
            if token.kind is Kind.ANCHOR:
                anchored = True
                anchor = token.value
            tag = token if token.kind is Kind.TAG else tag
            self._scanner.skip()
        resolved = self._tag(tag, start) if tag and start else ""
        if anchored:
            self._anchors.add(anchor)
        return start, resolved, anchored

    def _tag(self, token: Token, start: Mark) -> str:
        if not token.value:
            return token.suffix
        if token.value not in self._tags:
            raise self._error(start, "found undefined tag handle", token.start)
        return self._tags[token.value] + token.suffix

    def _collection(self, token: Token, begin: Mark, tag: str) -> Event:
        kind, style = _COLLECTIONS[token.kind]
        self._marks.append(token.start)
        self._scanner.skip()
        if kind == SEQUENCE_EVENT:
            self._state = self._flow_sequence_first if style else self._block_entry
        else:
            self._state = self._flow_mapping_first if style else self._block_key
        return Event(kind, begin.line + 1, begin.column + 1, style=style, tag=tag, begin=begin.index)

    def _leave(self, *, skip: bool = True) -> Event:
        end = self._scanner.peek().end
        self._pop()
        if skip:
            self._marks.pop()
            self._scanner.skip()
        return Event(END_EVENT, end=end.index)

    # --- sequences in blocks

    def _block_entry(self) -> Event:
        token = self._scanner.peek()
        if token.kind is Kind.BLOCK_END:
            return self._leave()
        if token.kind is not Kind.BLOCK_ENTRY:
            raise self._error(self._marks[-1], "did not find expected '-' indicator", token.start)
        return self._entry(token, self._block_entry, (Kind.BLOCK_ENTRY, Kind.BLOCK_END))

    def _indentless_entry(self) -> Event:
        token = self._scanner.peek()
        if token.kind is not Kind.BLOCK_ENTRY:
            return self._leave(skip=False)
        return self._entry(token, self._indentless_entry, (Kind.BLOCK_ENTRY, *_NO_VALUE))

    def _entry(self, token: Token, state: _State, ends: tuple[Kind, ...]) -> Event:
        self._scanner.skip()
        if self._scanner.peek().kind in ends:
            self._state = state
            return self._empty(token.end)
        self._states.append(state)
        return self._block_node()

    # --- mappings in blocks

    def _block_key(self) -> Event:
        token = self._scanner.peek()
        if token.kind is Kind.BLOCK_END:
            return self._leave()
        if token.kind is not Kind.KEY:
            raise self._error(self._marks[-1], "did not find expected key", token.start)
        return self._block_part(token, self._block_value)

    def _block_value(self) -> Event:
        token = self._scanner.peek()
        if token.kind is not Kind.VALUE:
            self._state = self._block_key
            return self._empty(token.start)
        return self._block_part(token, self._block_key)

    def _block_part(self, token: Token, state: _State) -> Event:
        self._scanner.skip()
        if self._scanner.peek().kind in _NO_VALUE:
            self._state = state
            return self._empty(token.end)
        self._states.append(state)
        return self._node(block=True, indentless=True)

    # --- sequences in flow style

    def _flow_sequence_first(self) -> Event:
        return self._flow_sequence(first=True)

    def _flow_sequence_next(self) -> Event:
        return self._flow_sequence(first=False)

    def _flow_sequence(self, *, first: bool) -> Event:
        token = self._flow_separator(Kind.FLOW_SEQUENCE_END, "did not find expected ',' or ']'", first=first)
        if token.kind is Kind.FLOW_SEQUENCE_END:
            return self._leave()
        if token.kind is Kind.KEY:
            self._state = self._pair_key
            self._scanner.skip()
            return Event(MAPPING_EVENT, token.start.line + 1, token.start.column + 1, style=FLOW, begin=token.start.index)
        self._states.append(self._flow_sequence_next)
        return self._node(block=False, indentless=False)

    def _flow_separator(self, end: Kind, problem: str, *, first: bool) -> Token:
        token = self._scanner.peek()
        if token.kind is not end and not first:
            if token.kind is not Kind.FLOW_ENTRY:
                raise self._error(self._marks[-1], problem, token.start)
            self._scanner.skip()
            token = self._scanner.peek()
        return token

    def _pair_key(self) -> Event:
        token = self._scanner.peek()
        if token.kind in (Kind.VALUE, Kind.FLOW_ENTRY, Kind.FLOW_SEQUENCE_END):
            self._scanner.skip()
            self._state = self._pair_value
            return self._empty(token.end)
        self._states.append(self._pair_value)
        return self._node(block=False, indentless=False)

    def _pair_value(self) -> Event:
        token = self._scanner.peek()
        if token.kind is Kind.VALUE:
            self._scanner.skip()
            if self._scanner.peek().kind not in (Kind.FLOW_ENTRY, Kind.FLOW_SEQUENCE_END):
                self._states.append(self._pair_end)
                return self._node(block=False, indentless=False)
        self._state = self._pair_end
        return self._empty(token.start)  # where the `:` is, unlike in a mapping

    def _pair_end(self) -> Event:
        self._scanner.peek()
        self._state = self._flow_sequence_next
        return Event(END_EVENT)

    # --- mappings in flow style

    def _flow_mapping_first(self) -> Event:
        return self._flow_mapping(first=True)

    def _flow_mapping_next(self) -> Event:
        return self._flow_mapping(first=False)

    def _flow_mapping(self, *, first: bool) -> Event:
        token = self._flow_separator(Kind.FLOW_MAPPING_END, "did not find expected ',' or '}'", first=first)
        if token.kind is Kind.FLOW_MAPPING_END:
            return self._leave()
        if token.kind is not Kind.KEY:
            self._states.append(self._flow_no_value)
            return self._node(block=False, indentless=False)
        self._scanner.skip()
        token = self._scanner.peek()
        if token.kind in (Kind.VALUE, Kind.FLOW_ENTRY, Kind.FLOW_MAPPING_END):
            self._state = self._flow_value
            return self._empty(token.start)
        self._states.append(self._flow_value)
        return self._node(block=False, indentless=False)

    def _flow_value(self) -> Event:
        token = self._scanner.peek()
        if token.kind is Kind.VALUE:
            self._scanner.skip()
            token = self._scanner.peek()
            if token.kind not in (Kind.FLOW_ENTRY, Kind.FLOW_MAPPING_END):
                self._states.append(self._flow_mapping_next)
                return self._node(block=False, indentless=False)
        self._state = self._flow_mapping_next
        return self._empty(token.start)

    def _flow_no_value(self) -> Event:
        self._state = self._flow_mapping_next
        return self._empty(self._scanner.peek().start)
