"""The built engine and provider at work; previews alone, so that no AWS is needed."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import automation

from infra_assets.sandbox.tools import Tools

pytestmark = [pytest.mark.engine, pytest.mark.timeout(3600)]  # the first time, it builds

Preview = Callable[[Callable[[], None]], dict[str, int]]


@pytest.fixture
def preview(built_tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Preview:
    """Preview an inline program on a new stack, and return how many changes of each kind there would be."""
    monkeypatch.setenv("PATH", f"{built_tools.pulumi.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")
    environment = {
        "PULUMI_HOME": str(built_tools.pulumi_home),
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
    }
    project = automation.ProjectSettings(name="trial", runtime="python", backend=automation.ProjectBackend(tmp_path.as_uri()))
    options = automation.LocalWorkspaceOptions(project_settings=project, env_vars=environment)

    def run(program: Callable[[], None]) -> dict[str, int]:
        stack = automation.create_stack("trial", project_name="trial", program=program, opts=options)
        return {str(operation): count for operation, count in stack.preview().change_summary.items()}

    return run


def unconnected() -> pulumi.ResourceOptions:
    """Return options with a provider that asks AWS nothing before it has to."""
    provider = aws.Provider(
        "unconnected",
        region="eu-west-1",
        access_key="a",
        secret_key="b",
        skip_credentials_validation=True,
        skip_requesting_account_id=True,
    )
    return pulumi.ResourceOptions(provider=provider)


def test_the_engine_finds_the_provider_in_pulumi_home(built_tools: Tools) -> None:
    listing = subprocess.run(
        [built_tools.pulumi, "plugin", "ls"], env={"PULUMI_HOME": str(built_tools.pulumi_home), "HOME": "/nowhere"},
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert ["aws", "resource", built_tools.provider_version] in [line.split()[:3] for line in listing.splitlines()]


def test_a_program_for_the_official_provider_is_understood(preview: Preview) -> None:
    def program() -> None:
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2"}}]}
        role = aws.iam.Role("task", assume_role_policy=trust, opts=unconnected())  # pyright: ignore[reportArgumentType]
        pulumi.Output.all(role.name, role.assume_role_policy).apply(check)

    def check(values: list[str]) -> None:
        assert values[0].startswith("task-")  # named after the resource
        assert values[1].startswith('{"Statement":')  # an object for a policy

    assert preview(program)["create"] == 3


def test_an_input_that_upstream_is_too_old_for_is_refused(preview: Preview) -> None:
    def program() -> None:
        aws.sns.Topic("alarms", maximum_message_size=2048, opts=unconnected())

    with pytest.raises(automation.CommandError, match="maximumMessageSize: newer than the AWS provider that was built here"):
        preview(program)
