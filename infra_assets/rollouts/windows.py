"""Whether a deployment may start now: freezes first, then the target's change windows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from zoneinfo import ZoneInfo

from infra_assets.fleet.models import Tep
from infra_assets.planning.calendar import Freeze, Window
from infra_assets.planning.targets import Target

# A week, and one more where a change of the clock takes the only opening of a week away; from yesterday, which may reach into today.
_DAYS_AHEAD = range(-1, 16)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why no deployment may start."""

    reason: str
    until: datetime | None
    """When this reason is gone, in UTC; None where nobody knows."""


def blocked(tep: Tep, target: Target | None, freezes: Iterable[Freeze], now: datetime) -> Blocked | None:
    """Return why no deployment of a TEP may start at `now` (aware of its zone), None where one may. Of several freezes, the longest."""
    holding = [freeze for freeze in freezes if _concerns(freeze, tep, target) and _holds(freeze, now)]
    if holding:
        longest = max(holding, key=lambda freeze: freeze.ends or datetime.max.replace(tzinfo=UTC))
        return Blocked(f"freeze: {longest.reason}" if longest.reason else "freeze", longest.ends)
    if target is None or not target.windows:
        return None
    is_open, until = _now_and_next(target.windows, now)
    return None if is_open else Blocked(f"outside the windows of target {target.name}: {'; '.join(map(str, target.windows))}", until)


@lru_cache(maxsize=64)
def _now_and_next(windows: Sequence[Window], now: datetime) -> tuple[bool, datetime | None]:
    """Return whether one is open, and when the next one opens. Asked for thousands of TEPs at one moment, it is found out once."""
    openings = [opening for window in windows for opening in _openings(window, now)]
    is_open = any(start <= now < end for start, end in openings)
    return is_open, min((start for start, _ in openings if start > now), default=None)


def _openings(window: Window, now: datetime) -> Sequence[tuple[datetime, datetime]]:
    today = now.astimezone(ZoneInfo(window.zone)).date()
    return [opening for days in _DAYS_AHEAD if (opening := window.opening(today + timedelta(days=days)))]


def _holds(freeze: Freeze, now: datetime) -> bool:
    return (freeze.starts is None or freeze.starts <= now) and (freeze.ends is None or now < freeze.ends)


def _concerns(freeze: Freeze, tep: Tep, target: Target | None) -> bool:
    kinds = ((tep.environment, freeze.environments), (tep.tenant, freeze.tenants), (target.name if target else "", freeze.targets))
    return all(not patterns or any(fnmatchcase(value, pattern) for pattern in patterns) for value, patterns in kinds)
