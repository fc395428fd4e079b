"""Reading what other stacks gave."""

import pulumi
import pytest
from pulumi.output import Unknown

from pulumi_programs.components.upstream import Upstream, UpstreamError, upstream
from tests.programs.recording import ACCOUNT as NUMBER
from tests.programs.recording import BOUNDARY, UNKNOWN, UPSTREAM, Refused, Run

ACCOUNT = {"account_id": NUMBER}
TO_BE_KNOWN = {project: dict.fromkeys(outputs, UNKNOWN) for project, outputs in UPSTREAM.items()}
"""What a preview knows of stacks that are not deployed yet."""
GROUP = "aws:autoscaling/group:Group"


def test_a_missing_output_is_named_with_both_stacks_and_the_remedy(refused: Refused) -> None:
    message = refused("network", upstream={"account": ACCOUNT})
    assert message == "network/acme-prod: the stack account/acme-prod has no output boundary_arn; deploy account/acme-prod first"


def test_nothing_is_created_when_an_output_is_missing(run: Run) -> None:
    created: list[str] = []

    async def main() -> None:
        (await upstream("account")).text("boundary_arn")
        created.append("never")

    with pytest.raises(pulumi.RunError):
        run("network", program=lambda: pulumi.run(main), upstream={"account": ACCOUNT})
    assert created == []


@pytest.mark.parametrize("value", ["subnet-1", [1, 2], {"a": "b"}, 7])
def test_an_output_of_another_kind_is_refused(value: object) -> None:
    with pytest.raises(UpstreamError, match="private_subnet_ids that is not a"):
        Upstream("network/acme-prod", {"private_subnet_ids": value}, []).texts("private_subnet_ids")


@pytest.mark.parametrize("secrets", [[], ["token"]])
def test_what_was_a_secret_stays_one(run: Run, secrets: list[str]) -> None:
    found: list[bool] = []

    async def main() -> None:
        found.append(await Upstream("account/acme-prod", {"token": "canary"}, secrets).text("token").is_secret())

    run("network", program=lambda: pulumi.run(main))
    assert found == [bool(secrets)]


@pytest.mark.parametrize("project", ["network", "cluster"])
def test_a_preview_knows_what_will_be_made_though_nothing_upstream_is_deployed(run: Run, project: str) -> None:
    known = run(project, preview=True)
    unknown = run(project, preview=True, upstream=TO_BE_KNOWN)
    assert {(item.type, item.name) for item in unknown.resources} == {(item.type, item.name) for item in known.resources}
    assert unknown.outputs.keys() == known.outputs.keys()
    assert all(isinstance(role.inputs["permissionsBoundary"], Unknown) for role in unknown.of("aws:iam/role:Role"))


def test_one_unknown_hides_no_other_output(run: Run) -> None:
    recorded = run("cluster", preview=True, upstream={**UPSTREAM, "network": {**UPSTREAM["network"], "vpc_id": UNKNOWN}})
    assert isinstance(recorded.one("aws:ec2/securityGroup:SecurityGroup").inputs["vpcId"], Unknown)
    assert recorded.one(GROUP).inputs["vpcZoneIdentifiers"] == ["subnet-1", "subnet-2"]
    assert recorded.one("aws:iam/role:Role").inputs["permissionsBoundary"] == BOUNDARY


def test_a_list_may_hold_an_unknown(run: Run) -> None:
    network = {"vpc_id": "vpc-1", "private_subnet_ids": ["subnet-1", UNKNOWN]}
    subnets = run("cluster", preview=True, upstream={**UPSTREAM, "network": network}).one(GROUP).inputs["vpcZoneIdentifiers"]
    assert isinstance(subnets, Unknown)


@pytest.mark.parametrize("value", [UNKNOWN, ["subnet-1", UNKNOWN]])
def test_what_a_deployment_does_not_know_is_missing(refused: Refused, value: object) -> None:
    network = {"vpc_id": "vpc-1", "private_subnet_ids": value}
    message = refused("cluster", upstream={**UPSTREAM, "network": network})
    assert message.endswith("has no output private_subnet_ids; deploy network/acme-prod first")


def test_a_preview_too_misses_what_its_upstream_will_not_have(refused: Refused) -> None:
    message = refused("network", preview=True, upstream={"account": {"account_id": UNKNOWN}})
    assert message.endswith("has no output boundary_arn; deploy account/acme-prod first")


@pytest.mark.parametrize("secrets", [[], ["token"]])
def test_a_secret_that_is_not_known_yet_is_one_already(run: Run, secrets: list[str]) -> None:
    found: list[tuple[bool, bool]] = []

    async def main() -> None:
        token = Upstream("account/acme-prod", {"token": pulumi.UNKNOWN}, secrets).text("token")
        found.append((await token.is_secret(), await token.is_known()))

    run("network", program=lambda: pulumi.run(main), preview=True)
    assert found == [(bool(secrets), False)]
