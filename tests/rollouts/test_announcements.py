"""How an announcement reads: short, whatever the fleet's size, and harmless, whatever somebody wrote into it."""

import json
from datetime import UTC, datetime

import pytest

from infra_assets.rollouts.announcements import Announcement, as_json, as_slack_blocks, as_slack_text, as_text
from infra_assets.texts import listed

HALTED = Announcement(
    rollout_id="060beef53818",
    kind="halted",
    title="prod: rollout 060beef53818 halted",
    lines=["3 of 40 cells failed, 2 may", f"failed: {listed([f't{number}-prod' for number in range(43)], 2)}"],
    counts={"deployed": 12, "failed": 3, "skipped": 0, "to do": 1025},
    links={"runs": "https://dagster.example.com/runs?q=a&b=c", "commit": "https://example.com/commit/1"},
    severity="error",
    dedup_key="rollout/060beef53818",
    at=datetime(2026, 11, 21, 16, 44, tzinfo=UTC),
)


def texts(announcement: Announcement) -> list[str]:
    """Every text that Slack is given to show."""
    blocks = as_slack_blocks(announcement)
    return [block["text"]["text"] if block["type"] == "section" else block["elements"][0]["text"] for block in blocks]


@pytest.mark.parametrize(
    ("names", "shown", "text"),
    [
        ([], 2, ""),
        (["a"], 2, "a"),
        (["a", "b"], 2, "a, b"),
        (["a", "b", "c"], 2, "a, b and 1 more"),
        ([f"t{number}" for number in range(5000)], 2, "t0, t1 and 4,998 more"),
    ],
)
def test_a_list_of_teps_stays_short(names: list[str], shown: int, text: str) -> None:
    assert listed(names, shown) == text


def test_as_plain_text() -> None:
    assert as_text(HALTED) == (
        "prod: rollout 060beef53818 halted\n"
        "3 of 40 cells failed, 2 may\n"
        "failed: t0-prod, t1-prod and 41 more\n"
        "12 deployed · 3 failed · 1,025 to do\n"
        "runs: https://dagster.example.com/runs?q=a&b=c\n"
        "commit: https://example.com/commit/1"
    )


def test_as_slacks_blocks() -> None:
    assert texts(HALTED) == [
        "*prod: rollout 060beef53818 halted*",
        "3 of 40 cells failed, 2 may\nfailed: t0-prod, t1-prod and 41 more",
        "12 deployed · 3 failed · 1,025 to do",
        "<https://dagster.example.com/runs?q=a&amp;b=c|runs> · <https://example.com/commit/1|commit>",
    ]


def test_without_lines_counts_and_links_it_is_its_title() -> None:
    announcement = Announcement("a", "done", "prod is done", dedup_key="a")
    assert texts(announcement) == ["*prod is done*"]
    assert as_text(announcement) == "prod is done"


@pytest.mark.parametrize("place", ["title", "line", "count", "label"])
def test_nobody_is_mentioned_by_what_somebody_wrote(place: str) -> None:
    hostile = "<!channel> & <https://evil.example|here> <@U123>"
    announcement = Announcement(
        "a", "failed",
        title=hostile if place == "title" else "t",
        lines=[hostile] if place == "line" else [],
        counts={hostile: 2} if place == "count" else {},
        links={hostile: "https://example.com"} if place == "label" else {},
    )  # fmt: skip
    shown = "".join([*texts(announcement), as_slack_text(announcement)])
    assert "<!" not in shown
    assert "<@" not in shown
    assert "<https://evil" not in shown
    assert "&lt;!channel&gt; &amp; " in shown


def test_an_address_cannot_end_its_link_early() -> None:
    announcement = Announcement(
        "a", "done", "t", links={"x": "https://example.com/|y> <!channel>", "bad": "javascript:alert(1)", "": "https://a"}
    )
    assert texts(announcement)[-1] == "<https://example.com/%7Cy%3E %3C!channel%3E|x>"


def test_line_breaks_and_turned_writing_do_not_get_through() -> None:
    announcement = Announcement("a", "done", "one\ntwo\u202edesrever\x07", lines=["a\n\n\nb", "  "])
    assert as_text(announcement) == "one two desrever\na b"
    assert texts(announcement) == ["*one two desrever*", "a b"]


def test_what_slack_would_refuse_as_too_long_is_cut() -> None:
    announcement = Announcement("a", "failed", "t" * 1000, lines=["<" * 600] * 50, counts={str(n): n for n in range(3)})
    shown = texts(announcement)
    assert all(len(text) <= 3000 for text in shown)
    assert shown[0] == f"*{'t' * 199}…*"
    # 500 characters of a line, each four when it is escaped.
    first, rest = shown[1].split("\n")
    assert first == "&lt;" * 499 + "…"
    assert rest == "… and 49 lines more"


def test_it_is_stored_and_restored_as_json() -> None:
    assert Announcement.restored(json.loads(json.dumps(as_json(HALTED)))) == HALTED
    bare = Announcement("a", "started", "t", lines=[])
    assert Announcement.restored(json.loads(json.dumps(as_json(bare)))) == bare


def test_what_is_stored_wrongly_is_noticed() -> None:
    with pytest.raises((KeyError, TypeError)):
        Announcement.restored({"rollout_id": "a"})
