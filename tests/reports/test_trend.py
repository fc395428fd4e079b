"""What is new, gone and still so since the check before, and the history of a cell."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from infra_assets.fleet.models import Ring, Tep
from infra_assets.reports.matrix import LETTERS, Row
from infra_assets.reports.report import Report, Trend
from infra_assets.reports.trend import extended, trend

AT = datetime(2026, 11, 29, 2, tzinfo=UTC)
ACME = Tep("acme", "prod", Ring.REGULAR, "us-east-1", "111111111111", "x")


def rows(verdicts: Mapping[str, str]) -> list[Row]:
    return [Row(ACME, project, "deployed", verdict) for project, verdict in verdicts.items()]


def compared(before: Mapping[str, str], now: Mapping[str, str]) -> Trend:
    found = trend(Report("r1", "drift", "Drift", AT, rows(before)), rows(now))
    assert found is not None
    return found


def test_without_a_check_before_there_is_none() -> None:
    assert trend(None, rows({"network": "drifted"})) is None


def test_what_is_new_gone_and_still() -> None:
    found = compared(
        {"a": "in-sync", "b": "drifted", "c": "error", "d": "drifted", "e": "in-sync", "f": "pending"},
        {"a": "drifted", "b": "drifted", "c": "in-sync", "e": "in-sync", "g": "error", "f": "both"},
    )
    assert found.before_id == "r1"
    assert found.before_at == AT
    assert found.new == ["a/acme-prod", "g/acme-prod", "f/acme-prod"]
    assert found.gone == ["c/acme-prod", "d/acme-prod"]
    assert found.still == ["b/acme-prod"]
    assert found.moved


@pytest.mark.parametrize("verdict", ["drifted", "error", "both", "changed", "maybe"])
def test_the_same_verdict_is_still_so(verdict: str) -> None:
    found = compared({"a": verdict}, {"a": verdict})
    assert (found.new, found.gone, found.still) == ([], [], ["a/acme-prod"])
    assert not found.moved


def test_a_cell_that_was_not_looked_at_is_not_taken_for_mended() -> None:
    found = compared({"a": "drifted", "b": "in-sync"}, {"a": "", "b": ""})
    assert (found.new, found.gone, found.still) == ([], [], ["a/acme-prod"])


def test_a_history_grows_and_forgets_the_oldest() -> None:
    assert extended("", "in-sync") == "i"
    assert extended("id", "") == "id."
    assert extended("id.", "error", limit=3) == "d.e"
    assert len(extended("i" * 50, "drifted")) == 30


def test_every_verdict_has_a_letter() -> None:
    assert [extended("", verdict) for verdict in LETTERS] == list(LETTERS.values())
    with pytest.raises(KeyError):
        extended("", "no such verdict")
