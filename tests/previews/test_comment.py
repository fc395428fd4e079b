"""Exactly one comment on a pull request, over HTTP, from a GitHub that is well, slow to be, or says no."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra_assets.errors import InfraError, UsageError
from infra_assets.previews import comment
from infra_assets.previews.comment import MARKER, Published, publish, write
from infra_assets.previews.pull_request import from_environment, links
from infra_assets.reports.markdown import LIMIT, as_comment
from tests.previews.github import ANN, BOT, GitHub, serving
from tests.reports.reports import EIGHT, report

OURS = f"{MARKER}\nold"


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serving() as found:
        yield found


def environ(github: GitHub, **others: str) -> dict[str, str]:
    return {"GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": "acme/infra", "GITHUB_TOKEN": github.token} | others


def written(github: GitHub, body: str = f"{MARKER}\nnew", **others: str) -> Published:
    return write(from_environment(environ(github, **others), 12), body, pause_s=0.01)


def test_the_first_time_it_is_made(github: GitHub) -> None:
    found = written(github)
    assert found == Published("https://github.com/acme/infra/pull/12#issuecomment-1000", created=True)
    assert github.bodies() == [f"{MARKER}\nnew"]


def test_then_it_is_kept_up_to_date(github: GitHub) -> None:
    github.add("hello", ANN)
    for _ in range(3):
        written(github)
    assert not written(github, f"{MARKER}\nnewer").created
    assert github.bodies() == ["hello", f"{MARKER}\nnewer"]


def test_a_body_without_the_marker_gets_it(github: GitHub) -> None:
    written(github, "plain")
    assert github.bodies() == [f"{MARKER}\nplain"]


def test_it_is_found_on_a_later_page(github: GitHub) -> None:
    for number in range(230):
        github.add(f"comment {number}", ANN)
    github.add(OURS, BOT)
    assert not written(github).created
    assert len(github.comments) == 231
    assert [path for path in github.requests if path.startswith("GET")] == [
        f"GET /repos/acme/infra/issues/12/comments?per_page=100&page={page}" for page in (1, 2, 3)
    ]


def test_another_authors_comment_with_our_marker_stays(github: GitHub) -> None:
    github.add(OURS, ANN)
    assert written(github).created
    assert github.bodies() == [OURS, f"{MARKER}\nnew"]


def test_a_bot_that_quotes_us_stays(github: GitHub) -> None:
    github.add(f"> {OURS}", BOT)
    assert written(github).created


def test_a_persons_token_finds_that_persons_comment(github: GitHub) -> None:
    github.me = ANN
    github.add(OURS, {"login": "bob", "type": "User"})
    github.add(OURS, ANN)
    assert not written(github).created
    assert github.bodies() == [OURS, f"{MARKER}\nnew"]


def test_a_comment_that_is_deleted_meanwhile_is_made_again(github: GitHub) -> None:
    github.add(OURS, BOT)
    github.gone = True
    assert written(github).created
    assert [path.split(" ")[0] for path in github.requests] == ["GET", "PATCH", "POST"]


@pytest.mark.parametrize("answer", [(502, {}), (500, {}), (0, {}), (429, {"Retry-After": "0"}), (403, {"Retry-After": "0"})])
def test_what_passes_is_tried_again(github: GitHub, answer: tuple[int, dict[str, str]]) -> None:
    github.answers = [answer, answer]
    assert written(github).created
    assert len(github.comments) == 1


def test_a_comment_that_was_made_without_an_answer_is_not_made_twice(github: GitHub) -> None:
    github.lost_answers = 1
    assert not written(github).created
    assert github.bodies() == [f"{MARKER}\nnew"]


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "is not accepted"), (403, "pull-requests: write"), (404, "no such pull request"), (422, "--output keeps"), (301, "moved"),
    ],
)  # fmt: skip
def test_what_github_refuses_says_what_to_do_and_not_the_token(
    github: GitHub, status: int, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    github.answers = [(status, {})] * 8
    with pytest.raises(InfraError, match=says) as caught:
        written(github)
    assert str(caught.value).startswith(f"acme/infra#12: GitHub answers {status} (Bad things with [secret])")
    assert github.token not in f"{caught.value!r}{caught.value.__cause__!r}{caplog.text}"
    assert len(github.requests) == 1


def test_what_does_not_pass_is_given_up(github: GitHub) -> None:
    github.answers = [(503, {})] * 8
    with pytest.raises(InfraError, match="GitHub answers 503, 4 times"):
        written(github)
    assert len(github.requests) == 4


def test_nobody_there(github: GitHub) -> None:
    with pytest.raises(InfraError, match=r"cannot be reached \(ConnectError\), 4 times"):
        written(github, GITHUB_API_URL="http://127.0.0.1:9")


def test_no_answer_in_time(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comment, "TIMEOUT_S", 0.2)
    github.delay_s = 0.6
    with pytest.raises(InfraError, match=r"no answer in 0\.2 s, 4 times"):
        written(github)


def test_a_report_of_any_size_is_taken(github: GitHub) -> None:
    body = as_comment(report(2000, EIGHT, kind="preview", not_clean=1.0), marker=MARKER)
    assert LIMIT * 0.5 < len(body) <= LIMIT
    written(github, body)
    assert github.bodies() == [body]


def test_what_is_too_long_is_not_sent(github: GitHub) -> None:
    with pytest.raises(InfraError, match="has 65,537 characters"):
        written(github, MARKER + "x" * (LIMIT + 1 - len(MARKER)))
    assert not github.requests


@pytest.mark.parametrize("token", ["", "  ", "ghs_canary\nX-Other: 1", "ghs_canäry", "ghs canary"])
def test_a_token_that_is_none(github: GitHub, token: str) -> None:
    with pytest.raises(UsageError, match="GITHUB_TOKEN") as caught:
        written(github, GITHUB_TOKEN=token)
    assert "can" not in str(caught.value).split("\n", 1)[0]


@pytest.mark.parametrize(
    "address",
    ["http://github.example.com", "ftp://x", "https://", "javascript:1", "https://ann:secret@x", "http://[", "http://127.0.0.1.evil.com"],
)
def test_an_address_that_would_tell_the_token(github: GitHub, address: str) -> None:
    with pytest.raises(UsageError, match="GITHUB_API_URL"):
        written(github, GITHUB_API_URL=address)


@pytest.mark.parametrize("name", ["", "acme", "acme/infra/../../x", "acme/..", "../infra", "acme/in fra", "acme/infra?x"])
def test_a_repository_that_is_none(github: GitHub, name: str) -> None:
    with pytest.raises(UsageError, match="GITHUB_REPOSITORY"):
        written(github, GITHUB_REPOSITORY=name)


@pytest.mark.parametrize(
    "event", [{"pull_request": {"number": 12}}, {"number": 12}, {"issue": {"number": 12}}, {"pull_request": {"number": 12}, "number": 3}]
)
def test_the_event_says_which_pull_request(github: GitHub, tmp_path: Path, event: Any) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event))
    assert publish("new", environ=environ(github, GITHUB_EVENT_PATH=str(path))).created
    assert github.requests[-1] == "POST /repos/acme/infra/issues/12/comments"


@pytest.mark.parametrize("content", ["{}", "[]", '{"number": "12"}', '{"number": true}', '{"pull_request": 3}', "not json", None])
def test_an_event_that_does_not_say(github: GitHub, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "event.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=r"which pull request|GITHUB_EVENT_PATH"):
        publish("new", environ=environ(github, GITHUB_EVENT_PATH=str(path)))
    with pytest.raises(UsageError, match="which pull request"):
        publish("new", environ=environ(github))


def test_a_number_that_is_given_comes_first(github: GitHub, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text('{"number": 99}')
    assert publish("new", number=12, environ=environ(github, GITHUB_EVENT_PATH=str(path))).created


def test_the_run_is_linked_where_there_is_one() -> None:
    known = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/infra", "GITHUB_RUN_ID": "7"}
    assert list(links(known).values()) == ["https://github.com/acme/infra/actions/runs/7"]
    assert links({}) == {}
