"""What a terminal shows."""

import re
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from infra_assets.reports.changes import ResourceChange
from infra_assets.reports.matrix import ERROR, Row
from infra_assets.reports.report import Report
from infra_assets.reports.table import one_line_a_cell, tables
from infra_assets.stacks.outcome import PropertyChange
from tests.reports.reports import report, tep


def shown(found: Report, *, colours: bool = False) -> str:
    console = Console(width=200, record=True, force_terminal=colours, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(*tables(found), sep="\n")
    return console.export_text(styles=colours)


def of(*rows: Row, **values: Any) -> Report:
    return replace(report(0, kind="preview"), rows=rows, trend=None, **values)


def row(number: int, *changes: ResourceChange, **values: Any) -> Row:
    return Row(tep(number), "network", "deployed", **({"verdict": "changed", "resources": changes} | values))


LOST = ResourceChange("aws:rds/cluster:Cluster", "main", "replace", (PropertyChange("engineVersion", "update", "14", "15"),))
VPC = ResourceChange("aws:ec2/vpc:Vpc", "main", "update", (PropertyChange("tags.Name", "update", "a", "[bold]b[/bold]"),))


def test_what_is_lost_stands_on_top_in_red() -> None:
    found = of(*(row(number, VPC) for number in range(4)), row(4, VPC, LOST))
    text = shown(found)
    assert text.index("cannot be made again") < text.index("changes\n") < text.index("┃ TEP")
    assert "  ± aws:rds/cluster:Cluster main (replace, holds what cannot be made again) of network in customer0002-prod" in text
    assert re.search(r"\x1b\[1;31mreplaced or deleted, and cannot be made again", shown(found, colours=True))


def test_groups_and_their_lines() -> None:
    text = shown(of(*(row(number, VPC) for number in range(4)), row(4, replace(VPC, name="other"))))
    assert "network: same change in 4 TEPs; 1 other differs: customer0002-prod\n    ~ aws:ec2/vpc:Vpc main\n" in text
    assert "    ~     tags.Name: a → [bold]b[/bold]\n" in text
    assert text.rstrip().endswith("1 project in 5 of 5 TEPs would change: 5 update")


def test_errors_have_their_message() -> None:
    text = shown(of(*(row(number, verdict=ERROR, message=f"{tep(number).name}: no\nway") for number in range(7))))
    assert "errors\n  network in 7 TEPs: customer0000-prod, " in text
    assert "    customer0000-prod: no\n    way\n" in text


def test_what_changes_or_may_says_why() -> None:
    text = shown(of(row(0, VPC, cause="after network"), row(1, verdict="maybe", cause="commit 1a2b → 3c4d"), row(2, verdict="maybe")))
    assert "network: a change in customer0000-prod\n    after network\n    ~ aws" in text
    assert (
        "may change\n  network in customer0000-test: commit 1a2b → 3c4d\n  network in customer0001-prod: what is upstream changes\n" in text
    )


def test_a_big_matrix_has_what_is_not_clean() -> None:
    rows = [row(number, verdict="unchanged") for number in range(40)]
    assert shown(of(*rows)).count("unchanged") == 40
    text = shown(of(*rows, row(40, VPC)))
    assert text.count("unchanged") == 0
    assert "40 other TEPs are clean" in text
    assert "41 TEPs are clean" in shown(of(*rows, row(40, verdict="same")))
    assert "┃" not in shown(of(*rows, row(40, verdict="same")))


def test_much_is_counted() -> None:
    rows = [row(number, replace(VPC, name=f"name{number}")) for number in range(50)]
    assert "… and 20 other changes" in shown(of(*rows))
    errors = [row(number, verdict=ERROR, message=f"error {'x' * number}") for number in range(30)]
    assert "… and 10 other errors" in shown(of(*errors))


def test_a_drift_report() -> None:
    text = shown(report(20, left_out=["cluster of b-prod: queued"]))
    assert text.index("in the cloud, but not as it was left") < text.index("not applied\n")
    assert "not looked at\n  cluster of b-prod: queued" in text
    assert "since 2026-03-01 06:00:" in text


def test_nothing_moves_the_cursor() -> None:
    evil = "\x1b[2J\x07\u202e\r\nx"
    change = ResourceChange(evil, evil, "replace", (PropertyChange(evil, "update", evil, [evil]),), protected=True)
    found = of(
        replace(row(0, change), project=evil), row(1, verdict=ERROR, message=evil), title=evil, about={evil: evil}, left_out=[evil]
    )  # fmt: skip
    assert not re.search("[\x1b\x07\r\u202e]", shown(found))
    assert one_line_a_cell(found).count("\n") == 2


@pytest.mark.parametrize(
    ("verdict", "number"), [("unchanged", 0), ("same", 0), ("in-sync", 0), ("changed", 1), ("error", 1), ("", 1), ("maybe", 1)]
)
def test_a_line_a_cell(verdict: str, number: int) -> None:
    assert one_line_a_cell(of(row(0, verdict=verdict))) == f"network/customer0000-prod\t{number}\n"


def test_no_rows() -> None:
    assert shown(of()).rstrip().endswith("no cell was looked at")
    assert one_line_a_cell(of()) == ""
