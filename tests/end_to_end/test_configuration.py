"""Environments on their way into stacks, on the real engine and AWS emulator: what is opened, when, how often, and who fails for what."""

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from infra_assets.environments.usage import Usage, totals
from infra_assets.fleet.accounts import role_arn
from infra_assets.fleet.database import connect
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.sandbox.tools import Tools
from tests.end_to_end.house import House

pytestmark = [pytest.mark.engine, pytest.mark.dagster, pytest.mark.timeout(600)]

FIRST = """
import pulumi
import pulumi_aws as aws

topic = aws.sns.Topic("first", name=pulumi.Config().require("name"))
pulumi.export("arn", topic.arn)
"""
SECOND = """
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
aws.sns.Topic("second", display_name=config.require("label"), tags={"first": config.require("arn")})
pulumi.export("password", config.require_secret("password"))
"""
LOGIN = "${aws.bootstrap}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Generator[House]:
    root = tmp_path_factory.mktemp("root")
    for name, program, about in (("first", FIRST, "{role: bootstrap}"), ("second", SECOND, "{role: bootstrap, depends_on: [first]}")):
        folder = root / "pulumi_programs" / name
        folder.mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\ninfra: {about}\n")
        (folder / "__main__.py").write_text(program)
    shutil.copy(Path(__file__).parents[2] / "workspace.yaml", root)
    built = House(root, tmp_path_factory.mktemp("home"))
    try:
        built.done("sandbox", "up")
        built.import_fleet("tenants: {acme: {environments: {dev: {}}}, other: {environments: {dev: {}}}}")
        yield built
    finally:
        built.close()


def configure(house: House, name: str = "one") -> None:
    """Write acme-dev's environment: a secret and a parameter of its own account, and an output of its first stack."""
    values = {
        "secrets": {"fn::open::aws-secrets": {"region": "us-east-1", "login": LOGIN, "get": {"db": {"secretId": "db-password"}}}},
        "parameters": {"fn::open::aws-parameter-store": {"region": "us-east-1", "login": LOGIN, "get": {"label": {"name": "/app/label"}}}},
        "stacks": {"fn::open::pulumi-stacks": {"stacks": {"first": {"stack": "first/acme-dev"}}}},
        "pulumiConfig": {
            "first:name": name,
            "second:label": "${parameters.label}",
            "second:password": "${secrets.db}",
            "second:arn": "${stacks.first.arn}",
        },
    }
    house.write("tenants/acme-dev", {"imports": ["fleet/acme-dev"], "values": values})


def store(house: House, password: str, label: str) -> None:
    """Put a secret and a parameter into acme-dev's account."""
    tep = house.registry.get("acme-dev")
    aws = Aws(environment(house.settings))
    session = aws.session(role_arn=role_arn(tep, "bootstrap"), external_id=tep.external_id)
    secrets, parameters = aws.client(session, "secretsmanager", tep.region), aws.client(session, "ssm", tep.region)
    known = [item["Name"] for item in secrets.list_secrets()["SecretList"]]
    if "db-password" in known:
        secrets.put_secret_value(SecretId="db-password", SecretString=password)
    else:
        secrets.create_secret(Name="db-password", SecretString=password)
    parameters.put_parameter(Name="/app/label", Value=label, Type="String", Overwrite=True)


def opens(house: House) -> int:
    return totals(Usage(connect(house.settings.database_url)).read(days=1))["tenants/acme-dev"].opens


def states(house: House, *arguments: str) -> tuple[int, dict[str, str]]:
    said = house.infra("rollout", "--wait", "--format", "json", "--tep", "acme-dev", *arguments)
    return said.code, {cell["project"]: f"{cell['state']}: {cell['message']}".removesuffix(": ") for cell in said.json["cells"]}


def test_what_is_opened_reaches_the_stack_and_outputs_of_one_reach_the_next(house: House) -> None:
    configure(house)
    store(house, "p4ssw0rd-one", "blue")
    assert states(house) == (0, {"first": "deployed", "second": "deployed"})
    outputs = house.ledger.latest()["acme-dev", "second"].outputs
    assert outputs == {"password": None}
    assert house.infra("plan", "--tep", "acme-dev").code == 0


def test_nothing_of_it_is_stored(house: House) -> None:
    everything = b"".join(path.read_bytes() for path in house.home.rglob("*") if path.is_file() and not path.is_symlink())
    assert b"p4ssw0rd-one" not in everything
    assert house.ledger.latest()["acme-dev", "second"].environments is not None


def test_a_secret_that_changed_where_it_lives_is_seen_without_any_edit(house: House) -> None:
    store(house, "p4ssw0rd-two", "blue")
    plan = house.infra("plan", "--tep", "acme-dev", "--format", "json")
    assert (plan.code, plan.json["summary"]) == (3, {"run": 1, "unchanged": 1})
    assert plan.json["cells"][1]["cause"].startswith("configuration: second:password [")
    assert "p4ssw0rd" not in plan.out + plan.err


def test_a_rollout_opens_each_environment_once(house: House) -> None:
    store(house, "p4ssw0rd-three", "green")
    before = opens(house)
    assert states(house) == (0, {"first": "unchanged", "second": "deployed"})
    assert opens(house) == before + 1


def test_what_reads_an_output_waits_for_it(house: House) -> None:
    configure(house, "two")
    plan = house.infra("plan", "--tep", "acme-dev", "--format", "json").json
    assert [(cell["project"], cell["verdict"], cell["cause"].split(" ")[0]) for cell in plan["cells"]] == [
        ("first", "run", "configuration:"),
        ("second", "maybe", "after"),
    ]
    assert states(house) == (0, {"first": "deployed", "second": "deployed"})
    tep = house.registry.get("acme-dev")
    aws = Aws(environment(house.settings))
    sns = aws.client(aws.session(role_arn=role_arn(tep, "bootstrap"), external_id=tep.external_id), "sns", tep.region)
    tags = [
        {tag["Key"]: tag["Value"] for tag in sns.list_tags_for_resource(ResourceArn=topic["TopicArn"])["Tags"]}
        for topic in sns.list_topics()["Topics"]
    ]
    assert [found["first"].rsplit(":", 1)[-1] for found in tags if "first" in found] == ["two"]


def test_another_tenants_outputs_are_not_to_be_had(house: House) -> None:
    text = (house.environments / "tenants/acme-dev.yaml").read_text()
    house.write("tenants/acme-dev", text.replace("first/acme-dev", "first/other-dev"))
    code, found = states(house)
    assert code == 1
    assert "tenants/acme-dev may not read stack first/other-dev" in found["second"]
    house.write("tenants/acme-dev", text)


def test_an_error_in_one_teps_layers_fails_that_tep_closed_and_the_other_goes_on(house: House) -> None:
    values = {
        "pulumiConfig": {"first:name": "theirs", "second:label": "l", "second:arn": "a", "second:password": {"fn::secret": "sss-ecret"}}
    }
    house.write("tenants/other-dev", {"imports": ["fleet/other-dev"], "values": values})
    house.write("tenants/acme-dev", 'imports: [fleet/acme-dev]\nvalues:\n  pulumiConfig:\n    "first:name": ${none}\n')
    plan = house.infra("plan", "--format", "json")
    assert (plan.code, plan.json["summary"]) == (1, {"error": 2, "run": 2})
    said = house.infra("rollout", "--wait", "--format", "json")
    assert said.code == 1
    assert said.json["summary"] == {"deployed": 2, "failed": 2}
    message = said.json["cells"][0]["message"]
    assert message.endswith('environments/tenants/acme-dev.yaml:4:21: values.pulumiConfig["first:name"]: unknown property "none"')
    assert house.states("--tep", "acme-dev") == {("acme-dev", "first"): "failed", ("acme-dev", "second"): "failed"}


def test_a_secret_that_cannot_be_opened_fails_its_cell_alone(house: House) -> None:
    configure(house, "three")
    text = (house.environments / "tenants/acme-dev.yaml").read_text()
    house.write("tenants/acme-dev", text.replace("db-password", "no-such-secret"))
    code, found = states(house)
    assert code == 1
    assert found["first"] == "deployed"
    assert "no-such-secret" in found["second"]
    assert "environments/tenants/acme-dev.yaml:" in found["second"]
