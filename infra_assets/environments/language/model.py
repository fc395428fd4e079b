"""What the language's parts and its hosts hand each other: values, places, diagnostics, and what a host provides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

Plain = Any
"""A value as JSON has it: None, bool, int, float, str, list, dict."""

SECRET = "[secret]"  # noqa: S105  # what stands in a secret's place
UNKNOWN = "[unknown]"


@dataclass(frozen=True, slots=True)
class Number:
    """A number, as its text was: `1e3` stays that, and no digit is lost."""

    text: str

    def plain(self) -> int | float:
        """Return it as Python has it."""
        try:
            return int(self.text)
        except ValueError:
            return float(self.text)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a document; line and column count from 1, the byte from 0, as the official evaluator counts."""

    line: int
    column: int
    byte: int


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a document."""

    environment: str
    """The environment's name, as it was imported."""
    begin: Position
    end: Position


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something wrong in a document; an error means that the values must not be used."""

    severity: str
    """`error` or `warning`."""
    summary: str
    path: str = ""
    """Where in the document, as a property path: `values.a["k.ey"][0]`."""
    range: Range | None = None

    @property
    def error(self) -> bool:
        """Whether it is one."""
        return self.severity == "error"


@dataclass(frozen=True, slots=True)
class Site:
    """One `fn::open` in a document."""

    environment: str
    path: str
    """Its property path in the document."""
    provider: str


@dataclass(slots=True)
class Value:
    """A value that was evaluated, merged with all that it overrides."""

    value: "bool | Number | str | list[Value] | dict[str, Value] | None"
    secret: bool = False
    unknown: bool = False
    definition: Range | None = None
    """Who set it."""
    base: "Value | None" = None
    """What it overrides."""
    pending: frozenset[Site] = field(default_factory=frozenset[Site])
    """Where it is unknown because these have not been opened."""

    def __repr__(self) -> str:
        return f"Value({self.plain()!r}, secret={self.secret}, unknown={self.unknown}, pending={set(self.pending) or None})"

    def plain(self, *, reveal: bool = False) -> Plain:
        """Return it as JSON has it; secrets as `[secret]` unless `reveal`, what is unknown as `[unknown]`."""
        if self.secret and not reveal:
            return SECRET
        if self.unknown:
            return UNKNOWN
        match self.value:
            case Number():
                return self.value.plain()
            case list():
                return [item.plain(reveal=reveal) for item in self.value]
            case dict():
                return {key: item.plain(reveal=reveal) for key, item in self.value.items()}
            case _:
                return self.value


def value_of(plain: Plain, *, secret: bool = False) -> Value:
    """Return a plain value as a Value; `secret` marks the whole of it.

    Raises:
        TypeError: JSON has no such value.
    """
    match plain:
        case None | bool() | str() | Number():
            return Value(plain, secret)
        case int():
            return Value(Number(str(plain)), secret)
        case float():
            return Value(Number(repr(plain)), secret)
        case list():
            return Value([value_of(item) for item in cast("list[Plain]", plain)], secret)
        case dict():
            return Value({key: value_of(item) for key, item in cast("dict[str, Plain]", plain).items()}, secret)
        case _:
            raise TypeError(f"a {type(plain).__name__} is nothing that an environment holds")


class LoadError(Exception):
    """An environment cannot be had; the message becomes a diagnostic's summary."""


class DecryptionError(Exception):
    """A ciphertext cannot be decrypted; the message never holds any of it."""


class ProviderError(Exception):
    """A provider or a rotator refuses, or there is none of that name; the message becomes a diagnostic's summary, and holds no secret."""


class Decrypter(Protocol):
    """Decrypts what `fn::secret: {ciphertext: …}` holds, without its envelope."""

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            DecryptionError: it can't.
        """
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """An environment's definition, at one revision."""

    name: str
    """Canonical: `project/environment`."""
    revision: str
    """Identifies the content: another content has another revision."""
    source: bytes = field(repr=False)
    decrypter: Decrypter | None = None
    place: str = ""
    """Where a person finds it: `environments/shared/app.yaml`."""


class Environments(Protocol):
    """Where the evaluator gets what a document imports."""

    def load(self, name: str) -> Document:
        """Return a document by the name that stands in an import (`shared/app`, `app`, `shared/app@3`, `shared/app@stable`).

        Raises:
            LoadError: there is none, or it may not be imported.
        """
        ...


JsonSchema = Mapping[str, Any]
"""A JSON schema as a mapping: `{"type": "object", "properties": {…}, "required": […], "additionalProperties": False}`."""


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """For whom something is opened."""

    root_environment: str
    current_environment: str
    """Where the `fn::open` stands."""
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])
    """What `${context…}` holds."""


class Provider(Protocol):
    """What is behind `fn::open::NAME`."""

    inputs: JsonSchema
    outputs: JsonSchema

    def open(self, inputs: Mapping[str, Value], context: ExecutionContext) -> Value:
        """Return what is asked for; secrets in it are marked as such.

        Raises:
            ProviderError: it cannot be had.
        """
        ...


class Rotator(Protocol):
    """What is behind `fn::rotate::NAME`."""

    inputs: JsonSchema
    """A property may say `"rotateOnly": true`: it is evaluated for a rotation alone."""
    state: JsonSchema
    outputs: JsonSchema

    def open(self, inputs: Mapping[str, Value], state: Mapping[str, Value], context: ExecutionContext) -> Value:
        """Return the present secret from the state.

        Raises:
            ProviderError: it cannot be had.
        """
        ...

    def rotate(self, inputs: Mapping[str, Value], state: Mapping[str, Value] | None, context: ExecutionContext) -> Value:
        """Make a new secret, and return the state to be written back; `state` is None the first time.

        Raises:
            ProviderError: it could not be made.
        """
        ...


class Providers(Protocol):
    """Which providers and rotators there are."""

    def provider(self, name: str) -> Provider:
        """Return one.

        Raises:
            ProviderError: none of that name.
        """
        ...

    def rotator(self, name: str) -> Rotator:
        """Return one.

        Raises:
            ProviderError: none of that name.
        """
        ...


Opens = Callable[[Site], bool]
"""Says which `fn::open` to carry out; the others' outputs stay unknown, and pending."""
