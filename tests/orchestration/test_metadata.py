"""What a materialization shows, and what it does not."""

from pathlib import Path
from typing import Any

import dagster as dg

from infra_assets.fleet.models import Ring, Tep
from infra_assets.orchestration import metadata
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.inputs import Inputs
from infra_assets.stacks.operator import Deployment
from infra_assets.stacks.outcome import Change, Diagnostic, Outcome
from infra_assets.stacks.projects import About, Project

VPC = "urn:pulumi:acme-prod::network::infra:network:Network$aws:ec2/vpc:Vpc::main"
SUBNET = "urn:pulumi:acme-prod::network::aws:ec2/subnet:Subnet::a"
CELL = Cell(
    Project("network", "", Path(), About(public_outputs=("vpc_id",), main_resources=("aws:ec2/vpc:Vpc",))),
    Tep("acme", "prod", Ring.REGULAR, "eu-west-1", "111111111111", "x"),
)
INPUTS = Inputs("p" * 64, "c", "u", "3.1", "7.1")


def outcome(**values: Any) -> Outcome:
    changes = [Change(VPC, "create", id="vpc-1"), Change(SUBNET, "same", id="subnet-1")]
    return Outcome("up", True, 1.234, changes, **values)


def plain(shown: dict[str, dg.MetadataValue[Any]]) -> dict[str, Any]:
    return {name: value.value for name, value in shown.items()}


def test_counts_are_numbers_and_links_lead_into_the_teps_account_and_region() -> None:
    shown = plain(metadata.deployed(CELL, Deployment(INPUTS, ["never deployed"], outcome(), {})))
    assert list(shown)[:2] == ["state", "why"]
    assert (shown["create"], shown["update"], shown["resources"], shown["duration_s"]) == (1, 0, 2, 1.23)
    assert shown["aws_account"].startswith("https://signin.aws.amazon.com/switchrole?account=111111111111&roleName=infra-deploy")
    assert shown["console_main"] == ("https://eu-west-1.console.aws.amazon.com/vpcconsole/home?region=eu-west-1#VpcDetails:VpcId=vpc-1")
    assert not [name for name in shown if name.startswith("console_") and name != "console_main"]


def test_an_output_that_is_not_declared_public_is_shown_by_its_name_only() -> None:
    said = outcome(outputs={"vpc_id": "vpc-1", "password": "hunter2"})
    shown = plain(metadata.deployed(CELL, Deployment(INPUTS, ["forced"], said, {})))
    assert shown["outputs"] == {"password": "(not public)", "vpc_id": "vpc-1"}
    assert "hunter2" not in str(shown)


def test_what_is_unchanged_says_so() -> None:
    shown = plain(metadata.deployed(CELL, Deployment(INPUTS, [], None, {"shared/app": "0123456789abcdef"})))
    assert (shown["state"], shown["create"]) == ("unchanged", 0)


def test_a_failure_shows_the_engines_diagnostics_by_resource() -> None:
    said = outcome(diagnostics=[Diagnostic("error", "VpcLimitExceeded", VPC)], message="VpcLimitExceeded")
    shown = plain(metadata.failed(CELL, said))
    assert "**error** main\n```\nVpcLimitExceeded\n```" in shown["diagnostics"]
