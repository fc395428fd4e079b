"""Which TEPs are compared with which."""

from collections.abc import Sequence

from infra_assets.errors import UsageError
from infra_assets.fleet.models import Tep
from infra_assets.fleet.selection import Selection
from infra_assets.texts import counted, listed

_GLOB = frozenset("*?[")


def choose(fleet: Sequence[Tep], selection: Selection, environments: Sequence[str]) -> tuple[list[list[str]], list[str]]:
    """Return the TEPs to compare, in groups, and who is left out and why.

    Raises:
        UsageError: an environment that does not exist, more than two, or nothing that could be compared.
    """
    known = sorted({tep.environment for tep in fleet})
    for name in environments:
        if name not in known:
            raise UsageError(f"--parity {name}: no such environment", remedy=f"There are: {', '.join(known) or 'none'}.")
    if not 1 <= len(set(environments)) == len(environments) <= 2:
        raise UsageError(f"--parity {' '.join(environments)}: takes one environment, or two different ones")
    picked = [tep for tep in selection.pick(fleet) if tep.environment in environments]
    if len(environments) == 1:
        if len(picked) < 2:
            raise UsageError(
                f"--parity {environments[0]}: {counted(len(picked), 'TEP')} of that environment, nothing to compare with",
                remedy="Choose more tenants, or compare two environments of one.",
            )
        return [[tep.name for tep in picked]], []
    return _pairs(picked, selection, environments)


def _pairs(picked: Sequence[Tep], selection: Selection, environments: Sequence[str]) -> tuple[list[list[str]], list[str]]:
    tenants: dict[str, dict[str, str]] = {}
    for tep in picked:
        tenants.setdefault(tep.tenant, {})[tep.environment] = tep.name
    lacking = {tenant: next(name for name in environments if name not in has) for tenant, has in tenants.items() if len(has) < 2}
    both = f"both {environments[0]} and {environments[1]}"
    named = {name for name in selection.tenants if not _GLOB & set(name)}
    if wrong := [tenant for tenant in named if len(tenants.get(tenant, {})) < 2]:
        raise UsageError(f"--tenant {', '.join(sorted(wrong))}: does not have {both}", remedy="infra fleet list shows what there is.")
    groups = [[has[name] for name in environments] for has in tenants.values() if len(has) == 2]
    if not groups:
        raise UsageError(f"no tenant that is meant has {both}", remedy="infra fleet list shows what there is.")
    left_out = [
        f"{counted(len(some), 'tenant')} without {name}: {listed(some)}"
        for name in environments
        if (some := [tenant for tenant, missing in lacking.items() if missing == name])
    ]
    return groups, left_out
