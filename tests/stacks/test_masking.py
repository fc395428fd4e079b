"""Known secrets are kept out of texts, in the forms in which texts carry them."""

import base64
import json
import sys
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_assets.stacks.masking import Masker

TOKEN = 'p"ss w/rd+é\\9'


@pytest.mark.parametrize(
    "form",
    [
        TOKEN,
        json.dumps(TOKEN)[1:-1],
        json.dumps(TOKEN, ensure_ascii=False)[1:-1],
        repr(TOKEN)[1:-1],
        quote(TOKEN),
        quote_plus(TOKEN),
        base64.b64encode(TOKEN.encode()).decode(),
        base64.urlsafe_b64encode(TOKEN.encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_every_form(form: str) -> None:
    assert Masker([TOKEN]).text(f"before {form} after") == "before [secret] after"


@given(st.text(min_size=8, max_size=40), st.text(max_size=7), st.text(max_size=7))
def test_within_a_longer_text_that_is_base64_as_a_whole(secret: str, before: str, after: str) -> None:
    whole = base64.b64encode(f"{before}{secret}{after}".encode()).decode()
    assert "[secret]" in Masker([secret]).text(whole)


def test_the_lines_of_a_key_are_masked_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA7\nq8s0fJ2kd8sNf93kf\n-----END KEY-----"
    assert Masker([key]).text("line 2: MIIEpAIBAAKCAQEA7") == "line 2: [secret]"


def test_a_secret_within_another_does_not_show_the_rest() -> None:
    assert Masker(["hunter2", "hunter2-and-more"]).text("it is hunter2-and-more") == "it is [secret]"


def test_what_is_too_short_is_counted_and_does_not_garble_texts() -> None:
    masker = Masker(["abc", "", "long-enough"])
    assert (masker.unmaskable, masker.text("abc of long-enough")) == (1, "abc of [secret]")


def test_values_of_any_depth() -> None:
    assert Masker(["hunter22"]).plain({"a": [{"hunter22": "x hunter22"}, 3, None]}) == {"a": [{"[secret]": "x [secret]"}, 3, None]}


def test_what_is_printed_in_pieces_is_masked_as_a_whole(capsys: pytest.CaptureFixture[str]) -> None:
    with Masker(["hunter22"]).streams():
        sys.stdout.write("the token is hun")
        sys.stdout.write("ter22\nnext")
        sys.stderr.write("err hunter22\n")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("the token is [secret]\nnext", "err [secret]\n")
    sys.stdout.write("hunter22\n")
    assert capsys.readouterr().out == "hunter22\n"
