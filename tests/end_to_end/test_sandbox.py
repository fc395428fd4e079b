"""The sandbox: emulator, state and ledger never silently disagree."""

from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from tests.end_to_end.conftest import ONE_TEP
from tests.end_to_end.house import House

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


@pytest.mark.usefixtures("tools")
def test_from_up_to_reset(tmp_path: Path) -> None:
    house = House(ROOT, tmp_path / "home")
    try:
        house.done("sandbox", "up")
        first = house.done("sandbox", "status", "--format", "json").json
        assert first["aws_endpoint"].startswith("http://127.0.0.1:")
        assert (first["healthy"], first["agrees"], first["dagster_url"], first["accounts"]) == (True, True, None, {})
        house.done("sandbox", "up")
        assert house.done("sandbox", "status", "--format", "json").json["aws_endpoint"] == first["aws_endpoint"]

        house.import_fleet(ONE_TEP)
        accounts = house.done("sandbox", "status", "--format", "json").json["accounts"]
        assert list(accounts) == ["acme-dev"]
        assert len(accounts["acme-dev"]) == 12

        psutil.Process(house.emulator.pid).kill()
        assert house.infra("sandbox", "status").code == 1
        said = house.infra("plan")
        assert (said.code, "the sandbox is not running" in said.err) == (1, True)

        forgotten = house.infra("sandbox", "up")
        assert forgotten.code == 1
        assert "has forgotten every resource" in forgotten.err
        assert "infra sandbox reset" in forgotten.err
        assert house.infra("sandbox", "status", "--format", "json").json["agrees"] is False
        assert "has forgotten every resource" in house.infra("doctor").out.replace("\n", " ") or house.infra("doctor").code == 1
        refused = house.infra("rollout", "--wait")
        assert (refused.code, "has forgotten every resource" in refused.err) == (1, True)

        house.done("sandbox", "reset", "--yes")
        healed = house.done("sandbox", "status", "--format", "json").json
        assert (healed["healthy"], healed["agrees"], healed["accounts"]) == (True, True, {})
        house.import_fleet(ONE_TEP)
        assert house.infra("plan", "--format", "json").json["summary"] == {"run": 3}
    finally:
        house.close()
