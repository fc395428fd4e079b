"""Secrets are edited in the text: all else stays, byte for byte."""

import pytest

from infra_assets.environments.language import (
    DecryptionError,
    Document,
    Evaluator,
    Number,
    Patch,
    Value,
    apply_patches,
    open_envelope,
    plain,
    reveal_secrets,
    seal_envelope,
    seal_secrets,
    value_of,
)
from infra_assets.environments.language.envelope import EnvelopeError
from infra_assets.errors import InfraError
from tests.environments.language.fakes import Documents, FakeProviders

SAMPLE = """\
# At the top.
imports: [shared/app]   # odd    spaces
values:
    a:          # why it is there
      fn::secret: "p$$w\\u00e9"   # and kept
    b: {fn::secret: x y, }
    c:
      fn::secret: |-   # of two lines
        line 1
        line 2

    # between
    d: [ {fn::secret: 'it''s'},   {e: 1} ]
    f:
      fn::secret:
        >
        folded
        text
    sealed: {"fn::secret": {ciphertext: "SEALED"}}
    'quoted': no secret
"""
CLEAR = {
    "a": "p$wé",
    "b": "x y",
    "c": "line 1\nline 2",
    "d": ["it's", {"e": 1}],
    "f": "folded text\n",
    "sealed": "old",
    "quoted": "no secret",
}


class Reversing:
    """A cipher of which a person sees that it was used."""

    def encrypt(self, plaintext: bytes) -> bytes:
        return b"cipher" + plaintext[::-1]

    def decrypt(self, ciphertext: bytes) -> bytes:
        if not ciphertext.startswith(b"cipher"):
            raise DecryptionError("another key")
        return ciphertext.removeprefix(b"cipher")[::-1]


CIPHER = Reversing()
SOURCE = SAMPLE.replace("SEALED", seal_envelope(CIPHER.encrypt(b"old"))).encode()


def values(source: bytes) -> dict:
    found = Evaluator(Documents({"shared/app": b"values: {}"}), FakeProviders()).evaluate(Document("root", "1", source, CIPHER))
    assert found.diagnostics == ()
    assert found.properties is not None
    return plain(found.properties, reveal=True)


def without_secrets(source: bytes) -> list[bytes]:
    return [line for line in source.splitlines() if b"#" not in line and b"secret" in line]


def test_sealing_keeps_comments_layout_and_values() -> None:
    sealed = seal_secrets(SOURCE, CIPHER.encrypt)
    assert values(sealed) == values(SOURCE) == CLEAR
    for kept in (
        b"# At the top.\nimports: [shared/app]   # odd    spaces\nvalues:\n    a:          # why it is there\n", b"}   # and kept\n",
        b"# of two lines\n", b"    # between\n    d: [ {fn::secret: {", b",   {e: 1} ]\n", b"    'quoted': no secret\n", b", }\n",
        SOURCE[SOURCE.index(b"    sealed:") : SOURCE.index(b"    'quoted'")],
    ):  # fmt: skip
        assert kept in sealed
    for clear in (b"x y", b"line 1", b"it's", b"folded", b"p$$w"):
        assert clear not in sealed
    assert seal_secrets(sealed, CIPHER.encrypt) == sealed


def test_revealing_undoes_sealing() -> None:
    revealed = reveal_secrets(seal_secrets(SOURCE, CIPHER.encrypt), CIPHER)
    assert values(revealed) == CLEAR
    assert b"ciphertext" not in revealed
    assert b"# and kept" in revealed


@pytest.mark.parametrize(
    "text", ["$", "$$", "${a}", "a$${b", "$$$", "#x", "- a", "yes", "1", "", " ", "é\n", '"', "\t", "a: b", "{", "\u2028", "~"]
)
@pytest.mark.parametrize("layout", ["values:\n  a:\n    fn::secret: {}\n  b: 1\n", "values: {{a: {{fn::secret: {}}}, b: 1}}\n"])
def test_any_text_is_revealed_as_it_was(text: str, layout: str) -> None:
    sealed = layout.format(f"{{ciphertext: {seal_envelope(CIPHER.encrypt(text.encode()))}}}").encode()
    revealed = reveal_secrets(sealed, CIPHER)
    assert values(revealed) == {"a": text, "b": 1}
    assert values(seal_secrets(revealed, CIPHER.encrypt)) == {"a": text, "b": 1}


def test_a_document_without_secrets_stays_as_it_is() -> None:
    for source in (b"", b"# nothing\n", b"values: {a: 1}", b"values: {a: {fn::secret: [1]}}"):
        assert seal_secrets(source, CIPHER.encrypt) == source
        assert reveal_secrets(source, CIPHER) == source


def test_what_cannot_be_read_or_decrypted_is_not_touched_and_named() -> None:
    with pytest.raises(InfraError, match="cannot be edited: yaml: line 1: did not find"):
        seal_secrets(b"values:\n  a: [}\n", CIPHER.encrypt)
    other = f"values: {{a: {{fn::secret: {{ciphertext: {seal_envelope(b'another one')}}}}}}}".encode()
    with pytest.raises(InfraError, match=r'values\.a\["fn::secret"\] cannot be decrypted: another key'):
        reveal_secrets(other, CIPHER)
    with pytest.raises(InfraError, match="cannot be decrypted: invalid header"):
        reveal_secrets(other.replace(b"ZXNj", b"AAAA"), CIPHER)


def test_an_envelope_is_opened_only_if_it_is_whole() -> None:
    sealed = seal_envelope(b"a ciphertext")
    assert open_envelope(sealed) == b"a ciphertext"
    for broken, problem in (("", "EOF"), (sealed[:-4], "checksum"), ("=", "illegal base64"), ("AAAA" * 8, "invalid header")):
        with pytest.raises(EnvelopeError, match=problem):
            open_envelope(broken)


ROTATED = b"""\
values:
  # The user that deploys.
  user:
    fn::rotate::swap:   # every month
      inputs: {}  # none
      state:
        a: one   # the present one
        b: {fn::secret: two}
  fresh:
    fn::rotate::echo:
      inputs: {next: x}
      # nothing yet
  flow: {"fn::rotate::echo": {inputs: {next: x}}}
"""


def text(value: str, *, secret: bool = False) -> Value:
    return Value(value, secret)


def test_a_rotated_state_is_written_where_the_old_one_was() -> None:
    state = Value({"a": text("two", secret=True), "b": text("$${x}", secret=True)})
    patched = apply_patches(ROTATED, [Patch('values.user["fn::rotate::swap"].state', state)])
    assert patched == ROTATED.replace(b"a: one ", b"a: {fn::secret: two} ").replace(b"b: {fn::secret: two}", b'b: {fn::secret: "$$$${x}"}')


def test_a_state_is_added_where_there_was_none() -> None:
    state = Value({"current": text("x"), "n": Value(Number("1e3")), "l": Value([Value(None), Value(True)])})
    paths = ['values.fresh["fn::rotate::echo"].state', 'values.flow["fn::rotate::echo"].state']
    patched = apply_patches(ROTATED, [Patch(path, state) for path in paths])
    written = b"state: {current: x, n: 1e3, l: [null, true]}"
    assert patched == ROTATED.replace(b"      inputs: {next: x}\n", b"      inputs: {next: x}\n      " + written + b"\n").replace(
        b"{inputs: {next: x}}}", b"{inputs: {next: x}, " + written + b"}}"
    )


def test_another_state_takes_the_old_ones_place() -> None:
    patched = apply_patches(ROTATED, [Patch('values.user["fn::rotate::swap"].state', Value({"c": text("3")}))])
    assert patched == ROTATED.replace(b"a: one   # the present one\n        b: {fn::secret: two}", b'{c: "3"}')


def test_a_secret_object_is_written_as_json() -> None:
    state = Value({"b": text("2"), "a": Value(Number("1"))}, secret=True)
    patched = apply_patches(
        b"values: {u: {fn::rotate::swap: {inputs: {}, state: ~}}}", [Patch('values.u["fn::rotate::swap"].state', state)]
    )
    assert b'state: {fn::fromJSON: {fn::secret: "{\\"a\\":1,\\"b\\":\\"2\\"}"}}' in patched


def test_a_place_that_is_not_there_is_an_error() -> None:
    with pytest.raises(InfraError, match=r"the document has no values\.nowhere\.state"):
        apply_patches(ROTATED, [Patch("values.nowhere.state", Value(None))])


def test_of_two_values_the_one_that_counts_is_patched() -> None:
    source = b"VALUES: {a: 1}\nValues:\n  a: {fn::rotate::swap: {inputs: {}, state: {a: x, b: y}}}\n"
    patch = Patch('values.a["fn::rotate::swap"].state', value_of({"a": "y", "b": "x"}))
    assert apply_patches(source, [patch]) == source.replace(b"{a: x, b: y}", b"{a: y, b: x}")
