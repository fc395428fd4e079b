"""One control plane with the demo's fleet deployed, for all tests that only look or change one TEP; smaller ones for the rest."""

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from infra_assets.sandbox.tools import Tools
from tests.conftest import ROOT
from tests.end_to_end.house import House, Said

CAP = 3
OneTep = Callable[..., House]

ONE_TEP = """
tenants:
  acme:
    environments:
      dev:
        settings:
          network: {cidr: 10.0.0.0/20, nat: none, flow_logs: false}
          cluster: {instance_type: t3.small, min_size: 1, max_size: 2}
"""


@pytest.fixture(scope="session")
def first_rollout() -> dict[str, Said]:
    """What the commands of the first rollout said."""
    return {}


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Generator[House]:
    """One small TEP, `acme-dev`, imported but not deployed; Dagster runs."""
    built = House(ROOT, tmp_path_factory.mktemp("house"))
    try:
        built.done("sandbox", "up")
        built.import_fleet(ONE_TEP)
        built.done("ui", deaf=True)  # runs must be stoppable all the same
        yield built
    finally:
        built.close()


@pytest.fixture
def own_programs(tmp_path: Path) -> Path:
    """A root with a copy of the programs, to break."""
    import shutil

    root = tmp_path / "root"
    root.mkdir()
    shutil.copytree(ROOT / "pulumi_programs", root / "pulumi_programs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "workspace.yaml", root)
    return root
