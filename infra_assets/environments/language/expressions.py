"""A document's values as expressions: literals, interpolations, references, arrays, objects and calls of builtins."""

from collections.abc import Callable

from infra_assets.environments.language.golang import quote
from infra_assets.environments.language.interpolation import Accessors, Part, interpolation
from infra_assets.environments.language.model import Diagnostic, Range
from infra_assets.environments.language.nodes import ARRAY, OBJECT, STRING, Node, Scalar, error

PREFIX = "fn::"
OPEN, ROTATE, SECRET = "fn::open", "fn::rotate", "fn::secret"


class Expression:
    """What a node stands for; without a node it stands for something that is missing."""

    __slots__ = ("node",)

    def __init__(self, node: Node | None = None) -> None:
        self.node = node

    @property
    def path(self) -> str:
        """Where it stands in the document."""
        return self.node.path if self.node else ""

    @property
    def range(self) -> Range | None:
        """Its place in the text."""
        return self.node.range if self.node else None


class Missing(Expression):
    """What an error left out."""

    __slots__ = ()


class Literal(Expression):
    """A value that is written down."""

    __slots__ = ("value",)

    def __init__(self, node: Node | None, value: Scalar) -> None:
        self.node = node
        self.value = value


class Interpolation(Expression):
    """A string made of others."""

    __slots__ = ("parts",)

    def __init__(self, node: Node, parts: list[Part]) -> None:
        self.node = node
        self.parts = parts


class Symbol(Expression):
    """A reference to another value."""

    __slots__ = ("accessors",)

    def __init__(self, node: Node | None, accessors: Accessors) -> None:
        self.node = node
        self.accessors = accessors


class Array(Expression):
    """A list of expressions."""

    __slots__ = ("elements",)

    def __init__(self, node: Node, elements: list[Expression]) -> None:
        self.node = node
        self.elements = elements


class Object(Expression):
    """Expressions by name; the first of two with one name counts."""

    __slots__ = ("entries", "properties", "sorted")

    def __init__(self, node: Node | None, entries: list[tuple[str | None, Node, Expression]]) -> None:
        self.node = node
        self.entries = entries
        self.properties: dict[str, Expression] = {}
        for key, _, value in entries:
            if key is not None and key not in self.properties:
                self.properties[key] = value
        self.sorted = sorted(self.properties)

    def duplicates(self) -> bool:
        """Whether a name stands there twice."""
        return len(self.properties) != sum(key is not None for key, _, _ in self.entries)


class Call(Expression):
    """A call of a builtin; `parts` are what it evaluates, in its own order."""

    __slots__ = ("argument", "ciphertext", "function", "name_node", "parts", "provider")

    def __init__(self, node: Node, name_node: Node, function: str, argument: Expression, parts: tuple[Expression, ...]) -> None:
        self.node = node
        self.name_node = name_node
        self.function = function
        self.argument = argument
        self.parts = parts
        self.provider: str | None = None
        """Of `fn::open` and `fn::rotate`; None where it is missing."""
        self.ciphertext = False
        """Whether a `fn::secret` is sealed."""

    @property
    def name(self) -> str:
        """As it is written: `fn::open::aws-login`."""
        return self.name_node.text


def children(expression: Expression) -> list[Expression]:
    """Return what an expression is made of, in the order in which it is declared."""
    match expression:
        case Array():
            return expression.elements
        case Object():
            return list(expression.properties.values())
        case Call():
            return list(expression.parts)
        case _:
            return []


class ExpressionParser:
    """Makes expressions of nodes, and collects what is wrong with them."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.duplicates = False

    def parse(self, node: Node) -> Expression:
        """Return a node's expression."""
        kind = node.kind
        if kind == STRING:
            return self._string(node)
        if kind == OBJECT:
            return self._object(node)
        if kind == ARRAY:
            elements = [self.parse(item) for item in node.items]
            node.release()
            return Array(node, elements)
        return Literal(node, node.value)

    def _string(self, node: Node) -> Expression:
        text = node.text
        if "$" not in text:
            return Literal(node, text)
        parts, diagnostics = interpolation(node, text)
        self.diagnostics += diagnostics
        if len(parts) == 1:
            text, accessors = parts[0]
            if accessors is None:
                return Literal(node, text)
            if not text:
                return Symbol(node, accessors)
        return Interpolation(node, parts)

    def _object(self, node: Node) -> Expression:
        entries = node.entries
        if len(entries) == 1:
            key, value = entries[0]
            if key.text[:4].lower() == PREFIX:
                parse = _PARSERS.get(_function(key.text))
                if parse:
                    node.release()
                    return parse(self, node, key, self.parse(value))
                self.diagnostics.append(Diagnostic("error", "'fn::' is a reserved prefix", node.path, key.range))
        else:
            for key, _ in entries:
                if key.text.startswith(PREFIX):
                    summary = f"illegal call to builtin function: {quote(key.text)} must be the only key within its containing object"
                    self.diagnostics.append(error(node, summary))
        parsed = Object(node, [(self._key(key), key, self.parse(value)) for key, value in entries])
        node.release()
        self.duplicates = self.duplicates or parsed.duplicates()
        return parsed

    def _key(self, key: Node) -> str | None:
        if "$" not in key.text:
            return key.text
        parsed = self._string(key)
        if isinstance(parsed, Literal):
            return str(parsed.value)
        self.diagnostics.append(error(key, "object keys must be strings"))
        return None

    # --- builtins

    def simple(self, node: Node, name: Node, argument: Expression) -> Call:
        """Return a call with one argument."""
        return Call(node, name, name.text, argument, (argument,))

    def concat(self, node: Node, name: Node, argument: Expression) -> Call:
        """Return a call of `fn::concat`."""
        if not isinstance(argument, Array):
            self.diagnostics.append(error(argument.node, "the argument to fn::concat must be an array of arrays"))
        return self.simple(node, name, argument)

    def pair(self, node: Node, name: Node, argument: Expression) -> Call:
        """Return a call of `fn::join` or `fn::split`."""
        if isinstance(argument, Array) and len(argument.elements) == 2:
            return Call(node, name, name.text, argument, tuple(argument.elements))
        self.diagnostics.append(error(argument.node, f"the argument to {name.text} must be a two-valued list"))
        return Call(node, name, name.text, argument, (Missing(), Missing()))

    def validate(self, node: Node, name: Node, argument: Expression) -> Call:
        """Return a call of `fn::validate`."""
        if not isinstance(argument, Object):
            summary = "the argument to fn::validate must be an object containing 'schema' and 'value'"
            self.diagnostics.append(error(argument.node, summary))
            return Call(node, name, name.text, argument, (Missing(), Missing()))
        given = _last(argument)
        for key in ("schema", "value"):
            if key not in given:
                self.diagnostics.append(error(argument.node, f"missing required property '{key}'"))
        return Call(node, name, name.text, argument, (given.get("schema") or Missing(), given.get("value") or Missing()))

    def secret(self, node: Node, name: Node, argument: Expression) -> Call:
        """Return a call of `fn::secret`."""
        if isinstance(argument, Object) and len(argument.entries) == 1:
            key, _, value = argument.entries[0]
            if key == "ciphertext" and isinstance(value, Literal) and isinstance(value.value, str):
                sealed = Call(node, name, SECRET, argument, (value,))
                sealed.ciphertext = True
                return sealed
        if not isinstance(argument, Literal) or not isinstance(argument.value, str):
            self.diagnostics.append(error(argument.node, "secret values must be string literals"))
            return Call(node, name, SECRET, argument, (Literal(None, ""),))
        return Call(node, name, SECRET, argument, (argument,))

    def open(self, node: Node, name: Node, argument: Expression) -> Call:
        """Return a call of `fn::open`."""
        call = Call(node, name, OPEN, argument, (Missing(),))
        if not isinstance(argument, Object):
            summary = "the argument to fn::open must be an object containing 'provider' and 'inputs'"
            self.diagnostics.append(error(argument.node, summary))
            return call
        given = _last(argument)
        call.provider = self._provider(argument, given.get("provider"))
        call.parts = (self._inputs(argument, given.get("inputs")),)
        return call

    def short_open(self, node: Node, name: Node, argument: Expression) -> Call:
        """Return a call of `fn::open::PROVIDER`."""
        call = Call(node, name, OPEN, argument, (argument,))
        call.provider = name.text.removeprefix(f"{OPEN}::")
        return call

    def rotate(self, node: Node, name: Node, argument: Expression) -> Call:
        """Return a call of `fn::rotate`, or of `fn::rotate::PROVIDER`."""
        short = name.text != ROTATE
        call = Call(node, name, ROTATE, argument, (Missing(), Missing()))
        if not isinstance(argument, Object):
            needs = "'inputs' and 'state'" if short else "'provider', 'inputs' and 'state'"
            self.diagnostics.append(error(argument.node, f"the argument to fn::rotate must be an object containing {needs}"))
            return call
        given = _last(argument)
        call.provider = name.text.removeprefix(f"{ROTATE}::") if short else self._provider(argument, given.get("provider"))
        inputs, state = self._inputs(argument, given.get("inputs")), given.get("state")
        if state and not isinstance(state, Object):
            self.diagnostics.append(error(state.node, "rotation state must be an object literal"))
        call.parts = (inputs, state or Literal(None, None))
        return call

    def _provider(self, argument: Object, given: Expression | None) -> str | None:
        if isinstance(given, Literal) and isinstance(given.value, str):
            return given.value
        if given:
            self.diagnostics.append(error(given.node, "provider name must be a string literal"))
        else:
            self.diagnostics.append(error(argument.node, "missing provider name ('provider')"))
        return None

    def _inputs(self, argument: Object, given: Expression | None) -> Expression:
        if given is None:
            self.diagnostics.append(error(argument.node, "missing provider inputs ('inputs')"))
        return given or Missing()


def _last(argument: Object) -> dict[str, Expression]:
    return {key: value for key, _, value in argument.entries if key is not None}


def _function(name: str) -> str:
    if name.startswith(f"{OPEN}::"):
        return f"{OPEN}::"
    return ROTATE if name.startswith(f"{ROTATE}::") else name


_PARSERS: dict[str, Callable[[ExpressionParser, Node, Node, Expression], Call]] = {
    "fn::concat": ExpressionParser.concat,
    "fn::join": ExpressionParser.pair,
    "fn::split": ExpressionParser.pair,
    "fn::validate": ExpressionParser.validate,
    SECRET: ExpressionParser.secret,
    OPEN: ExpressionParser.open,
    f"{OPEN}::": ExpressionParser.short_open,
    ROTATE: ExpressionParser.rotate,
    **dict.fromkeys(
        ("fn::final", "fn::fromJSON", "fn::fromBase64", "fn::toBase64", "fn::toJSON", "fn::toYAML", "fn::toString"),
        ExpressionParser.simple,
    ),
}
