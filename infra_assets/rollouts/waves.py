"""Cuts a rollout into waves: rings one after the other, and batches inside a ring where they are asked for."""

from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest

from infra_assets.fleet.models import Ring, Tep
from infra_assets.rollouts.models import Options, Wave

TOGETHER = "all"


def cut(teps: Iterable[Tep], options: Options) -> list[tuple[Wave, list[Tep]]]:
    """Return the waves with their TEPs, in the order in which they are asked for."""
    everyone = list(teps)
    if options.at_once:
        return [(Wave(TOGETHER, TOGETHER), fairly(everyone))] if everyone else []
    waves: list[tuple[Wave, list[Tep]]] = []
    for ring in Ring:
        mine = fairly(tep for tep in everyone if tep.ring == ring)
        batches = _batches(mine, options)
        for number, batch in enumerate(batches, 1):
            name = ring.value if len(batches) == 1 else f"{ring.value} {number}/{len(batches)}"
            waves.append((Wave(name, ring.value), batch))
    return waves


def fairly(teps: Iterable[Tep]) -> list[Tep]:
    """Return TEPs so that each tenant's first comes before any tenant's second: one with many does not keep the others waiting."""
    tenants: dict[str, list[Tep]] = {}
    for tep in teps:
        tenants.setdefault(tep.tenant, []).append(tep)
    turns = zip_longest(*tenants.values())
    return [tep for tep in chain.from_iterable(turns) if tep is not None]


def _batches(teps: Sequence[Tep], options: Options) -> list[list[Tep]]:
    if not teps:
        return []
    size = options.batch.of(len(teps), least=1) if options.batch else len(teps)
    return [list(teps[start : start + size]) for start in range(0, len(teps), size)]
