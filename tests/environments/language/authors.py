"""Writes a document's values: trees of literals, references and functions, mostly well typed."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.environments.language import vocabulary as words
from tests.environments.language.drafts import Block, Draft, Hole, Listing, Scalar, Table, quoted

Draw = Callable[[st.SearchStrategy[Any]], Any]
Path = tuple[str | int, ...]

PLAIN_KEYS = ("a", "b", "c", "d")
FUNCTIONS = (
    "concat", "final", "validate", "fromJSON", "fromBase64", "join", "open", "rotate", "secret", "split", "toBase64", "toJSON", "toYAML",
    "toString", "open::test", "open::schema", "open::secret-wrapper", "open::error", "rotate::swap", "rotate::echo", "wrong",
)  # fmt: skip


def chance(draw: Draw, of: int) -> bool:
    """Return True once in `of` times."""
    # In the middle: Hypothesis draws the ends of a range more often than the rest.
    return draw(st.integers(1, of)) == (of + 1) // 2


def sealed(plaintext: bytes) -> str:
    """Return a plaintext in the official envelope, under the cipher that adds 128."""
    envelope = b"escx" + (1).to_bytes(4, "big") + bytes((byte + 128) % 256 for byte in plaintext)
    return base64.b64encode(envelope + binascii.crc32(envelope).to_bytes(4, "big")).decode()


GOOD = [sealed(text.encode()) for text in ("secret text", '{"a":1}', "é,b", "12345678")]
CIPHERTEXTS = st.sampled_from([*GOOD, sealed(b""), "''", "notbase64!", "ZXNjeA==", sealed(b"hunter22")[:-5] + "AAAA=", "1"])


CANARIES = words.pool('CANARY ¦ a,CANARY ¦ {"a":"CANARY"} ¦ ["CANARY",1] ¦ "CANARY" ¦ CANARY: ¦ {CANARY')


class Author:
    """Writes one document's values."""

    def __init__(self, draw: Draw, draft: Draft, canary: str = "") -> None:
        self.draw, self.draft, self.canary = draw, draft, canary
        self.within: Path = ()

    def chance(self, of: int) -> bool:
        return chance(self.draw, of)

    def some(self, most: int = 3) -> range:
        return range(self.draw(st.integers(0, most)))

    def node(self, depth: int, path: Path | None = None) -> Any:
        """Write anything; `path` is where it can be referred to, None inside of a function."""
        if path is not None:
            self.draft.paths.append(path)
            self.within = path
        if self.canary and self.chance(3):
            return Table([("fn::secret", self.secret())])
        kind = self.draw(st.integers(0, 11 if depth > 0 else 5))
        if kind <= 1:
            return Scalar(self.draw(words.PLAIN))
        if kind <= 5:
            return self.spelled() if kind == 2 else self.hole()
        if kind <= 7:
            return self.table(depth - 1, path)
        if kind == 8:
            return Listing([self.node(depth - 1, path and (*path, index)) for index in self.some()], self.chance(4))
        return self.function(depth - 1)

    def spelled(self) -> Any:
        if self.chance(3):
            return Block(self.draw(words.BLOCK_HEADERS), self.draw(st.lists(words.BLOCK_LINES, max_size=3)))
        return Scalar(self.draw(words.SPELLED if self.chance(3) else words.STRINGS.map(quoted)))

    def hole(self) -> Hole:
        hole = Hole(self.within)
        self.draft.holes.append(hole)
        return hole

    def table(self, depth: int, path: Path | None) -> Table:
        keys = self.draw(st.lists(st.sampled_from(PLAIN_KEYS), max_size=3, unique=not self.chance(12)))
        if self.chance(8):
            keys.append(self.draw(words.ODD_KEYS))
        return Table([(key, self.node(depth, path and (*path, key))) for key in keys], self.chance(5))

    def function(self, depth: int) -> Table:
        name = self.draw(st.sampled_from(FUNCTIONS))
        if name == "wrong":
            entry = (self.draw(words.WRONG_FUNCTIONS) if self.chance(2) else "fn::toJSON", self.node(depth))
        else:
            entry = (f"fn::{name}", self.node(depth) if self.chance(15) else self.argument(name, depth))
        return Table([entry, ("z", Scalar("1"))] if self.chance(40) else [entry], self.chance(5))

    def argument(self, name: str, depth: int) -> Any:
        """Write what a function takes, mostly."""
        match name:
            case "concat":
                return Listing([self.sequence(depth) for _ in self.some()])
            case "join":
                return Listing([self.string(), self.sequence(depth)])
            case "split":
                return Listing([Scalar(self.draw(words.DELIMITERS)), self.string()], self.chance(3))
            case "secret":
                return self.secret()
            case "fromJSON":
                return self.nested("toJSON", depth) if self.chance(3) else Scalar(self.draw(words.DOCUMENTS_IN_JSON.map(quoted)))
            case "fromBase64":
                return self.nested("toBase64", depth) if self.chance(3) else Scalar(self.draw(words.IN_BASE64.map(quoted)))
            case "toBase64":
                return self.string()
            case "validate":
                return self.shuffled([("schema", Scalar(self.draw(words.SCHEMAS))), ("value", self.node(depth))])
            case _:
                return self.asked(name, depth) if name.startswith(("open", "rotate")) else self.node(depth)

    def nested(self, function: str, depth: int) -> Table:
        return Table([(f"fn::{function}", self.argument(function, depth - 1))])

    def secret(self) -> Any:
        if self.canary:
            plain = self.draw(CANARIES).replace("CANARY", self.canary)
            return Scalar(quoted(plain)) if self.chance(2) else Table([("ciphertext", Scalar(sealed(plain.encode())))])
        match self.draw(st.integers(0, 5)):
            case 0 | 1:
                return Scalar(quoted(self.draw(words.STRINGS)))
            case 2:
                return Scalar(self.draw(words.SECRETS))
            case 3:
                return self.hole()
            case _:
                return Table([("ciphertext", Scalar(self.draw(CIPHERTEXTS)))])

    def asked(self, name: str, depth: int) -> Any:
        """Write what a provider or a rotator is asked."""
        verb, _, provider = name.partition("::")
        if verb == "open":
            inputs = self.inputs(provider, depth)
            return inputs if provider else self.shuffled([("provider", Scalar(self.draw(words.PROVIDERS))), ("inputs", inputs)])
        entries: list[tuple[str, Any]] = [("inputs", Table([("next", self.string())]) if self.chance(2) else self.node(depth))]
        if not self.chance(3):
            entries.append(("state", self.state(depth)))
        if not provider:
            entries.append(("provider", Scalar(self.draw(st.sampled_from(["swap", "echo", "nope"])))))
        return self.shuffled(entries)

    def inputs(self, provider: str, depth: int) -> Any:
        if self.chance(5):
            return self.node(depth)
        match provider:
            case "schema":
                return Scalar(self.draw(words.OPEN_INPUTS_OF_SCHEMA))
            case "error":
                return Table([("why", self.string())])
            case _:
                return self.table(depth, None)

    def state(self, depth: int) -> Any:
        match self.draw(st.integers(0, 4)):
            case 0 | 1:
                return Table([("a", self.string()), ("b", self.string())])
            case 2:
                return Table([("current", self.string())])
            case 3:
                return Table([("current", Scalar("{'fn::secret': s3}")), ("previous", self.string())])
            case _:
                return self.node(depth)

    def rotator(self) -> Table:
        """Write a rotation that succeeds."""
        text = words.STRINGS.filter(lambda text: "$" not in text).map(quoted)
        a, b = (Scalar(self.draw(text)) if self.chance(2) else Table([("fn::secret", Scalar(self.draw(text)))]) for _ in range(2))
        kind = self.draw(st.sampled_from(["swap", "echo", "first"]))
        entries: list[tuple[str, Any]] = {
            "swap": [("inputs", Table([])), ("state", Table([("a", a), ("b", b)], self.chance(4)))],
            "echo": [("inputs", Table([("next", a)])), ("state", Table([("current", b)], self.chance(4)))],
            "first": [("inputs", Table([("next", a)]))],
        }[kind]
        provider = "swap" if kind == "swap" else "echo"
        ordered = list(self.draw(st.permutations(entries)))
        if self.chance(3):
            return Table([("fn::rotate", Table([("provider", Scalar(provider)), *ordered]))])
        return Table([(f"fn::rotate::{provider}", Table(ordered))], self.chance(5))

    def shuffled(self, entries: list[tuple[str, Any]]) -> Table:
        """Return the entries in any order; sometimes one is missing, or there is one too many."""
        ordered = list(self.draw(st.permutations(entries)))
        if self.chance(15):
            ordered.pop()
        return Table([*ordered, ("surplus", Scalar("1"))] if self.chance(20) else ordered)

    def string(self) -> Any:
        match self.draw(st.integers(0, 4)):
            case 0 | 1:
                return Scalar(quoted(self.draw(words.STRINGS)))
            case 2:
                return Table([("fn::secret", self.secret())])
            case _:
                return self.hole()

    def sequence(self, depth: int) -> Any:
        if self.chance(4):
            return self.hole()
        return Listing([self.string() if self.chance(2) else self.node(depth) for _ in self.some()], self.chance(3))
