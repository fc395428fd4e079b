"""A document as it declares an environment: imports, values, a description."""

from dataclasses import dataclass
from functools import cached_property

from infra_assets.environments.language.expressions import Expression, ExpressionParser, Literal, Object, children
from infra_assets.environments.language.golang import quote
from infra_assets.environments.language.model import Diagnostic, Range
from infra_assets.environments.language.nodes import ARRAY, BOOL, OBJECT, STRING, Node, error, read
from infra_assets.environments.language.spelling import by_distance

RESERVED = ("imports", "context", "environments")
_FIELDS = {"description": "description", "imports": "imports", "values": "values"}


class Import:
    """An entry of `imports`; one that cannot be read has no name."""

    __slots__ = ("merge", "name", "node")

    def __init__(self, name: str | None, node: Node, *, merge: bool = True) -> None:
        self.name = name
        self.node = node
        self.merge = merge

    @property
    def path(self) -> str:
        """Where it stands."""
        return self.node.path

    @property
    def range(self) -> Range:
        """Its place in the text."""
        return self.node.range


class Declaration:
    """What a document declares."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.imports: list[Import] = []
        self.entries: list[tuple[str, Node, Expression]] = []
        self.description = ""
        self.duplicates = False

    @property
    def empty(self) -> bool:
        """Whether it declares neither imports nor values: such an environment is none."""
        return not self.imports and not self.entries

    @cached_property
    def values(self) -> Object:
        """The values, without those whose names are reserved."""
        return Object(None, [entry for entry in self.entries if entry[0] not in RESERVED])

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What every evaluation says: names that are reserved, or stand there twice."""
        if not self.duplicates and len(self.values.properties) == len(self.entries):
            return ()
        found: list[Diagnostic] = []
        seen: set[str] = set()
        for key, node, value in self.entries:
            if key in RESERVED:
                found.append(error(node, f"{quote(key)} is a reserved key"))
            elif key in seen:
                found.append(_duplicate(key, node))
            else:
                _duplicates(value, found)
            seen.add(key)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document that was read; with errors in it, `declaration` holds what could be made of it, or is None."""

    declaration: Declaration | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def broken(self) -> bool:
        """Whether there are errors."""
        return any(diagnostic.error for diagnostic in self.diagnostics)


def _duplicate(key: str, node: Node) -> Diagnostic:
    return error(node, f"duplicate key {quote(key)}")


def _duplicates(expression: Expression, found: list[Diagnostic]) -> None:
    if not isinstance(expression, Object):
        for child in children(expression):
            _duplicates(child, found)
        return
    seen: set[str] = set()
    for key, node, value in expression.entries:
        if key is None:
            continue
        if key in seen:
            found.append(_duplicate(key, node))
        else:
            _duplicates(value, found)
        seen.add(key)


def parse(name: str, source: bytes) -> Parsed:
    """Read a document; `name` stands in the places of what is wrong with it."""
    root, diagnostics = read(name, source)
    if any(diagnostic.error for diagnostic in diagnostics):
        return Parsed(None, tuple(diagnostics))
    parser = _DeclarationParser(name)
    parser.parse(root)
    return Parsed(parser.declaration, (*diagnostics, *parser.expressions.diagnostics))


class _DeclarationParser:
    def __init__(self, name: str) -> None:
        self.declaration = Declaration(name)
        self.expressions = ExpressionParser()
        self._said = self.expressions.diagnostics

    def parse(self, root: Node | None) -> None:
        if root is None or root.kind != OBJECT:
            self._said.append(error(root, "environment must be an object"))
            return
        seen: set[str] = set()
        for key, value in root.entries:
            if key.text in seen:
                self._said.append(error(key, f"duplicate key {quote(key.text)}", "warning"))
            seen.add(key.text)
            field = _field(key.text)
            if field == "values":
                self._values(value)
            elif field == "imports":
                self._imports(value)
            elif field == "description":
                self._description(value)
            else:
                self._said.append(error(key, _no_field(key.text), "warning"))
        self.declaration.duplicates = self.expressions.duplicates
        root.release()

    def _description(self, node: Node) -> None:
        parsed = self.expressions.parse(node)
        if isinstance(parsed, Literal) and isinstance(parsed.value, str):
            self.declaration.description = parsed.value
        else:
            self._said.append(error(node, "description must be a string"))

    def _values(self, node: Node) -> None:
        self.declaration.entries = []
        if node.kind != OBJECT:
            self._said.append(error(node, "values must be an object"))
            return
        for key, value in node.entries:
            if key.text.startswith("fn::"):
                self._said.append(error(key, f"builtin function call {quote(key.text)} not allowed at the top level"))
            self.declaration.entries.append((key.text, key, self.expressions.parse(value)))
        node.release()

    def _imports(self, node: Node) -> None:
        self.declaration.imports = []
        if node.kind != ARRAY:
            self._said.append(error(node, "imports must be a list"))
            return
        self.declaration.imports = [self._import(item) for item in node.items]
        node.release()

    def _import(self, node: Node) -> Import:
        if node.kind == STRING:
            return Import(node.text, node)
        if node.kind != OBJECT:
            self._said.append(error(node, "import must be a string or an object"))
            return Import(None, node)
        if len(node.entries) != 1:
            self._said.append(error(node, "import must have a single key"))
            return Import(None, node)
        key, options = node.entries[0]
        node.release()
        return Import(key.text, key, merge=self._merge(options))

    def _merge(self, options: Node) -> bool:
        if options.kind != OBJECT:
            self._said.append(error(options, "import must be an object"))
            return True
        merge = True
        seen: set[str] = set()
        for key, value in options.entries:
            if key.text in seen:
                self._said.append(error(key, f"duplicate key {quote(key.text)}", "warning"))
            seen.add(key.text)
            if key.text.lower() != "merge":
                continue
            if value.kind == BOOL:
                merge = bool(value.value)
            else:
                parsed = self.expressions.parse(value)
                self._said.append(error(parsed.node, "merge must be a boolean value"))
                merge = False
        options.release()
        return merge


def _field(key: str) -> str | None:
    return _FIELDS.get(key) or _FIELDS.get(key.lower().replace("\u017f", "s"))


def _no_field(key: str) -> str:
    fields = ", ".join(by_distance(key, ["'description'", "'imports'", "'values'"]))
    return f"Field '{key}' does not exist on Object 'environment'. Existing fields are: {fields}"
