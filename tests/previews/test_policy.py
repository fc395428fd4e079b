"""What makes a check fail, and in which words it says so."""

from dataclasses import replace

import pytest

from infra_assets.errors import UsageError
from infra_assets.previews.policy import WORDS, FailOn, parse
from infra_assets.reports.changes import ResourceChange
from infra_assets.reports.matrix import CLEAN, DRIFTED, ERROR, IN_SYNC, PENDING, UNCHANGED, Row
from infra_assets.reports.report import Report
from tests.reports.reports import report, tep

REPLACED = ResourceChange("aws:ec2/vpc:Vpc", "main", "replace")
GONE = ResourceChange("aws:s3/bucket:Bucket", "logs", "delete")


def of(*rows: Row) -> Report:
    return replace(report(0), rows=rows)


def row(verdict: str, **values: object) -> Row:
    return Row(tep(0), "network", "deployed", verdict=verdict, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("error",)), (" , ", ("error",)), ("Replace, delete,,replace", ("replace", "delete")), ("none", ()), ("any", ("any",)),
    ],
)  # fmt: skip
def test_words(text: str, words: tuple[str, ...]) -> None:
    assert parse(text) == FailOn(words)


def test_unknown_words_are_named_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="--fail-on replaces, destroy: unknown") as caught:
        parse("replaces,error,destroy")
    assert all(word in str(caught.value) for word in (*WORDS, "none"))


def test_none_stands_alone() -> None:
    with pytest.raises(UsageError, match="none stands alone"):
        parse("none,error")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row(UNCHANGED)], set()),
        ([row(IN_SYNC)], set()),
        ([row(ERROR)], {"error", "any"}),
        ([row("")], {"error", "any"}),
        ([row("changed", changes={"create": 2, "update": 1})], {"create", "update", "any"}),
        ([row("changed", resources=[REPLACED])], {"replace", "any"}),
        ([row("changed", resources=[replace(REPLACED, protected=True)])], {"replace", "stateful", "any"}),
        ([row("maybe")], {"any"}),
        ([row(DRIFTED, drift=[GONE])], {"drift", "delete", "stateful", "any"}),
        ([row(PENDING)], {"pending", "any"}),
        ([row("both")], {"pending", "drift", "any"}),
        ([row("something new")], {"error", "any"}),
    ],
)
def test_what_fails(rows: list[Row], words: set[str]) -> None:
    assert {word for word in WORDS if parse(word).verdict(of(*rows))} == words
    assert not parse("none").verdict(of(*rows))


def test_reasons_have_numbers_and_the_first_cells() -> None:
    rows = [Row(tep(number), "network", "deployed", verdict="changed", resources=[REPLACED, REPLACED]) for number in range(5)]
    assert parse("replace,error,any").verdict(of(*rows)) == [
        "replace: 10 resources to replace: network/customer0000-prod, network/customer0000-test, network/customer0001-prod and 2 more",
        "any: 5 cells not clean: network/customer0000-prod, network/customer0000-test, network/customer0001-prod and 2 more",
    ]


def test_any_is_what_needs_attention() -> None:
    found = report(40, kind="preview")
    number = sum(row.verdict not in CLEAN for row in found.rows)
    assert parse("any").verdict(found)[0].startswith(f"any: {number} cells")
    assert len(found.attention) == number
