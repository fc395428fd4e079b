"""Bad input: one error that names the place, the right exit code, nothing changed and nothing else stopped."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.end_to_end.house import House

NETWORK = "network: {cidr: 10.0.0.0/20, nat: none, flow_logs: false}"
CLUSTER = "cluster: {instance_type: t3.small, min_size: 1, max_size: 2}"


def fleet(**settings: str) -> str:
    """Return a fleet file with a `dev` environment for each tenant."""
    lines = ["tenants:"]
    for tenant, given in settings.items():
        lines += [
            f"  {tenant}:",
            "    environments:",
            "      dev:",
            "        settings:",
            *(f"          {line}" for line in given.split("\n")),
        ]
    return "\n".join(lines)


class TestBeforeAnythingRuns:
    """What the command refuses by itself."""

    @pytest.fixture
    def house(self, tmp_path: Path) -> House:
        return House(ROOT, tmp_path / "home")

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (["rollout"], 2, "the fleet is empty"),
            (["status"], 2, "the fleet is empty"),
            (["fleet", "show", "acme-prod"], 2, "no TEP 'acme-prod' in the fleet"),
            (["fleet", "import", "nowhere.yaml"], 2, "nowhere.yaml"),
            (["rollout", "--nonsense"], 2, "No such option"),
            (["sandbox", "status"], 1, ""),
            (["doctor"], 1, "infra sandbox up"),
            (["ui"], 1, "the sandbox is not running"),
        ],
    )
    def test_a_refusal_has_an_exit_code_and_a_way_out(self, house: House, arguments: list[str], code: int, said: str) -> None:
        found = house.infra(*arguments)
        assert found.code == code, found.err
        assert said in found.out + found.err
        assert "Traceback" not in found.err

    def test_a_setting_that_makes_no_sense_is_named(self, house: House) -> None:
        found = house.infra("status", INFRA_PROVIDER="homemade")
        assert found.code == 2
        assert "INFRA_PROVIDER: Input should be 'auto', 'official' or 'built'" in found.err

    def test_outside_a_checkout_the_way_back_is_told(self, house: House, tmp_path: Path) -> None:
        house.variables.pop("INFRA_ROOT")
        house.root = tmp_path
        found = house.infra("status")
        assert (found.code, "set INFRA_ROOT" in found.err) == (2, True)

    def test_every_command_has_help_with_an_example(self, house: House) -> None:
        for command in (
            "plan",
            "rollout",
            "status",
            "history",
            "doctor",
            "ui",
            "fleet import",
            "fleet list",
            "sandbox up",
            "sandbox reset",
        ):
            found = house.done(*command.split(), "--help")
            assert f"infra {command}" in found.out.split("Example", 1)[1], command


@pytest.mark.engine
@pytest.mark.dagster
@pytest.mark.timeout(600)
class TestOneTepsFailureIsItsOwn:
    """Failures of one stack among others that are fine."""

    def test_a_mistyped_setting_fails_that_cell_alone_and_skips_what_is_downstream(self, house: House) -> None:
        house.import_fleet(fleet(good=f"{NETWORK}\n{CLUSTER}", bad=f"network: {{cidr: 10.0.0.0/20, zones: many}}\n{CLUSTER}"))
        found = house.infra("rollout", "--wait", "--tep", "good-dev", "--tep", "bad-dev", "--format", "json")
        assert found.code == 1
        states = {(cell["tep"], cell["project"]): cell["state"] for cell in found.json["cells"]}
        assert states == {
            ("good-dev", "account"): "deployed",
            ("good-dev", "network"): "deployed",
            ("good-dev", "cluster"): "deployed",
            ("bad-dev", "account"): "deployed",
            ("bad-dev", "network"): "failed",
            ("bad-dev", "cluster"): "skipped",
        }
        messages = {(cell["tep"], cell["project"]): cell["message"] for cell in found.json["cells"]}
        assert "pulumi_programs/network/config.py: stack bad-dev: network:zones" in messages["bad-dev", "network"]
        assert "Traceback" not in messages["bad-dev", "network"]
        assert messages["bad-dev", "cluster"] == "not tried: network/bad-dev failed"
        assert house.leftovers("network", "bad-dev") == {"locks": [], "pending": ()}

        house.import_fleet(fleet(bad=f"{NETWORK}\n{CLUSTER}"))
        mended = house.done("rollout", "--wait", "--format", "json", "--tep", "*-dev", "--tenant", "bad", "--tenant", "good").json
        assert mended["summary"] == {"deployed": 2, "unchanged": 4}

    def test_a_cell_whose_upstream_is_not_deployed_is_refused(self, house: House) -> None:
        house.import_fleet(fleet(new=f"{NETWORK}\n{CLUSTER}"))
        found = house.infra("rollout", "--wait", "--tep", "new-dev", "--project", "cluster", "--format", "json")
        assert found.code == 1
        assert (
            "cluster/new-dev needs account/new-dev, which is never deployed, and network/new-dev, which is never deployed"
            in found.json["cells"][0]["message"]
        )


@pytest.mark.engine
@pytest.mark.dagster
@pytest.mark.timeout(600)
class TestBrokenPrograms:
    """Programs that raise, and projects that cannot be loaded."""

    @pytest.fixture
    def house(self, own_programs: Path, tmp_path: Path, tools: object) -> "House":
        built = House(own_programs, tmp_path / "home")
        built.done("sandbox", "up")
        built.import_fleet(fleet(acme=f"{NETWORK}\n{CLUSTER}"))
        return built

    def test_each_is_named_and_the_others_go_on(self, house: House) -> None:
        programs = house.root / "pulumi_programs"
        for name, upstream in (("one", "[two]"), ("two", "[one]"), ("lost", "[nowhere]"), ("raises", "[account]")):
            (programs / name).mkdir()
            (programs / name / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\ninfra: {{depends_on: {upstream}}}\n")
            (programs / name / "__main__.py").write_text("import pulumi\n\nraise ValueError('no such luck')\n")
        try:
            refused = house.infra("rollout", "--wait")
            assert refused.code == 2
            assert "one/Pulumi.yaml: project 'one' depends on itself: one → two → one" in refused.err
            assert "lost/Pulumi.yaml: project 'lost' depends on project 'nowhere', which does not exist" in refused.err
            assert house.ledger.latest() == {}  # nothing was changed

            found = house.infra(
                "rollout", "--wait", "--project", "account", "--project", "raises", "--project", "network", "--format", "json"
            )
            assert found.code == 1
            cells = {cell["project"]: cell for cell in found.json["cells"]}
            assert (cells["account"]["state"], cells["network"]["state"], cells["raises"]["state"]) == ("deployed", "deployed", "failed")
            assert cells["raises"]["message"] == "pulumi_programs/raises/__main__.py:3: no such luck"

            doctor = house.infra("doctor", "--format", "json")
            assert doctor.code == 1
            wrong = {item["what"] for item in doctor.json if not item["ok"]}
            assert wrong == {"project one", "project two", "project lost"}
        finally:
            house.close()
