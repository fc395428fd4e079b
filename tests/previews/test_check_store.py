"""Checks in the database."""

from datetime import timedelta
from pathlib import Path

import pytest

from infra_assets.errors import UsageError
from infra_assets.fleet.database import connect, now
from infra_assets.previews.models import Asked, CheckState
from infra_assets.previews.store import REPORTING_S, CheckStore, new_id
from tests.previews.checks import BEGAN, add, begin, check
from tests.rollouts.house import Clock


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> CheckStore:
    return CheckStore(connect(f"sqlite:///{tmp_path / 'infra.db'}"))


def test_what_is_stored_is_read_again(store: CheckStore) -> None:
    of = begin(store, check(about={"TEPs": "all 2", "environments": "as they are live"}, left_out=["x"]), {"c2-prod": 60})
    assert store.get(of.id) == of
    assert [cell.name for cell in store.cells(of.id)] == ["account/c1-prod", "network/c1-prod", "account/c2-prod", "network/c2-prod"]
    assert [(each.tep, each.state, each.due_at - BEGAN) for each in store.requests(of.id)] == [
        ("c1-prod", Asked.WAITING, timedelta(0)),
        ("c2-prod", Asked.WAITING, timedelta(seconds=60)),
    ]


def test_a_check_is_found_by_how_its_id_begins_and_last_is_the_newest_that_is_done(store: CheckStore) -> None:
    old, newer = add(store, check("20261129T020000Z-aaaaaa")), add(store, check("20261130T020000Z-bbbbbb", kind="preview"))
    begin(store, check("20261201T020000Z-cccccc"))
    assert store.get("20261129") == old
    assert (store.get("last"), store.get("last", "drift")) == (newer, old)


@pytest.mark.parametrize(("asked", "said"), [("2026", "several checks begin with '2026'"), ("nope", "no check 'nope'"), ("", "no check ''"),
                                             ("%", "no check '%'")])  # fmt: skip
def test_an_id_of_none_or_of_several_is_refused(store: CheckStore, asked: str, said: str) -> None:
    add(store, check("20261129T020000Z-aaaaaa"))
    add(store, check("20261130T020000Z-bbbbbb"))
    with pytest.raises(UsageError) as refused:
        store.get(asked)
    assert refused.value.message == said
    assert "infra checks lists them" in refused.value.remedy


def test_last_of_a_kind_that_was_never_done_is_refused(store: CheckStore) -> None:
    add(store, check(kind="preview"))
    with pytest.raises(UsageError, match="no check 'last'"):
        store.get("last", "drift")


def test_ids_sort_by_time_and_name_a_report(store: CheckStore) -> None:
    from infra_assets.reports.artifacts import made_at

    early, late = new_id(BEGAN), new_id(BEGAN + timedelta(seconds=1))
    assert early < late
    assert made_at(early) == BEGAN


def test_a_check_ends_once(store: CheckStore) -> None:
    of = begin(store, check())
    assert store.end(of.id, CheckState.DONE)
    assert not store.end(of.id, CheckState.STOPPED)
    assert store.get(of.id).state == CheckState.DONE
    assert store.get(of.id).finished_at is not None


def test_one_of_two_reports_a_check_and_another_takes_over_who_died_with_it(store: CheckStore, clock: Clock) -> None:
    of = add(store, check())
    assert [store.begin_report(of.id) for _ in range(2)] == [True, False]
    clock.forward(REPORTING_S - 5)
    assert not store.begin_report(of.id)
    clock.forward(10)
    assert store.begin_report(of.id)
    store.end_report(of.id, {"new": []}, {("c1-prod", "network"): "id"})
    clock.forward(REPORTING_S + 5)
    assert not store.begin_report(of.id)
    assert {cell.name: cell.history for cell in store.cells(of.id)}["network/c1-prod"] == "id"
    assert store.opened() == []


def test_a_request_changes_only_as_it_was_read(store: CheckStore) -> None:
    request = store.requests(begin(store, check()).id)[0]
    assert store.set_request(request, state=Asked.ASKED.value)
    assert not store.set_request(request, state=Asked.ENDED.value)


def test_what_nobody_came_to_is_an_error_and_what_was_found_stands(store: CheckStore) -> None:
    of = begin(store, check())
    store.set_cell(of.id, "c1-prod", "account", verdict="in-sync")
    store.fail_unseen(of.id, "c1-prod", "its run ended", "run1")
    assert [(cell.verdict, cell.message) for cell in store.cells(of.id, "c1-prod")] == [("in-sync", ""), ("error", "its run ended")]
    assert store.counts(of.id)[""] == 2


def test_what_is_to_be_repaired_is_what_the_newest_look_says_and_an_error_is_no_look(store: CheckStore) -> None:
    add(store, check("20261129T020000Z-aaaaaa"), {"network/c1-prod": "drifted", "network/c2-prod": "both", "account/c1-prod": "drifted"})
    add(store, check("20261130T020000Z-bbbbbb"), {"network/c1-prod": "error", "network/c2-prod": "in-sync", "account/c1-prod": "drifted"})
    add(store, check("20261201T020000Z-cccccc", kind="preview"), {"account/c1-prod": "same"})
    found = store.to_repair()
    assert {key: cell.check_id for key, cell in found.items()} == {
        ("c1-prod", "network"): "20261129T020000Z-aaaaaa",
        ("c1-prod", "account"): "20261130T020000Z-bbbbbb",
    }


def test_old_checks_are_forgotten_but_for_the_newest_of_each_kind(store: CheckStore) -> None:
    for day in range(1, 5):
        add(store, check(f"2026110{day}T020000Z-aaaaaa", created_at=now() - timedelta(days=40 - day)))
    add(store, check("20261101T030000Z-pppppp", kind="preview", created_at=now() - timedelta(days=39)))
    assert sorted(store.prune(now() - timedelta(days=30), 2)) == ["20261101T020000Z-aaaaaa", "20261102T020000Z-aaaaaa"]
    assert [each.id[:8] for each in store.checks()] == ["20261104", "20261103", "20261101"]
    assert store.cells("20261101T020000Z-aaaaaa") == store.requests("20261101T020000Z-aaaaaa") == []
