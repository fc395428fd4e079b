"""A small control plane for each file of tests that wants one."""

from collections.abc import Generator
from pathlib import Path

import pytest

from infra_assets.sandbox.tools import Tools
from tests.conftest import ROOT
from tests.end_to_end.house import House

ONE_TEP = """
tenants:
  acme:
    environments:
      dev:
        settings:
          network: {cidr: 10.0.0.0/20, nat: none, flow_logs: false}
          cluster: {instance_type: t3.small, min_size: 1, max_size: 2}
"""


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
