"""Comments: what is in them, that they fit, and that nothing in them comes alive."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from infra_assets.reports.changes import ResourceChange
from infra_assets.reports.headline import headline
from infra_assets.reports.markdown import LEAST, LIMIT, as_comment, as_markdown
from infra_assets.reports.markdown_text import NARROW, code, fence, html, link, prose
from infra_assets.reports.matrix import ERROR, Row
from infra_assets.reports.report import Report
from infra_assets.stacks.outcome import PropertyChange
from tests.reports.reports import EIGHT, report, tep

VERDICTS = ("changed", ERROR, "both", "maybe")
MARKER = "<!-- infra-preview -->"
READER = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
NASTY = (
    "@acme/admins", "#12", "acme/infra#12", "GH-12", "https://evil.example", "www.evil.example", "mailto:a@b.c", "<img src=x onerror=y>",
    "</details>", "<!-- ", "-->", "```", "````diff", "`", "``", "|", "\n", "\n\n", "# ", "- ", "1. ", "> ", "[x](javascript:y)", "![x](y)",
    "**", "__", "~~~", "\\", "&lt;", "&#64;ann", "\x1b[31m", "\u202e", "a", " ", "===", "---", "$x$", "\r", "\u2028", "]", ")", "(",
)  # fmt: skip
nasty = st.lists(st.sampled_from(NASTY) | st.text(max_size=4), max_size=8).map("".join)
HTML = re.compile(r"</?(?:details|summary|code)>|&(?:amp|lt|gt);|<!-- infra-preview -->")


def tokens(text: str) -> Iterator[Token]:
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def awake(text: str) -> list[str]:
    """Return what of a Markdown text GitHub would act on, besides links that are there on purpose."""
    found: list[str] = []
    links = 0
    for token in tokens(text):
        if token.type in ("html_inline", "html_block"):
            found += re.findall(r"[<>].*", HTML.sub("", token.content).replace("<code>", ""))
            found += re.findall(r"[@#]\w|://|www\.", re.sub(r"<code>.*?</code>", "", token.content))
        links += (token.type == "link_open") - (token.type == "link_close")
        if token.type == "text" and not links:
            found += re.findall(r"[@#]\w|GH-\d|://|\bwww\.", token.content)
        if token.type == "image" or (token.type == "link_open" and not str(token.attrs["href"]).startswith(("https://", "http://"))):
            found.append(str(token))
    return found


def balanced(text: str) -> bool:
    """Return whether all that is opened is closed, and in no other thing: after a closed fence no line is code."""
    opened = ""
    for line in text.splitlines():
        marks = re.match(r"`{3,}", line)
        if opened:
            opened = "" if line.strip() == opened else opened
        elif marks:
            opened = marks.group()
    shown = "".join(token.content for token in tokens(text) if token.type == "html_block")
    return not opened and shown.count("<details>") == shown.count("</details>") == shown.count("<summary>") == shown.count("</summary>")


def nasty_report(text: str, rows: int = 2, kind: Any = "preview") -> Report:
    change = ResourceChange(
        text, text, "replace", (PropertyChange(text, "update", text, [text]), PropertyChange(text, "add", None, text)), protected=True
    )
    found = [
        Row(tep(number), text if number % 2 else "network", "deployed", verdict=VERDICTS[number % 4], message=text, cause=text,
            resources=() if number % 4 else [change], drift=[replace(change, operation="delete")] if number % 3 == 1 else ())
        for number in range(rows)
    ]  # fmt: skip
    return replace(report(0, kind=kind), title=text, rows=found, about={text: text}, left_out=[text])


def test_the_headline_has_the_numbers() -> None:
    def changed(number: int, **changes: int) -> Row:
        return Row(tep(number), "network", "deployed", verdict="changed" if changes else "unchanged", changes=changes)

    rows = [*(changed(number, update=1, create=number % 2) for number in range(5)), changed(5, replace=1, delete=1), changed(6)]
    found = replace(report(0, kind="preview"), rows=[*rows, Row(tep(7), "network", "deployed", verdict=ERROR, message="no")])
    assert headline(found, lambda text: f"**{text}**") == (
        "1 project in 6 of 8 TEPs would change: 2 create, 5 update, **1 replace**, **1 delete**; 1 error"
    )


@pytest.mark.parametrize(
    ("kind", "verdict", "says"),
    [
        ("preview", "unchanged", "no change in 1 of 1 cell"),
        ("preview", "maybe", "1 cell in 1 of 1 TEP may change"),
        ("preview", "error", "no change in 0 of 1 cell; 1 error"),
        ("preview", "", "no change in 0 of 1 cell; 1 cell not checked"),
        ("drift", "in-sync", "no drift in 1 of 1 cell"),
        ("drift", "both", "1 cell in 1 of 1 TEP drifted; 1 cell in 1 of 1 TEP not applied"),
    ],
)
def test_headlines(kind: Any, verdict: str, says: str) -> None:
    assert headline(replace(report(0, kind=kind), rows=[Row(tep(0), "network", "deployed", verdict=verdict)])) == says
    assert headline(report(0)) == "no cell was looked at"


def test_a_comment() -> None:
    lost = ResourceChange("aws:rds/cluster:Cluster", "main", "replace", (PropertyChange("password", "update", "[secret]", "[secret]"),))
    rows = [Row(tep(number), "database", "deployed", "changed", resources=[lost], changes={"replace": 1}) for number in range(3)]
    rows.append(Row(tep(3), "database", "deployed", ERROR, message="no access\nat all"))
    text = as_comment(
        replace(report(0, kind="preview"), rows=rows, left_out=["cluster: removed"]), marker=MARKER, links={"whole report": "https://x/y"}
    )
    parts = (
        f"{MARKER}\n### Preview of 0 TEPs\n\n1 project in 3 of 4 TEPs would change: **3 replace**; 1 error\n",
        "#### ⚠️ Replaced or deleted, and cannot be made again\n\n- **replace** `aws:rds/cluster:Cluster` `main`, because of `password`",
        ", of `database` in `customer0000-prod`, `customer0000-test`, `customer0001-prod`\n",
        "#### Errors\n\n`database` in `customer0001-test`\n\n```text\nno access\nat all\n```\n",
        "#### Changes\n\n<details><summary><code>database</code>: same change in 3 TEPs ⚠️</summary>\n\n```diff\n",
        "± aws:rds/cluster:Cluster main (replace, holds what cannot be made again)\n~     password: [secret] → [secret]\n```\n\n</details>",
        "<details><summary>4 TEPs, 1 project</summary>\n\n| TEP | `database` |\n| --- | --- |\n| `customer0000-prod` | changed ±1 |\n",
        "#### Not looked at\n\n- cluster: removed\n",
        "---\n[whole report](https://x/y)\n",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert places[0] == 0


def test_what_changes_or_may_says_why() -> None:
    rows = [
        Row(tep(0), "a", "deployed", "changed", cause="after network", resources=[ResourceChange("t", "n", "create")]),
        *(Row(tep(number), "b", "deployed", "maybe", cause="commit 1a2b") for number in (1, 2)),
    ]
    text = as_comment(replace(report(0, kind="preview"), rows=rows))
    assert "a change in customer0000-prod</summary>\n\n`after network`\n\n```diff\n+ t n\n```" in text
    assert "#### May change\n\n- `b` in `customer0000-test`, `customer0001-prod`: `commit 1a2b`\n" in text


def test_a_drift_report_has_a_trend_and_what_is_not_applied() -> None:
    text = as_comment(report(40))
    assert "since 2026-03-01 06:00:" in text
    assert text.index("#### In the cloud, but not as it was left") < text.index("#### Not applied")


def test_a_big_matrix_has_what_is_not_clean() -> None:
    found = report(200, kind="preview", not_clean=0.01)
    assert re.search(r"<summary>\d TEPs, 3 projects, 19\d others clean</summary>", as_comment(found))
    assert "<summary>200 TEPs, 3 projects</summary>" in as_markdown(found)


def test_the_whole_report_is_whole_and_the_comment_says_where_it_is() -> None:
    found = report(2000, EIGHT, kind="preview", not_clean=1.0)
    whole = as_markdown(found)
    assert "Cut to fit" not in whole
    assert len(whole) > LIMIT
    assert balanced(whole)
    text = as_comment(found, links={"report": "https://x/y"})
    assert "**Cut to fit.** Not all is here of `the matrix`. The whole report: [report](https://x/y)" in text
    assert re.search(r"\| … [\d,]+ more \|", text)
    assert len(text) <= LIMIT


@settings(deadline=None)
@given(st.integers(0, 60), st.floats(0, 1), st.integers(LEAST, 30_000), st.sampled_from(["drift", "preview"]))
def test_a_cut_comment_fits_and_is_closed(teps: int, not_clean: float, limit: int, kind: Any) -> None:
    text = as_comment(report(teps, kind=kind, not_clean=not_clean), limit=limit, marker=MARKER, links={"report": "https://x/y"})
    assert len(text) <= limit
    assert balanced(text)
    assert text.startswith(f"{MARKER}\n### ")


@settings(deadline=None)
@given(nasty, st.integers(1, 7), st.sampled_from([LEAST, 6_000, LIMIT]), st.sampled_from(["drift", "preview"]))
def test_nothing_comes_alive(text: str, rows: int, limit: int, kind: Any) -> None:
    found = nasty_report(text, rows, kind)
    comment = as_comment(found, limit=limit, marker=MARKER, links={text: "https://x/y", "other": text})
    assert len(comment) <= limit
    assert balanced(comment)
    assert awake(comment) == []
    assert awake(as_markdown(found, links={text: text})) == []


def test_long_texts_fit() -> None:
    found = nasty_report("&" * 5000, 7)
    assert len(as_comment(found, limit=LEAST, marker=MARKER, links={"&" * 500: "https://x/" + "(" * 500, "x": "https://x/y"})) <= LEAST


@given(nasty)
def test_prose_is_one_harmless_line_that_reads_as_it_was(text: str) -> None:
    said = prose(text)
    assert "\n" not in said
    assert awake(f"- {said}") == []
    assert awake(f"<summary>{html(text)}</summary>") == []
    kinds = {token.type for token in tokens(f"x {said}")}
    assert kinds <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}


@given(nasty)
def test_code_is_code(text: str) -> None:
    inner = [token.type for token in tokens(f"x {code(text)} y") if token.type not in ("paragraph_open", "inline", "paragraph_close")]
    assert inner == ["text", "code_inline", "text"]
    cells = [token.type for token in tokens(f"| a | b |\n| --- | --- |\n| {code(text, table=True)} | y |")]
    assert cells.count("td_open") == 2
    assert cells.count("code_inline") == 1


@given(nasty)
def test_a_fence_is_not_closed_from_within(text: str) -> None:
    lines = text.splitlines()
    marks = fence("\n".join(lines))
    assert [token.type for token in tokens("\n".join([f"{marks}text", *lines, marks]))] == ["fence"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain text", "plain text"),
        ("@ann", f"@{NARROW}ann"),
        ("a#12 GH-1", f"a#{NARROW}12 GH-{NARROW}1"),
        ("https://x", f"https:{NARROW}//x"),
        ("<b>|*x*", "&lt;b&gt;\\|\\*x\\*"),
        ("1. x", "1\\. x"),
        ("a\nb", "a\\\\nb"),
    ],
)
def test_prose(text: str, said: str) -> None:
    assert prose(text) == said


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:x", "//x", "https://", "x", "https://[", ""])
def test_what_is_no_address_is_no_link(address: str) -> None:
    assert not any(token.type == "link_open" for token in tokens(link("label", address)))


def test_a_link_stays_within_itself() -> None:
    found = tokens(link("a]b", "https://x/a) [y](z) <b>"))
    assert [str(token.attrs["href"]) for token in found if token.type == "link_open"] == ["https://x/a%29%20%5By%5D%28z%29%20%3Cb%3E"]
