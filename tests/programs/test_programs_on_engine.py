"""The three programs of one tenant, on the real engine and the real provider."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra_assets.sandbox import emulator
from infra_assets.sandbox.tools import Tools
from tests.programs.deploying import Tenant
from tests.programs.recording import CONFIG

pytestmark = pytest.mark.engine

ORDER = ("account", "network", "cluster")
SIZES = {"account": 13, "network": 20, "cluster": 11}
"""How many AWS resources each project has as configured here."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.Emulator]:
    """Start an AWS of this module's own."""
    folder = tmp_path_factory.mktemp("cloud")
    yield emulator.start(folder)
    emulator.stop(folder)


@pytest.fixture
def tenant(tools: Tools, cloud: emulator.Emulator, tmp_path: Path, request: pytest.FixtureRequest) -> Tenant:
    """Return a tenant to whom nothing has been deployed, in an account that no other test uses."""
    digits = sum(request.node.name.encode()) % 10_000
    return Tenant(tools, cloud, tmp_path, f"77777777{digits:04d}")


def aws_resources(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith("aws:")}


def test_from_nothing_to_nothing(tenant: Tenant) -> None:
    for project in ORDER:
        first = tenant.up(project)
        assert not first.failed, first.messages
        assert len(aws_resources(first.resources["create"])) == SIZES[project]
    for project in ORDER:
        again = tenant.up(project)
        assert (again.failed, again.changes, again.messages) == (False, {}, [])
    for project in ORDER:
        checked = tenant.check(project)
        assert (checked.failed, checked.changes, checked.messages) == (False, {}, [])
    assert CONFIG["account"]["external_id"] not in tenant.state("account")
    for project in reversed(ORDER):
        gone = tenant.destroy(project)
        assert not gone.failed, gone.messages
        assert len(aws_resources(gone.resources["delete"])) == SIZES[project]


def test_what_will_be_made_is_known_while_the_outputs_upstream_are_not(tenant: Tenant, tmp_path_factory: pytest.TempPathFactory) -> None:
    for project in ("account", "network"):
        assert not tenant.up(project).failed
    imagined = tenant.imagined(tmp_path_factory.mktemp("imagined") / "tenant", "account", "network")
    foreseen = imagined.preview("cluster")
    assert (foreseen.failed, foreseen.messages) == (False, [])
    assert len(aws_resources(foreseen.resources["create"])) == SIZES["cluster"]
    # What is there already would be looked at again: nobody knows whether its boundary stays the same.
    again = imagined.preview("network")
    assert (again.failed, again.messages) == (False, [])
    assert {name.split()[0] for name in aws_resources(again.changes["update"])} <= {"aws:iam/role:Role", "aws:ec2/flowLog:FlowLog"}


def test_a_tenants_capacity_changes_its_group_and_its_instance_type_rolls_the_instances(tenant: Tenant) -> None:
    for project in ORDER:
        assert not tenant.up(project).failed
    resized = tenant.up("cluster", {**CONFIG["cluster"], "desired": "3"})
    assert resized.changes == {"update": {"aws:autoscaling/group:Group cluster"}}
    rolled = tenant.up("cluster", {**CONFIG["cluster"], "instance_type": "m6i.large"})
    assert not rolled.failed, rolled.messages
    assert rolled.changes == {"update": {"aws:autoscaling/group:Group cluster", "aws:ec2/launchTemplate:LaunchTemplate cluster-instances"}}
    # More of the new kind, which needs the template's second version.
    grown = tenant.up("cluster", {**CONFIG["cluster"], "instance_type": "m6i.large", "desired": "4"})
    assert (grown.failed, grown.changes) == (False, {"update": {"aws:autoscaling/group:Group cluster"}})


def test_a_network_grows_by_a_zone_without_touching_what_is_there(tenant: Tenant) -> None:
    assert not tenant.up("network", {"cidr": "10.20.0.0/16", "flow_logs": "false"}).failed
    grown = tenant.up("network", {"cidr": "10.20.0.0/16", "flow_logs": "false", "zones": "3", "nat": "per_zone"})
    assert not grown.failed, grown.messages
    # Zone 2 moves from the only NAT gateway to one of its own.
    assert set(grown.changes) == {"create", "update"}
    assert grown.changes["update"] == {"aws:ec2/routeTableAssociation:RouteTableAssociation network-private-2"}
    assert len(aws_resources(grown.changes["create"])) == 12


def test_a_wrong_configuration_fails_with_the_message_and_no_traceback(tenant: Tenant) -> None:
    outcome = tenant.up("cluster", {"min_size": "1", "max_size": "two"})
    expected = (
        "pulumi_programs/cluster/config.py: stack acme-prod: cluster:instance_type: field required (a string such as t3.medium)\n"
        "pulumi_programs/cluster/config.py: stack acme-prod: cluster:max_size: input should be a valid integer, "
        "unable to parse string as an integer (a whole number such as 4)"
    )
    assert outcome.failed
    assert outcome.messages[0].strip() == expected
    assert not any("Traceback" in message for message in outcome.messages)
    assert aws_resources(outcome.resources["create"]) == set()


def test_a_missing_upstream_stack_creates_nothing(tenant: Tenant) -> None:
    outcome = tenant.up("network")
    assert outcome.failed
    assert 'unknown stack "organization/account/acme-prod"' in outcome.messages[0]
    assert aws_resources(outcome.resources["create"]) == set()
