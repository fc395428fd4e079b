"""From checks to reports: the whole matrix, and how it compares with the checks before."""

from datetime import timedelta

import pytest

from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Ring, Tep
from infra_assets.previews.finishing import artifacts, finisher
from infra_assets.previews.models import Check, CheckedCell, CheckState
from infra_assets.previews.reporting import Reporter, row
from infra_assets.previews.store import CheckStore
from infra_assets.reports.report import Report
from tests.previews.checks import BEGAN, add, begin, check
from tests.rollouts.house import House

TEPS = {name: Tep(name[:2], "prod", Ring.REGULAR, "us-east-1", f"{number:012d}", "x") for number, name in
        enumerate(("c1-prod", "c2-prod", "c3-prod"))}  # fmt: skip


@pytest.fixture
def reporter(house: House) -> Reporter:
    return Reporter(house.settings, TEPS, "http://dagster")


def compared(reporter: Reporter, of: Check) -> Report:
    """Finish a check as its conductor does."""
    report, histories = reporter.compared(of)
    reporter.store.end_report(of.id, report.trend.as_json() if report.trend else None, histories)
    return reporter.report(reporter.store.get(of.id))


def night(reporter: Reporter, number: int, *teps: str, about: str = "", **verdicts: str) -> Report:
    """A drift check of the third, fourth, … night, `c1_prod=drifted` of network."""
    told = {f"network/{name.replace('_', '-')}": verdict for name, verdict in verdicts.items()}
    names = teps or tuple(TEPS)
    scope = {"TEPs": about or f"all {len(names)}"}
    began = BEGAN + timedelta(days=number)
    return compared(reporter, add(reporter.store, check(f"{began:%Y%m%dT%H%M%SZ}-aaaaaa", *names, about=scope, created_at=began), told))


def history(report: Report, name: str) -> str:
    return next(row.history for row in report.rows if row.name == name)


def test_what_was_found_not_to_be_concerned_has_no_duration() -> None:
    times = {"started_at": BEGAN, "finished_at": BEGAN + timedelta(seconds=3)}
    took = {
        verdict: row(CheckedCell("c", "c1-prod", "network", 1, verdict=verdict, **times), TEPS["c1-prod"]).duration_s
        for verdict in ("changed", "same", "unchanged", "error")
    }
    assert took == {"changed": 3, "same": 3, "unchanged": None, "error": 3}


def test_a_preview_shows_the_whole_matrix_with_what_it_does_not_concern(reporter: Reporter, house: House) -> None:
    number = house.ledger.begin(("c2-prod", "network"), "up", {})
    house.ledger.finish(number, "failed")
    of = check(kind="preview")
    reporter.store.add(of, [CheckedCell(of.id, "c1-prod", "network", 1, verdict="changed", state="deployed", changes={"update": 2})], [])
    report = reporter.report(of)
    assert [(row.name, row.verdict, row.state) for row in report.rows] == [
        ("account/c1-prod", "unchanged", "never"),
        ("network/c1-prod", "changed", "deployed"),
        ("account/c2-prod", "unchanged", "never"),
        ("network/c2-prod", "unchanged", "failed"),
    ]
    assert (report.summary, report.dagster_url) == ({"changed": 1, "unchanged": 3}, "http://dagster")


def test_a_drift_check_shows_the_cells_that_it_is_of(reporter: Reporter) -> None:
    of = check("20261129T020000Z-aaaaaa", "c1-prod")
    reporter.store.add(of, [], [])
    assert reporter.report(of).rows == []


def test_what_is_not_looked_at_yet_is_queued_and_no_verdict(reporter: Reporter) -> None:
    report = reporter.report(begin(reporter.store, check("20261129T020000Z-aaaaaa", "c1-prod")))
    assert [(row.verdict, row.state) for row in report.rows] == [("", "queued")] * 2


def test_a_tep_that_left_the_fleet_and_a_stop_are_told(reporter: Reporter) -> None:
    of = begin(reporter.store, check("20261129T020000Z-aaaaaa", "c1-prod", "gone-prod", left_out=["queue cannot be loaded"]))
    reporter.store.end(of.id, CheckState.STOPPED)
    assert reporter.report(reporter.store.get(of.id)).left_out == [
        "queue cannot be loaded",
        "gone-prod is not in the fleet any more",
        "it was stopped before its end: what was not looked at is an error",
    ]


def test_a_cells_history_is_a_letter_for_each_check(reporter: Reporter) -> None:
    night(reporter, 1)
    night(reporter, 2, c1_prod="drifted", c2_prod="pending")
    report = night(reporter, 3, c1_prod="both", c2_prod="error")
    assert history(report, "network/c1-prod") == "idb"
    assert history(report, "network/c2-prod") == "ipe"
    assert history(report, "account/c1-prod") == "iii"


def test_a_trend_says_what_is_new_gone_and_still_so(reporter: Reporter) -> None:
    assert night(reporter, 1, c1_prod="drifted", c2_prod="drifted").trend is None
    trend = night(reporter, 2, c1_prod="drifted", c3_prod="error").trend
    assert trend is not None
    assert (trend.new, trend.gone, trend.still) == (["network/c3-prod"], ["network/c2-prod"], ["network/c1-prod"])
    assert (trend.before_id[:8], trend.moved) == ("20261130", True)
    again = night(reporter, 3, c1_prod="drifted", c3_prod="error").trend
    assert again is not None
    assert not again.moved


def test_a_look_at_a_part_of_the_fleet_in_between_changes_nothing_of_the_next_night(reporter: Reporter) -> None:
    night(reporter, 1, c1_prod="drifted", c2_prod="drifted")
    part = night(reporter, 2, "c1-prod", about="1 of 3", c1_prod="in-sync")
    assert part.trend is not None
    assert (part.trend.new, part.trend.gone, part.trend.still) == ([], ["network/c1-prod"], [])
    assert history(part, "network/c1-prod") == "di"
    whole = night(reporter, 3, c1_prod="drifted", c2_prod="drifted")
    assert whole.trend is not None
    assert (whole.trend.moved, whole.trend.before_id[:8]) == (False, "20261130")
    assert history(whole, "network/c2-prod") == "dd"


def test_a_look_at_what_no_check_has_looked_at_compares_with_none(reporter: Reporter) -> None:
    night(reporter, 1, "c1-prod", about="1 of 3")
    assert night(reporter, 2, "c2-prod", about="1 of 3", c2_prod="drifted").trend is None


def test_a_check_that_was_stopped_is_none_that_others_are_compared_with(reporter: Reporter) -> None:
    night(reporter, 1, c1_prod="drifted")
    of = begin(reporter.store, check("20261201T020000Z-aaaaaa", *TEPS))
    reporter.store.end(of.id, CheckState.STOPPED)
    report = night(reporter, 3, c1_prod="drifted")
    assert report.trend is not None
    assert report.trend.before_id[:8] == "20261130"


def test_previews_have_no_trend(reporter: Reporter) -> None:
    add(reporter.store, check(kind="preview"))
    later = add(reporter.store, check("20261130T020000Z-aaaaaa", kind="preview"))
    assert reporter.compared(later)[1] == {}
    assert reporter.compared(later)[0].trend is None


def test_finishing_keeps_the_report_in_every_form_and_forgets_what_is_old(house: House) -> None:
    house.fleet("c1", "c2")
    store = CheckStore(connect(house.settings.database_url))
    old = [add(store, check(f"202601{day:02d}T020000Z-aaaaaa", created_at=BEGAN - timedelta(days=300 - day))) for day in range(1, 13)]
    of = add(store, check(), {"network/c1-prod": "drifted"})
    finisher(house.settings, house.planner.registry)(of)
    kept = artifacts(house.settings)
    assert [item.name for item in kept.list()] == [f"{of.id}/report.{form}" for form in ("csv", "html", "json", "md")]
    assert b"network" in (kept.get(f"{of.id}/report.csv") or b"")
    assert (store.get(of.id).reported, store.cells(of.id)[0].history) == (True, "i")
    assert [each.id for each in store.checks()] == [of.id, *(each.id for each in reversed(old[-9:]))]
