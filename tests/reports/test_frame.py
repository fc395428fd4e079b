"""Reports as tables of pandas and as CSV."""

import csv
import subprocess
import sys
from dataclasses import replace
from io import StringIO

import pytest

from infra_assets.reports.frame import COLUMNS, Axis, as_csv, frame, summary
from infra_assets.reports.matrix import Row
from tests.reports.reports import EIGHT, report, tep


def test_one_row_a_cell() -> None:
    found = report(30, kind="preview")
    table = frame(found)
    assert list(table.columns) == list(COLUMNS)
    assert [f"{project}/{tep}" for project, tep in zip(table["project"], table["tep"], strict=True)] == [row.name for row in found.rows]
    assert table["update"].sum() == sum(change.operation == "update" for row in found.rows for change in row.resources)


def test_drift_and_losses_are_counted() -> None:
    found = report(400, kind="drift", not_clean=1.0)
    table = frame(found)
    assert table["drift_delete"].sum() == sum(change.operation == "delete" for row in found.rows for change in row.drift)
    assert table["lost"].sum() > 0


def test_csv_reads_back_as_what_it_was() -> None:
    text = 'a,b "c"\nd'
    found = replace(report(0), rows=[Row(tep(0), "network", "deployed", "error", message=text, changes={"create": 2})])
    rows = list(csv.DictReader(StringIO(as_csv(found))))
    assert rows[0]["message"] == text
    assert rows[0] | {"create": "2", "replace": "0", "account": "100000000000", "duration_s": ""} == rows[0]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1"])
def test_no_text_is_a_formula(text: str) -> None:
    found = replace(report(0), rows=[Row(tep(0), text, "deployed", "error", message=text)])
    row = next(csv.DictReader(StringIO(as_csv(found))))
    assert (row["message"], row["project"]) == (f"'{text}", f"'{text}")


def test_no_rows() -> None:
    assert as_csv(report(0)) == ",".join(COLUMNS) + "\n"
    assert summary(report(0)).empty


@pytest.mark.parametrize("by", ["project", "ring", "environment"])
def test_summary(by: Axis) -> None:
    found = report(100, EIGHT)
    table = summary(found, by)
    assert table.to_numpy().sum() == 800
    assert {name: int(table[name].sum()) for name in table.columns} == found.summary
    if by == "project":
        assert list(table.index) == list(EIGHT)


def test_pandas_is_imported_only_when_it_is_used() -> None:
    rooms = ", ".join(f"infra_assets.reports.{name}" for name in ("frame", "table", "markdown"))
    said = f"import sys, {rooms}; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], check=False).returncode == 0
