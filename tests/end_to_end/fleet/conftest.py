"""One control plane with the demo's fleet deployed, for all tests that only look, or leave it as it was.

It lives as long as this folder's tests: a Dagster that idles beside all others would slow them down.
"""

from collections.abc import Generator

import pytest

from infra_assets.sandbox.tools import Tools
from tests.conftest import ROOT
from tests.end_to_end.house import House, Said

CAP = 3
TEPS = [f"ourcompany-{name}" for name in ("dev", "test", "stag", "prod")] + [f"customer{number}-prod" for number in (1, 2, 3)]
PROJECTS = ["account", "network", "cluster"]


@pytest.fixture(scope="package")
def first_rollout() -> dict[str, Said]:
    """What the commands of the first rollout said."""
    return {}


@pytest.fixture(scope="package")
def fleet(tmp_path_factory: pytest.TempPathFactory, tools: Tools, first_rollout: dict[str, Said]) -> Generator[House]:
    """The demo's seven TEPs, rolled out under a cap of three."""
    house = House(ROOT, tmp_path_factory.mktemp("fleet"), cap=CAP)
    house.variables["INFRA_CHECK_SHARE"] = "1"  # nobody else wants the cap
    try:
        house.done("sandbox", "up")
        house.done("fleet", "import", "fleet.yaml")
        first_rollout["rollout"] = house.infra("rollout", "--wait", "--format", "json")
        yield house
    finally:
        house.close()
