"""Where each node of a document begins and ends in its text, so that it can be edited there."""

from infra_assets.environments.language.dialect.characters import characters
from infra_assets.environments.language.dialect.parser import Parser
from infra_assets.environments.language.dialect.tokens import FLOW, Event, YamlError
from infra_assets.environments.language.nodes import ARRAY, OBJECT, Builder, Node, Source


class Text(Builder):
    """A document's text with the extents of its nodes, in characters.

    Raises:
        YamlError: it is no YAML that can be read.
    """

    def __init__(self, source: bytes) -> None:
        super().__init__(Source("", source))
        self._extents: dict[Node, tuple[int, int]] = {}
        read = characters(source)
        self.root = self.build(Parser(read).events())
        self.text = read.text
        if any(diagnostic.error for diagnostic in self.diagnostics):
            raise YamlError(self.diagnostics[0].summary)

    def node(self, event: Event, parent: Node | None, key: str | int | None) -> Node:
        """Return a node."""
        node = super().node(event, parent, key)
        self._extents[node] = event.begin, event.end
        return node

    def ended(self, node: Node, event: Event) -> None:
        """Note where a collection in flow style ends."""
        if node.style == FLOW:
            self._extents[node] = self._extents[node][0], event.end

    def extent(self, node: Node) -> tuple[int, int]:
        """Return where a node begins and ends; line breaks behind it are none of it."""
        begin, end = self._extents[node]
        last = node
        while last.kind in (ARRAY, OBJECT) and last.style != FLOW and (last.items or last.entries):
            last = last.items[-1] if last.items else last.entries[-1][1]
            end = self._extents[last][1]
        return begin, begin + len(self.text[begin:end].rstrip()) if end > begin else begin
