"""How many TEPs were worked on at once, by the provider's call log: what AWS saw, whatever the scheduler says.

A TEP is an account, and each run logs in to it anew (once for each role that its projects use): the calls of one login are one span of
work, from its first call to the end of its last. Reading counts as much as changing, so that previews and drift checks are seen. What runs
do between their calls (starting the engine, say) belongs to the span; what they do before the first, after the last and between two logins
nobody saw, so that the figure errs on the low side, never on the high.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from infra_assets.sandbox.emulator import Call

OPERATIONS = "123456789012"
QUIET_S = 30.0
"""A login that is quiet for so long has ended; the same credentials later are new work."""

Span = tuple[float, float]


def busiest(calls: Iterable[Call], *, quiet_s: float = QUIET_S) -> int:
    """Return how many accounts were worked on at once, at most."""
    return most_at_once(span for found in spans(calls, quiet_s=quiet_s).values() for span in found)


def spans(calls: Iterable[Call], *, quiet_s: float = QUIET_S) -> Mapping[str, Sequence[Span]]:
    """Return when each account was worked on, as (start, end) in epoch seconds; not the operations account, from which logins are made."""
    logins: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for call in calls:
        if call.account != OPERATIONS:
            logins[call.account, call.access_key_id].append((call.at, call.at + call.duration_s))
    found: dict[str, list[Span]] = defaultdict(list)
    for (account, _), worked in logins.items():
        found[account].extend(joined(worked, quiet_s))
    return {account: joined(worked, 0) for account, worked in found.items()}


def joined(found: Iterable[Span], gap_s: float) -> list[Span]:
    """Join spans that overlap, or are no more than so many seconds apart."""
    result: list[Span] = []
    for start, end in sorted(found):
        if result and start - result[-1][1] <= gap_s:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def most_at_once(found: Iterable[Span]) -> int:
    """Return how many spans there are at once, at most; one that ends as another starts makes room for it."""
    marks = sorted(mark for start, end in found for mark in ((start, 1), (end, -1)))
    return max(accumulate(change for _, change in marks), default=0)
