"""The texts that Go reads and writes, without Go: the YAML dialect, patterns, JSON, base64, numbers. What is expected is what Go says."""

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings

from infra_assets.environments.language import base64_text, json_text
from infra_assets.environments.language.dialect.characters import characters
from infra_assets.environments.language.dialect.events import events
from infra_assets.environments.language.dialect.parser import Parser
from infra_assets.environments.language.dialect.tokens import Event, YamlError
from infra_assets.environments.language.golang import format_float, quote
from infra_assets.environments.language.model import Number
from infra_assets.environments.language.paths import parse_path, path_text
from infra_assets.environments.language.patterns import Pattern, PatternError
from infra_assets.environments.language.scalars import decode
from infra_assets.environments.language.spelling import nearest
from infra_assets.environments.language.yaml_text import dump
from tests.environments.language.strategies import World, worlds


def seen(found: Iterable[Event]) -> list[tuple[object, ...]] | str:
    try:
        return [event[:6] for event in found]
    except YamlError as problem:
        return str(problem)


@given(worlds())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_libyaml_is_asked_only_where_it_reads_the_same(world: World) -> None:
    for source in world.documents.values():
        assert seen(events(source)) == seen(Parser(characters(source)).events())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("0o17", "15"),
        ("017", "15"),
        ("0x1F", "31"),
        ("0b11", "3"),
        ("1_000", "1000"),
        ("+5", "5"),
        ("-0x10", "-16"),
        ("08", "8"),
        ("1e3", "1000"),
        ("1e6", "1e+06"),
        (".5", "0.5"),
        ("1.", "1"),
        ("2001-01-01", "2001-01-01"),
        ("2001-13-01", "2001-13-01"),
        (".inf", "+Inf"),
        (".nan", "NaN"),
        ("_1", "_1"),
        ("1:20", "1:20"),
        ("123456789012345678901234567890", "1.2345678901234568e+29"),
        ("18446744073709551615", "18446744073709551615"),
        ("1e999", "1e999"),
    ],
)
def test_a_scalar_is_what_it_is_to_go(text: str, value: object) -> None:
    found = decode(text, "", "")
    assert (found.text if isinstance(found, Number) else found) == value
    assert decode(text, "'", "") == text
    assert decode(text, "", "tag:yaml.org,2002:str") == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e6, "1e+06"),
        (123456.0, "123456"),
        (1e-5, "1e-05"),
        (0.0001, "0.0001"),
        (1e21, "1e+21"),
        (100.0, "100"),
        (-0.0, "-0"),
        (1.5e300, "1.5e+300"),
    ],
)
def test_a_number_is_written_as_go_does(number: float, text: str) -> None:
    assert format_float(number) == text


def test_a_string_is_quoted_as_go_does() -> None:
    assert quote('a"b\\\n\x00\x7f\u2028é😀\udc80') == '"a\\"b\\\\\\n\\x00\\x7f\\u2028é😀\\x80"'


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^foo[0-9]+$", "foo12", True),
        ("^foo[0-9]+$", "foo", False),
        ("a|b", "xb", True),
        ("^(a|b){2,3}$", "abab", False),
        ("(?i)ÄB", "äb", True),
        (r"\bfoo\b", "a foo!", True),
        (r"^\p{Lu}\PL$", "É1", True),
        ("[^a-c]", "abc", False),
        ("^.$", "\n", False),
        ("(?s)^.$", "\n", True),
        (r"^\Qa.b\E+$", "a.bb", True),
        ("^[[:alpha:]_-]+$", "a_-", True),
        ("(?m)^b$", "a\nb", True),
        ("a{,2}", "a{,2}", True),
        ("", "x", True),
        (r"^\x{e9}\x41\101$", "éAA", True),
        ("(x*)*y", "x" * 3000, False),
    ],
)
def test_a_pattern_is_found(pattern: str, text: str, found: bool) -> None:
    assert Pattern(pattern).found_in(text) == found


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("[a", "missing closing ]: `[a`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a{2,1}", "invalid repeat count: `{2,1}`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        (r"\y", r"invalid escape sequence: `\y`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("\\", "trailing backslash at end of expression: ``"),
    ],
)
def test_a_pattern_that_is_none_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(PatternError) as refused:
        Pattern(pattern)
    assert str(refused.value) == f"error parsing regexp: {problem}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "EOF"),
        ("{", "unexpected EOF"),
        ("x", "invalid character 'x' looking for beginning of value"),
        ("[1 2]", "invalid character '2' after array element"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ("{a: 1}", "invalid character 'a' looking for beginning of object key string"),
        ("tru ", "invalid character ' ' in literal true (expecting 'e')"),
        ('"\\x"', "invalid character 'x' in string escape code"),
        ('"\n"', "invalid character '\\n' in string literal"),
        ("-", "unexpected EOF"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("é", "invalid character 'Ã' looking for beginning of value"),
        ("NaN", "invalid character 'N' looking for beginning of value"),
    ],
)
def test_what_is_no_json_is_refused_in_gos_words(text: str, problem: str) -> None:
    with pytest.raises(json_text.JsonError) as refused:
        json_text.load(text)
    assert str(refused.value) == problem


def test_json_is_read_and_written_as_go_does() -> None:
    assert json_text.load(' {"b": 1e3, "a": "\\ud800"} trailing') == {"b": Number("1e3"), "a": "\ufffd"}
    assert (
        json_text.dump({"b": "<&>\u2028é", "a": [Number("1e3"), None, True]}) == '{"a":[1e3,null,true],"b":"\\u003c\\u0026\\u003e\\u2028é"}'
    )
    with pytest.raises(json_text.JsonError, match='invalid number literal "NaN"'):
        json_text.dump(Number("NaN"))


@pytest.mark.parametrize(
    ("text", "at"), [("=", 0), ("a", 0), ("aGk", 0), ("aGk=x", 4), ("a\nG!k", 3), ("aG=x", 2), ("aG=", 3), ("====", 0)]
)
def test_what_is_no_base64_is_refused_where_go_does(text: str, at: int) -> None:
    with pytest.raises(base64_text.Base64Error, match=f"illegal base64 data at input byte {at}$"):
        base64_text.decode(text)
    assert base64_text.decode("aG\r\nk=\n") == b"hi"


def test_yaml_is_written_as_go_does() -> None:
    plain = {"n": Number("1"), "l": ["a", {"b": "x\ny\n"}, []], "s": "yes", "e": "", "k10": None, "k9": True, "t": "a: b"}
    assert dump(plain) == (
        'e: ""\nk9: true\nk10: null\nl:\n    - a\n    - b: |\n        x\n        "y"\n    - []\n'.replace('        "y"', "        y")
        + '"n": "1"\ns: "yes"\nt: \'a: b\'\n'
    )


@pytest.mark.parametrize("path", [("values", "a b", 0, 'q"k'), ("a",), ("values", "fn::rotate::x", "state")])
def test_a_path_is_read_as_it_was_written(path: tuple[str | int, ...]) -> None:
    assert parse_path(path_text(path)) == path
    with pytest.raises(ValueError, match="no property path"):
        parse_path("a[")


def test_a_suggestion_is_near() -> None:
    assert nearest("regoin", ["region", "origin"]) == "region"
    assert nearest("x", ["region"]) == ""
