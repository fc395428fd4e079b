"""When deployments may start: change windows and freezes, as they stand in `targets.yaml`."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Any, Self, cast
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WHOLE_DAY = 24 * 60
_TIME = re.compile(r"(\d{1,2}):([0-5]\d)")


def _days(value: Any) -> frozenset[int]:
    """`mon-fri`, `sat`, or a list of such, as numbers from Monday, 0."""
    given = cast("list[Any]", value) if isinstance(value, list | tuple) else [value]
    found: set[int] = set()
    for each in given:
        first, dash, last = str(each).lower().partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"days are {', '.join(DAYS)}, or such as mon-fri")
        start = DAYS.index(first)
        found.update((start + step) % 7 for step in range((DAYS.index(last) - start) % 7 + 1 if dash else 1))
    if not found:
        raise ValueError("must name a day")
    return frozenset(found)


def _minutes(value: Any) -> int:
    """`09:00` as minutes since midnight; `24:00` is the end of the day."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    minutes = int(found[1]) * 60 + int(found[2]) if found else WHOLE_DAY + 1
    if minutes > WHOLE_DAY:
        raise ValueError("must be a time of day, such as 09:00")
    return minutes


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise ValueError("must be a time zone, such as Europe/Berlin") from None
    return name


def _moment(value: Any) -> Any:
    """A date, or a date with a time; YAML has read those that are not quoted."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if len(value) == len("2026-12-20") else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("must be a date or a date with a time, such as 2026-12-20 or 2026-12-20 18:00") from None


Zone = Annotated[str, AfterValidator(_zone)]
Moment = Annotated[Any, BeforeValidator(_moment)]


def instant(naive: datetime, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """Return when a clock in a zone shows a time, in UTC: the first time that it does, or the `last` where it does twice.

    A time that the clock skips is the moment at which it skips it.
    """
    found = naive.replace(tzinfo=zone, fold=int(last)).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == naive:
        return found
    before, after = sorted(naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


class Window(BaseModel):
    """When deployments may start; from later than `to` it ends on the next day."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    days: Annotated[frozenset[int], BeforeValidator(_days)] = frozenset(range(len(DAYS)))
    start: Annotated[int, BeforeValidator(_minutes)] = Field(default=0, alias="from", description="Minutes since midnight.")
    end: Annotated[int, BeforeValidator(_minutes)] = Field(default=WHOLE_DAY, alias="to", description="Minutes since midnight.")
    zone: Zone = "UTC"

    @model_validator(mode="after")
    def _is_open(self) -> Self:
        if self.start == self.end:
            raise ValueError("from and to are the same time; a whole day is 00:00 to 24:00")
        return self

    def opening(self, day: date) -> tuple[datetime, datetime] | None:
        """Return from when to when, in UTC, the window that opens on a day is open; None where none does."""
        if day.weekday() not in self.days:
            return None
        midnight, zone = datetime.combine(day, time()), ZoneInfo(self.zone)
        length = self.end if self.end > self.start else self.end + WHOLE_DAY
        start = instant(midnight + timedelta(minutes=self.start), zone)
        end = instant(midnight + timedelta(minutes=length), zone, last=True)
        return (start, end) if start < end else None

    def __str__(self) -> str:
        days = "every day" if len(self.days) == len(DAYS) else ", ".join(_ranges(sorted(self.days)))
        return f"{days} {_clock(self.start)}-{_clock(self.end)} {self.zone}"


class Freeze(BaseModel):
    """When nothing may be deployed, and where: everywhere, or in what matches one glob of each kind that is given."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Moment = Field(default=None, alias="from", description="A date or a time; without it, since ever.")
    until: Moment = Field(default=None, description="A date, that whole day included, or a time; without it, until further notice.")
    zone: Zone = "UTC"
    environments: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    reason: str = ""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        try:
            starts, ends = self.starts, self.ends
        except OverflowError:
            raise ValueError("is too far away; without until it lasts until further notice") from None
        if starts and ends and starts >= ends:
            raise ValueError("until is before from")
        return self

    @cached_property
    def starts(self) -> datetime | None:
        """When it begins, in UTC."""
        return self._instant(self.since, 0)

    @cached_property
    def ends(self) -> datetime | None:
        """When it is over, in UTC."""
        return self._instant(self.until, 1)

    def _instant(self, moment: date | None, days: int) -> datetime | None:
        if isinstance(moment, datetime):
            return moment.astimezone(UTC) if moment.tzinfo else instant(moment, ZoneInfo(self.zone))
        return instant(datetime.combine(moment, time()) + timedelta(days=days), ZoneInfo(self.zone)) if moment else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _ranges(days: list[int]) -> list[str]:
    """`mon-fri` for five days in a row."""
    found: list[list[int]] = []
    for day in days:
        if found and found[-1][-1] == day - 1:
            found[-1].append(day)
        else:
            found.append([day])
    return [DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in found]
