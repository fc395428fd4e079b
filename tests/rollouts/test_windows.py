"""When a deployment may start."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_assets.fleet.models import Ring, Tep
from infra_assets.planning.calendar import DAYS, Freeze, Window
from infra_assets.planning.targets import Target
from infra_assets.rollouts.windows import Blocked, blocked

TEP = Tep("acme", "prod", Ring.REGULAR, "us-east-1", "111111111111", "x")
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Beirut",
]
OFFICE = {"days": ["mon-fri"], "from": "09:00", "to": "17:00", "zone": "Europe/Berlin"}


def target(*windows: dict[str, Any]) -> Target:
    return Target.model_validate({"name": "prod", "branch": "prod", "environments": ["prod"], "windows": list(windows)})


def freeze(**fields: Any) -> Freeze:
    return Freeze.model_validate({name.replace("since", "from"): value for name, value in fields.items()})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def until(*windows: dict[str, Any], now: str) -> datetime | str:
    """When it may start: the time of the next opening, or `now`."""
    found = blocked(TEP, target(*windows), [], at(now))
    if found is None:
        return "now"
    assert found.until is not None
    return found.until


def test_without_windows_and_freezes_always() -> None:
    assert blocked(TEP, None, [], at("2026-06-01T12:00+00:00")) is None
    assert blocked(TEP, target(), [], at("2026-06-01T12:00+00:00")) is None


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-06-01T09:00+02:00", "now"),  # a Monday
        ("2026-06-01T16:59:59+02:00", "now"),
        ("2026-06-01T17:00+02:00", at("2026-06-02T09:00+02:00")),
        ("2026-06-01T08:59+02:00", at("2026-06-01T09:00+02:00")),
        ("2026-06-05T17:00+02:00", at("2026-06-08T09:00+02:00")),
        ("2026-03-27T18:00+01:00", at("2026-03-30T09:00+02:00")),  # the clock changes on that Sunday
        ("2026-10-23T18:00+02:00", at("2026-10-26T09:00+01:00")),
    ],
)
def test_office_hours(now: str, opens: datetime | str) -> None:
    assert until(OFFICE, now=now) == opens


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-06-06T23:00+00:00", "now"),  # Saturday night
        ("2026-06-07T03:59+00:00", "now"),  # which lasts into Sunday
        ("2026-06-07T04:00+00:00", at("2026-06-13T22:00+00:00")),
        ("2026-06-05T23:00+00:00", at("2026-06-06T22:00+00:00")),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_opens_on(now: str, opens: datetime | str) -> None:
    assert until({"days": "sat", "from": "22:00", "to": "04:00"}, now=now) == opens


def test_of_several_windows_the_next_one_counts() -> None:
    night = {"days": "sun", "from": "01:00", "to": "05:00"}
    assert until(OFFICE, night, now="2026-06-05T18:00+02:00") == at("2026-06-07T01:00+00:00")
    assert until(OFFICE, night, now="2026-06-07T02:00+00:00") == "now"


def test_hours_that_the_clock_skips_or_has_twice() -> None:
    early = {"from": "02:15", "to": "02:45", "zone": "Europe/Berlin"}
    # On 2026-03-29 Berlin goes from 02:00 to 03:00: there is no such half hour that day.
    assert until(early, now="2026-03-28T12:00+01:00") == at("2026-03-30T02:15+02:00")
    longer = {"from": "02:15", "to": "03:10", "zone": "Europe/Berlin"}
    assert until(longer, now="2026-03-28T12:00+01:00") == at("2026-03-29T03:00+02:00")
    assert until(longer, now="2026-03-29T03:09+02:00") == "now"
    # On 2026-10-25 it goes from 03:00 back to 02:00: from the first 02:15 to the second 02:45.
    assert until(early, now="2026-10-25T02:15+02:00") == "now"
    assert until(early, now="2026-10-25T02:44+01:00") == "now"
    assert until(early, now="2026-10-25T02:45+01:00") == at("2026-10-26T02:15+01:00")


def test_a_whole_weekend_is_one() -> None:
    weekend = {"days": ["fri-sun"], "zone": "Europe/Berlin"}
    assert until(weekend, now="2026-06-07T23:59:59+02:00") == "now"
    assert until(weekend, now="2026-06-08T00:00+02:00") == at("2026-06-12T00:00+02:00")


def test_the_reason_names_the_target_and_its_windows() -> None:
    found = blocked(TEP, target(OFFICE, {"days": ["sat", "sun"]}), [], at("2026-06-05T18:00+02:00"))
    assert found is not None
    assert found.reason == "outside the windows of target prod: mon-fri 09:00-17:00 Europe/Berlin; sat-sun 00:00-24:00 UTC"


@pytest.mark.parametrize(
    ("now", "held"),
    [("2026-12-19T23:59:59+00:00", False), ("2026-12-20T00:00+00:00", True), ("2027-01-03T23:59:59+00:00", True),
     ("2027-01-04T00:00+00:00", False)],
)  # fmt: skip
def test_a_freeze_includes_its_last_day(now: str, held: bool) -> None:
    holidays = freeze(since=date(2026, 12, 20), until="2027-01-03", reason="holidays")
    expected = Blocked("freeze: holidays", at("2027-01-04T00:00+00:00")) if held else None
    assert blocked(TEP, None, [holidays], at(now)) == expected


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({}, True),
        ({"environments": ["pr*"]}, True),
        ({"environments": ["dev", "prod"], "tenants": ["acme"]}, True),
        ({"environments": ["dev"], "tenants": ["acme"]}, False),
        ({"tenants": ["other"]}, False),
        ({"targets": ["prod"]}, True),
        ({"targets": ["prod-*"]}, False),
    ],
)
def test_a_freeze_concerns_what_matches_all_that_it_names(fields: dict[str, Any], held: bool) -> None:
    assert (blocked(TEP, target(), [freeze(**fields)], at("2026-06-01T12:00+00:00")) is not None) is held


def test_a_freeze_of_a_target_does_not_concern_who_has_none() -> None:
    assert blocked(TEP, None, [freeze(targets=["*d*"])], at("2026-06-01T12:00+00:00")) is None


def test_a_freeze_wins_and_of_several_the_longest_one() -> None:
    now = at("2026-06-06T12:00+02:00")
    short, long = freeze(until="2026-06-07 12:00", reason="short"), freeze(until="2026-06-09", reason="long")
    assert blocked(TEP, target(OFFICE), [short, long], now) == Blocked("freeze: long", at("2026-06-10T00:00+00:00"))
    assert blocked(TEP, target(OFFICE), [short, freeze(), long], now) == Blocked("freeze", None)


def test_a_freeze_in_a_zone_or_with_an_offset() -> None:
    begins = at("2026-12-20T00:00-05:00")
    eastern = freeze(since="2026-12-20", zone="America/New_York")
    offset = freeze(since=datetime.fromisoformat("2026-12-20T00:00-05:00"), zone="Asia/Kolkata")
    for each in (eastern, offset):
        assert blocked(TEP, None, [each], begins) is not None
        assert blocked(TEP, None, [each], begins - timedelta(seconds=1)) is None


minutes = st.integers(0, 24 * 60 - 1).map(lambda value: f"{value // 60:02}:{value % 60:02}")
moments = st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the zone is given beside them


@st.composite
def some_windows(draw: st.DrawFn) -> dict[str, Any]:
    start, end = draw(st.lists(minutes, min_size=2, max_size=2, unique=True))
    days = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=7))
    return {"days": days, "from": start, "to": end, "zone": draw(st.sampled_from(ZONES))}


@given(windows=st.lists(some_windows(), min_size=1, max_size=3), now=moments)
def test_a_closed_window_opens_when_it_says_and_not_before(windows: list[dict[str, Any]], now: datetime) -> None:
    rules = target(*windows)
    found = blocked(TEP, rules, [], now)
    if found is None:
        return
    assert found.until is not None
    assert now < found.until <= now + timedelta(days=15)
    assert blocked(TEP, rules, [], found.until) is None
    before = found.until - timedelta(seconds=1)
    assert before < now or blocked(TEP, rules, [], before) == found


@given(window=some_windows(), now=moments)
def test_a_window_is_open_when_the_clock_there_says_so(window: dict[str, Any], now: datetime) -> None:
    """Away from changes of the clock, against the plain reading of the wall clock."""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(window["zone"])
    there = now.astimezone(zone)
    if any((there + timedelta(days=days)).utcoffset() != there.utcoffset() for days in (-2, -1, 1, 2)):
        return
    clock, start, end = there.strftime("%H:%M"), window["from"], window["to"]
    today, yesterday = DAYS[there.weekday()] in window["days"], DAYS[there.weekday() - 1] in window["days"]
    wanted = today and start <= clock < end if start < end else (today and clock >= start) or (yesterday and clock < end)
    assert (blocked(TEP, target(window), [], now) is None) is wanted


@given(
    since=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    days=st.integers(0, 30),
    zone=st.sampled_from(ZONES),
    now=moments,
)
def test_a_freeze_is_over_when_it_says(since: date, days: int, zone: str, now: datetime) -> None:
    rule = freeze(since=since, until=since + timedelta(days=days), zone=zone)
    found = blocked(TEP, None, [rule], now)
    assert rule.starts is not None
    assert rule.ends is not None
    assert (found is not None) == (rule.starts <= now < rule.ends)
    during = blocked(TEP, None, [rule], rule.starts)
    assert during is not None
    assert during.until is not None
    assert during.until > rule.starts
    assert blocked(TEP, None, [rule], during.until) is None


def test_a_window_says_its_days() -> None:
    assert str(Window.model_validate({"days": ["sat-mon"]})) == "mon, sat-sun 00:00-24:00 UTC"
    assert str(Window.model_validate({})) == "every day 00:00-24:00 UTC"
