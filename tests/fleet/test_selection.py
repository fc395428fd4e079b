"""`--tep --tenant --env --ring --project`."""

import pytest

from infra_assets.errors import UsageError
from infra_assets.fleet.models import Ring, Tep
from infra_assets.fleet.selection import Selection


def tep(tenant: str, environment: str, ring: Ring) -> Tep:
    return Tep(tenant, environment, ring, "us-east-1", f"{abs(hash((tenant, environment))) % 10**12:012d}", "x")


FLEET = [tep("acme", "dev", Ring.INTERNAL), tep("acme", "prod", Ring.REGULAR), tep("beta", "prod", Ring.BETA)]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["acme-dev", "acme-prod", "beta-prod"]),
        (Selection(teps=["*-prod"]), ["acme-prod", "beta-prod"]),
        (Selection(teps=["acme-dev", "beta-*"]), ["acme-dev", "beta-prod"]),
        (Selection(tenants=["acme"], environments=["prod"]), ["acme-prod"]),
        (Selection(rings=["beta"]), ["beta-prod"]),
    ],
)
def test_patterns_of_one_kind_widen_and_kinds_narrow(selection: Selection, expected: list[str]) -> None:
    assert [tep.name for tep in selection.pick(FLEET)] == expected


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(rings=["gold"]), "--ring gold: unknown ring; there are internal, beta, regular"),
        (Selection(teps=["acme-prd"]), "--tep acme-prd: matches nothing"),
        (Selection(tenants=["beta"], environments=["dev"]), "the selection matches no TEP"),
    ],
)
def test_a_selection_that_means_nothing_is_refused(selection: Selection, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        selection.pick(FLEET)
    assert said in str(refused.value)


def test_projects_are_picked_in_their_own_order() -> None:
    assert Selection(projects=["cluster", "acc*"]).pick_projects(["account", "network", "cluster"]) == ["account", "cluster"]
    with pytest.raises(UsageError, match="--project netwrk: matches nothing"):
        Selection(projects=["netwrk"]).pick_projects(["account", "network"])
