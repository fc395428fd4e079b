"""`infra env` as a user has it: no sandbox, no AWS; a fleet of two TEPs and the sample set."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra_assets.fleet.models import Ring, Tep
from tests.conftest import ROOT
from tests.end_to_end.house import House, Said

BETA = Tep("customer1", "prod", Ring.BETA, "us-east-1", "111111111111", "ext-1")
INTERNAL = Tep("ourcompany", "dev", Ring.INTERNAL, "us-east-1", "222222222222", "ext-2")
ENV = Callable[..., Said]


@pytest.fixture
def house(tmp_path: Path) -> House:
    built = House(ROOT, tmp_path / "home")
    built.registry.save([BETA, INTERNAL])
    return built


@pytest.fixture
def env(house: House) -> ENV:
    return lambda *arguments, **options: house.infra("env", *arguments, **options)


class TestShow:
    def test_every_value_stands_with_the_layer_that_set_it_and_secrets_are_masked(self, env: ENV) -> None:
        said = env("show", "customer1-prod")
        assert said.code == 0, said.err
        rows = {cells[0]: cells[1:] for line in said.out.splitlines() if len(cells := [c.strip() for c in line.strip("│").split("│")]) == 3}
        assert rows["pulumiConfig.cluster:instance_type"][0] == "t3.large"
        assert rows["pulumiConfig.cluster:instance_type"][1].endswith("environments/tenants/customer1-prod.yaml:12")
        assert rows["pulumiConfig.account:budget_email"][0] == "[secret]"
        assert rows["aws.login"] == ["[not opened: aws-login]", "the register: fleet/customer1-prod:14"]

    def test_json_and_one_projects_part(self, env: ENV) -> None:
        plain = env("show", "customer1-prod", "--project", "account", "--format", "json").json
        assert plain["values"]["account:budget_usd"] == 400
        assert plain["values"]["account:budget_email"] == "[secret]"
        assert plain["secrets"] == ["account:budget_email"]
        assert plain["environment"] == "tenants/customer1-prod"
        assert set(plain["closure"]) >= {"shared/app", "ring/beta", "tenants/customer1", "fleet/customer1-prod"}

    def test_an_error_is_shown_with_its_place_beside_what_could_be_evaluated(self, house: House, env: ENV) -> None:
        house.write("tenants/ourcompany", "values:\n  a: ${b.c}\n  pulumiConfig: {}\n")
        said = env("show", "ourcompany-dev")
        assert said.code == 1
        assert "environments/tenants/ourcompany.yaml:2:8: values.a: unknown property" in said.err
        assert "10.0.0.0/16" in said.out

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (("show", "nobody-prod"), 2, "no TEP 'nobody-prod'"),
            (("explain", "customer1-prod", "cluster.none"), 2, "there is no cluster.none"),
            (("explain", "customer1-prod", "a["), 2, "is no path"),
            (("diff", "customer1-prod"), 2, "was never deployed from environments"),
            (("diff", "customer1-prod", "--at", "nowhere"), 2, "neither a git ref nor a revision"),
            (("eval", "nowhere", "a/b"), 2, "nowhere"),
            (("seal", "nowhere.yaml"), 2, "nowhere.yaml: No such file"),
            (("put", "../x", "-"), 2, "environment '../x'"),
            (("history", "tenants/none"), 2, "the database has no environment tenants/none"),
            (("rotate", "fleet/customer1-prod"), 2, "fleet/customer1-prod"),
        ],
    )
    def test_bad_input_is_told_in_a_line_or_two(self, env: ENV, arguments: tuple[str, ...], code: int, said: str) -> None:
        found = env(*arguments)
        assert found.code == code, found.out + found.err
        assert said in found.err
        assert "Traceback" not in found.err

    def test_a_source_that_is_none_is_told_with_what_may_stand_there(self, env: ENV) -> None:
        found = env("list", INFRA_ENVIRONMENTS="store,nowhere")
        assert found.code == 2
        assert "INFRA_ENVIRONMENTS: " in found.err
        assert "nowhere is no folder" in found.err


class TestExplain:
    def test_the_chain_says_who_set_a_value_and_whom_that_overrides(self, env: ENV) -> None:
        plain = env("explain", "customer1-prod", "cluster:instance_type", "--format", "json").json
        assert [(layer["environment"], layer["value"]) for layer in plain["layers"]] == [
            ("tenants/customer1-prod", "t3.large"),
            ("shared/cluster", "t3.small"),
        ]
        assert plain["layers"][0]["place"].endswith("environments/tenants/customer1-prod.yaml:12:28")
        assert len(plain["layers"][0]["revision"]) == 40

    def test_a_reference_is_set_where_it_stands(self, env: ENV) -> None:
        said = env("explain", "customer1-prod", "account:log_retention_days")
        assert "shared/account" in said.out
        assert "30" in said.out

    def test_a_secrets_chain_is_masked(self, env: ENV) -> None:
        said = env("explain", "customer1-prod", "account:budget_email")
        assert said.code == 0, said.err
        assert "[secret]" in said.out
        assert "example.com" not in said.out


class TestDiff:
    @pytest.fixture
    def committed(self, house: House) -> House:
        for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first"]):
            subprocess.run(["git", *command], cwd=house.environments, check=True)
        return house

    def test_nothing_differs_is_0_and_something_is_3(self, committed: House, env: ENV) -> None:
        assert env("diff", "customer1-prod", "--at", "HEAD").code == 0
        committed.write(
            "shared/cluster", (committed.environments / "shared/cluster.yaml").read_text().replace("max_size: 2", "max_size: 3")
        )
        committed.write("tenants/customer1", 'values: {pulumiConfig: {"account:budget_email": {"fn::secret": "other@example.com"}}}')
        said = env("diff", "ourcompany-dev", "--at", "HEAD", "--format", "json")
        assert said.code == 3
        assert said.json["differences"] == [{"path": "pulumiConfig.cluster:max_size", "before": 2, "after": 3, "kind": "changed"}]
        masked = env("diff", "customer1-prod", "--at", "HEAD", "--format", "json")
        changed = {item["path"]: (item["before"], item["after"]) for item in masked.json["differences"]}
        assert changed["pulumiConfig.account:budget_email"] == ("[secret]", "[secret]")
        assert "example.com" not in masked.out

    def test_as_last_deployed(self, committed: House, env: ENV) -> None:
        closure = env("show", "customer1-prod", "--format", "json").json["closure"]
        number = committed.ledger.begin(("customer1-prod", "cluster"), "up", {}, environments=closure)
        committed.ledger.finish(number, "deployed")
        assert env("diff", "customer1-prod").code == 0
        committed.write(
            "tenants/customer1-prod",
            (committed.environments / "tenants/customer1-prod.yaml").read_text().replace("desired: 2", "desired: 3"),
        )
        said = env("diff", "customer1-prod", "--format", "json")
        assert (said.code, [item["path"] for item in said.json["differences"]]) == (3, ["pulumiConfig.cluster:desired"])


class TestEval:
    def test_the_interface_as_it_is_promised(self, env: ENV, tmp_path: Path) -> None:
        (tmp_path / "set" / "p").mkdir(parents=True)
        (tmp_path / "set" / "p" / "base.yaml").write_text("values:\n  region: eu\n")
        (tmp_path / "set" / "p" / "e.yaml").write_text(
            "imports: [p/base]\nvalues:\n  token: {fn::secret: hunter22}\n"
            "  environmentVariables: {T: '${token}', N: 8080}\n  bad: ${none}\n"
        )
        said = env("eval", str(tmp_path / "set"), "p/e", "--format", "json")
        assert said.code == 1
        assert said.json["values"] == said.json["redacted"] | {}
        assert said.json["redacted"]["token"] == "[secret]"
        assert said.json["redacted"]["region"] == "eu"
        assert said.json["environmentVariables"] == {"T": "[secret]", "N": "8080"}
        assert said.json["diagnostics"] == [{"severity": "error", "summary": 'unknown property "none"', "path": "values.bad"}]
        revealed = env("eval", str(tmp_path / "set"), "p/e", "--reveal").json
        assert (revealed["values"]["token"], revealed["redacted"]["token"]) == ("hunter22", "[secret]")

    def test_an_unknown_provider_is_named(self, env: ENV, tmp_path: Path) -> None:
        (tmp_path / "set" / "p").mkdir(parents=True)
        (tmp_path / "set" / "p" / "e.yaml").write_text("values:\n  a:\n    fn::open::vault-secrets: {}\n")
        said = env("eval", str(tmp_path / "set"), "p/e")
        assert said.code == 1
        assert "unknown provider 'vault-secrets'" in said.json["diagnostics"][0]["summary"]


class TestLint:
    def test_the_sample_is_clean_but_for_teps_that_this_fleet_lacks(self, env: ENV) -> None:
        said = env("lint", "--format", "json")
        assert said.code == 0, said.out
        assert {item["rule"] for item in said.json["findings"]} == {"unreachable-environment"}

    def test_each_rule_names_the_place(self, house: House, env: ENV) -> None:
        house.write("tenants/ourcompany", "values:\n  leftover: 1\n  token: {fn::secret: in-clear}\n  pulumiConfig:\n"
                    "    netwrok:cidr: x\n    network:zone: 3\n    network:nat: ${token}\n")  # fmt: skip
        text = (house.environments / "tenants/ourcompany-dev.yaml").read_text()
        house.write("tenants/ourcompany-dev", text.replace("ring/internal", "ring/beta"))
        house.write("shared/broken", "values: [")
        said = env("lint", "--format", "json")
        assert said.code == 1
        found = {
            (item["rule"], item["place"].removeprefix(f"{house.environments}/").rsplit("environments/", 1)[-1])
            for item in said.json["findings"]
        }
        assert ("unused-key", "tenants/ourcompany.yaml:2:13") in found
        assert ("plaintext-secret", "tenants/ourcompany.yaml:3:10") in found
        assert ("unknown-configuration", "tenants/ourcompany.yaml:5:19") in found
        assert ("unknown-configuration", "tenants/ourcompany.yaml:6:19") in found
        assert ("other-ring", "tenants/ourcompany-dev.yaml") in found
        messages = " ".join(item["message"] for item in said.json["findings"])
        assert "there is no project 'netwrok'" in messages
        assert "project network knows no 'zone'" in messages
        assert "in-clear" not in said.out
        assert any(item["rule"] == "invalid" and "shared/broken" in item["environment"] for item in said.json["findings"])


class TestSecrets:
    def test_sealing_keeps_everything_else_and_revealing_gives_it_back(self, env: ENV, tmp_path: Path) -> None:
        file = tmp_path / "e.yaml"
        draft = "# a comment\nvalues:\n  a: 1   # kept\n  token:\n    fn::secret: hunter22\n"
        file.write_text(draft)
        assert env("seal", "--write", str(file)).code == 0
        sealed = file.read_text()
        assert "hunter22" not in sealed
        assert sealed.startswith("# a comment\nvalues:\n  a: 1   # kept\n  token:\n    fn::secret:")
        assert env("reveal", str(file)).out == draft

    def test_another_key_is_told_and_shows_nothing(self, house: House, env: ENV, tmp_path: Path) -> None:
        other = tmp_path / "other.key"
        other.write_text(env("key").out)
        found = env("reveal", str(house.environments / "global/operations.yaml"), INFRA_SEAL_KEY_FILE=str(other))
        assert found.code == 1
        assert "is needed" in found.err
        assert "INFRA_SEAL_KEY_FILE" in found.err

    def test_rotating_writes_the_new_state_back_sealed_and_keeps_the_one_before(self, house: House, env: ENV) -> None:
        file = house.write(
            "global/database",
            "values:\n  # the admin\n  password:\n    fn::rotate::password:\n      inputs: {length: 24}\n",
        )
        first = env("rotate", "global/database")
        assert first.code == 0, first.err
        assert "# the admin" in file.read_text()
        one = env("eval", str(house.environments), "global/database", "--reveal").json["values"]["password"]
        assert len(one["current"]) == 24
        assert one["current"] not in file.read_text()
        assert env("rotate", "global/database").code == 0
        misspelt = env("rotate", "global/database", "pasword")
        assert (misspelt.code, "It has: password." in misspelt.err) == (2, True)
        two = env("eval", str(house.environments), "global/database", "--reveal").json["values"]["password"]
        assert two["previous"] == one["current"] != two["current"]

    def test_environments_of_the_database_have_revisions_and_tags_and_hold_no_secret_in_clear(
        self, house: House, env: ENV, tmp_path: Path
    ) -> None:
        file = tmp_path / "e.yaml"
        file.write_text("values: {a: 1, token: {fn::secret: hunter22}}")
        assert env("put", "shared/extra", str(file), "--expected", "0").code == 0
        assert env("put", "shared/extra", str(file), "--expected", "0").code == 1  # it exists by now
        file.write_text("values: {a: 2}")
        assert env("put", "shared/extra", str(file), "--expected", "1").code == 0
        assert env("tag", "shared/extra", "stable", "1").code == 0
        rows = env("history", "shared/extra", "--format", "json").json
        assert [(row["revision"], row["tags"]) for row in rows] == [("2", ""), ("1", "stable")]
        assert b"hunter22" not in (house.home / "infra.db").read_bytes()
        house.write("tenants/customer1-prod", {"imports": ["shared/extra@stable", "fleet/customer1-prod"], "values": {}})
        assert env("show", "customer1-prod", "--format", "json").json["values"]["a"] == 1


def test_usage_counts_opens_per_environment_and_what_it_would_cost(env: ENV, house: House) -> None:
    from infra_assets.environments.usage import Usage, Use
    from infra_assets.fleet.database import connect

    Usage(connect(house.settings.database_url)).record([Use("tenants/customer1-prod", 3, 1, 9), Use("shared/app", 0, 2, 4)])
    plain = env("usage", "--days", "30", "--price-secret", "0.5", "--price-opens", "10000", "--format", "json").json
    assert plain["summary"] == {"opens": 3, "secrets": 3, "values": 13, "cost_30_days": 4.5}
    daily = env("usage", "--daily", "--format", "json").json["environments"]
    assert [(use["environment"], use["opens"]) for use in daily] == [("shared/app", 0), ("tenants/customer1-prod", 3)]
    assert daily[0]["day"]
