"""One stack through its life on the real engine, without Dagster: what each operation says, and what it costs in calls of the CLI."""

import json
import os
import signal
import subprocess
from collections.abc import Generator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra_assets.errors import InfraError
from infra_assets.fleet.accounts import role_arn
from infra_assets.sandbox import tools as sandbox_tools
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.sandbox.emulator import Fault, add_faults, calls, clear_faults
from infra_assets.sandbox.tools import Tools
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.operator import Operator
from infra_assets.stacks.projects import discover
from tests.end_to_end.conftest import ONE_TEP
from tests.end_to_end.house import House, wait_for

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

PROGRAM = """
import pulumi
import pulumi_aws as aws

topic = aws.sns.Topic("topic", tags={"color": pulumi.Config().require("color")})
pulumi.export("name", topic.name)
pulumi.export("token", pulumi.Output.secret(pulumi.Config().require("token")))
pulumi.export("hidden", {"list": [pulumi.Output.secret("s3cr3t-" + pulumi.Config().require("token"))]})
"""
FLEET = ONE_TEP + '          topic: {color: "no", token: "0x1F"}\n'
CONFIGURED = {"topic": {"color": "no", "token": "0x1F"}}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Generator[House]:
    root = tmp_path_factory.mktemp("root")
    folder = root / "pulumi_programs" / "topic"
    folder.mkdir(parents=True)
    (root / "workspace.yaml").write_text("load_from: []")
    (folder / "Pulumi.yaml").write_text("name: topic\nruntime: python\ninfra: {role: bootstrap, public_outputs: [name]}\n")
    (folder / "__main__.py").write_text(PROGRAM)
    built = House(root, tmp_path_factory.mktemp("home"))
    try:
        built.done("sandbox", "up")
        built.import_fleet(FLEET)
        yield built
    finally:
        built.close()


@pytest.fixture
def cell(house: House) -> Cell:
    return Cell(discover(house.root).get("topic"), house.registry.get("acme-dev"))


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: Tools) -> Path:
    """A file with a line for each call of the CLI: a shim stands before it."""
    log = tmp_path / "calls"
    log.touch()
    shim = tmp_path / "pulumi"
    shim.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {tools.pulumi} "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setattr(sandbox_tools, "find", lambda _settings: replace(tools, pulumi=shim))
    return log


def commands(log: Path) -> list[str]:
    lines = log.read_text().splitlines()
    log.write_text("")
    words = [line.removeprefix("--non-interactive ").split() for line in lines]
    return [" ".join(takewhile(lambda word: not word.startswith("-") and word != "acme-dev", line)) for line in words]


def test_a_stacks_life(house: House, cell: Cell, called: Path) -> None:
    operator = Operator(house.settings)

    first = operator.deploy(cell)
    assert first.outcome is not None
    assert first.outcome.ok, first.outcome.message
    assert (first.outcome.counts, first.reasons) == ({"create": 1}, ["never deployed"])
    # A first `up` makes the stack; outputs come from events and state.
    assert commands(called) == ["stack init", "up"]

    assert operator.deploy(cell).outcome is None
    assert commands(called) == []

    again = operator.deploy(cell, force=True)
    assert again.outcome is not None
    assert again.outcome.counts == {}
    assert commands(called)[0] == "up"

    entry = operator.ledger.latest()["acme-dev", "topic"]
    assert entry.outputs == {"name": first.outcome.outputs["name"], "token": None, "hidden": None}
    assert operator.outputs(cell)["token"] == "[secret]"
    assert operator.preview(cell).counts == {}


def test_values_reach_the_program_as_they_are_written(house: House, cell: Cell) -> None:
    """`no` and `0x1F` are strings here; a YAML reader between us and the engine would make a boolean and a number of them."""
    sns = _bootstrap(house, cell, "sns")
    arn = sns.list_topics()["Topics"][0]["TopicArn"]
    tags = {tag["Key"]: tag["Value"] for tag in sns.list_tags_for_resource(ResourceArn=arn)["Tags"]}
    assert tags["color"] == "no"


def test_a_secret_is_nowhere_in_clear(house: House) -> None:
    found = subprocess.run(["grep", "-rl", "s3cr3t-", str(house.home)], capture_output=True, text=True, check=False)
    assert found.stdout == ""


def test_drift_is_seen_and_a_check_only_reads(house: House, cell: Cell) -> None:
    sns = _bootstrap(house, cell, "sns")
    arn = sns.list_topics()["Topics"][0]["TopicArn"]
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "color", "Value": "blue"}])
    before = calls(house.emulator)[-1].n
    outcome = Operator(house.settings).preview(cell, refresh=True)
    assert outcome.counts == {"update": 1}
    assert {call.read_only for call in calls(house.emulator, before)} == {True}
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "color", "Value": "no"}])


def test_every_call_is_made_in_the_teps_own_account(house: House, cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this process' environment says of AWS."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASOMEBODYELSE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_PROFILE", "somebody-elses")
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    before = calls(house.emulator)[-1].n
    outcome = Operator(house.settings).preview(cell, refresh=True)
    assert outcome.ok, outcome.message
    made = calls(house.emulator, before)
    assert {call.account for call in made if call.service != "sts"} == {cell.tep.account_id}
    assert {call.region for call in made if call.service == "sns"} == {"us-east-1"}
    assert "AKIASOMEBODYELSE" not in {call.access_key_id for call in made}


def test_credentials_of_another_account_are_refused_before_anything_is_done(house: House, cell: Cell) -> None:
    given = {"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "of-the-operations-account"}
    house.configure("acme-other", CONFIGURED, aws={"bootstrap": {"fn::open::aws-login": {"static": given}}})
    before = calls(house.emulator)[-1].n
    operations = house.settings.operations_account
    with pytest.raises(
        InfraError, match=f"aws.bootstrap leads into account {operations}, but acme-other is account {cell.tep.account_id}; nothing was run"
    ):
        Operator(house.settings).deploy(replace(cell, tep=replace(cell.tep, environment="other")))
    assert {(call.service, call.action) for call in calls(house.emulator, before)} == {("sts", "GetCallerIdentity")}


def test_a_role_of_another_tenants_account_is_never_assumed(house: House, cell: Cell) -> None:
    stolen = {"roleArn": "arn:aws:iam::999999999999:role/infra-deploy", "sessionName": "mine"}
    house.configure("acme-other", CONFIGURED, aws={"bootstrap": {"fn::open::aws-login": {"assumeRole": stolen}}})
    before = calls(house.emulator)[-1].n
    with pytest.raises(InfraError, match="tenants/acme-other may not assume arn:aws:iam::999999999999:role/infra-deploy"):
        Operator(house.settings).deploy(replace(cell, tep=replace(cell.tep, environment="other")))
    assert calls(house.emulator, before) == []


def test_of_an_engine_that_was_killed_the_next_run_takes_the_lock_away_and_names_the_pending_create(house: House, cell: Cell) -> None:
    other = replace(cell, tep=replace(cell.tep, environment="dirty"))
    house.configure("acme-dirty", CONFIGURED)
    add_faults(house.emulator, [Fault("sns", "CreateTopic", delay_s=20, when="after", times=1)])
    child = os.fork()
    if child == 0:
        try:
            Operator(house.settings).deploy(other)
        finally:
            os._exit(0)

    def engines() -> list[psutil.Process]:
        return [p for p in psutil.Process(child).children(recursive=True) if p.name() == "pulumi"]

    try:
        wait_for("the engine to have begun", lambda: house.leftovers("topic", "acme-dirty")["pending"], 60)
        for process in engines():
            process.send_signal(signal.SIGKILL)
        os.waitpid(child, 0)
    finally:
        clear_faults(house.emulator)

    operator = Operator(house.settings)
    assert len(house.leftovers("topic", "acme-dirty")["locks"]) == 1
    with pytest.raises(InfraError, match="has no lock 123"):
        operator.unlock(other, "123")
    with pytest.raises(InfraError, match=r"may exist without being recorded: creating urn:pulumi:acme-dirty::topic::aws:sns/topic:Topic"):
        operator.deploy(other)
    assert house.leftovers("topic", "acme-dirty")["locks"] == []


@pytest.mark.parametrize("damage", ["emptied", "deleted"])
def test_a_state_that_lost_its_resources_is_refused_also_after_a_failure(house: House, cell: Cell, damage: str) -> None:
    """Pulumi would take it for a new stack, and create everything a second time."""
    path = house.state / ".pulumi/stacks/topic/acme-dev.json"
    whole = path.read_text()
    content = json.loads(whole)
    content["checkpoint"]["latest"] = None
    path.write_text(json.dumps(content)) if damage == "emptied" else path.unlink()
    try:
        for _ in range(2):
            with pytest.raises(InfraError, match="the state holds 0 resources, the last operation recorded 1"):
                Operator(house.settings).deploy(cell, force=True)
    finally:
        path.write_text(whole)
    mended = Operator(house.settings).deploy(cell)
    assert mended.outcome is not None
    assert mended.outcome.counts == {}


def test_state_in_a_bucket_is_reached_with_the_operations_keys_and_the_cloud_with_the_teps(house: House, cell: Cell) -> None:
    aws = Aws(environment(house.settings))
    aws.client(aws.session(), "s3", "us-east-1").create_bucket(Bucket="states")
    settings = house.settings.model_copy(update={"state_backend": "s3://states?region=us-east-1"})
    house.configure("acme-bucket", CONFIGURED)
    other = replace(cell, tep=replace(cell.tep, environment="bucket"))
    before = calls(house.emulator)[-1].n
    outcome = Operator(settings).deploy(other).outcome
    assert outcome is not None
    assert (outcome.ok, outcome.counts) == (True, {"create": 1}), outcome.message
    made = calls(house.emulator, before)
    assert {call.account for call in made if call.service == "s3"} == {settings.operations_account}
    assert {call.account for call in made if call.service == "sns"} == {cell.tep.account_id}
    assert Operator(settings).destroy(other).ok


def test_a_secret_of_the_environment_is_one_in_settings_and_state(house: House, cell: Cell) -> None:
    """Nested in an object too; and that it became a secret is a change, though its value did not."""
    other = replace(cell, tep=replace(cell.tep, environment="sealed"))
    house.configure("acme-sealed", {"topic": {"color": "red", "token": "s3cr3t-token"}})
    first = Operator(house.settings).deploy(other)
    assert first.outcome is not None
    house.configure("acme-sealed", {"topic": {"color": "red", "token": {"fn::secret": "s3cr3t-token"}}})
    again = Operator(house.settings).deploy(other)
    assert again.reasons[0].startswith("configuration ")
    assert again.outcome is not None
    assert again.outcome.ok, again.outcome.message
    assert Operator(house.settings).deploy(other).outcome is None
    assert Operator(house.settings).destroy(other).ok
    for file in (house.environments / "tenants").glob("acme-sealed.yaml"):
        file.unlink()


def test_destroy_leaves_nothing(house: House, cell: Cell) -> None:
    operator = Operator(house.settings)
    outcome = operator.destroy(cell)
    assert (outcome.ok, outcome.counts) == (True, {"delete": 1})
    names = [topic["TopicArn"] for topic in _bootstrap(house, cell, "sns").list_topics()["Topics"]]
    assert not [name for name in names if name.endswith(str(outcome.changes[0].id).rsplit(":", 1)[-1])]
    assert operator.ledger.latest()["acme-dev", "topic"].state == "removed"


def _bootstrap(house: House, cell: Cell, service: str) -> Any:
    aws = Aws(environment(house.settings))
    session = aws.session(role_arn=role_arn(cell.tep, "bootstrap"), external_id=cell.tep.external_id)
    return aws.client(session, service, cell.tep.region)


def test_a_token_of_this_hosts_issuer_opens_the_account_too(house: House, cell: Cell, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("header.claims.signature")
    role = {"roleArn": role_arn(cell.tep, "bootstrap"), "sessionName": "by-token", "duration": "1h"}
    house.configure("acme-token", CONFIGURED, aws={"bootstrap": {"fn::open::aws-login": {"oidc": role}}})
    other = replace(cell, tep=replace(cell.tep, environment="token"))
    with pytest.raises(InfraError, match=r"aws\.bootstrap: aws-login: oidc needs"):
        Operator(house.settings).deploy(other)
    before = calls(house.emulator)[-1].n
    outcome = Operator(house.settings.model_copy(update={"oidc_token_file": token})).deploy(other).outcome
    assert outcome is not None
    assert outcome.ok, outcome.message
    made = calls(house.emulator, before)
    assert "AssumeRoleWithWebIdentity" in {call.action for call in made}
    assert {call.account for call in made if call.service == "sns"} == {cell.tep.account_id}
