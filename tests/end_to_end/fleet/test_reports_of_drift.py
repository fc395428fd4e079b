"""Changes behind Pulumi's back in the demo's fleet: found without touching anything, shown to people, and taken back.

Other tests use the same fleet: at the end it is as it was.
"""

import json
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from infra_assets.sandbox.emulator import Call, calls
from tests.end_to_end.browser import needs_browser, opened
from tests.end_to_end.fleet.conftest import PROJECTS, TEPS
from tests.end_to_end.graphql import graphql
from tests.end_to_end.house import House, Said, wait_for
from tests.end_to_end.proposals import cells, frozen, touched, verdicts

expect.set_options(timeout=60_000)
pytestmark = [pytest.mark.engine, pytest.mark.dagster, pytest.mark.timeout(900)]

RENAMED, DELETED, REVOKED = ("cluster", "customer2-prod"), ("network", "ourcompany-stag"), ("account", "ourcompany-test")
ROLE = "OrganizationAccountAccessRole"
"""As what the project `account` is looked at, and nothing else."""


@dataclass(frozen=True)
class Looked:
    """A look at the fleet, what AWS has seen of it, and the state backend before and after."""

    said: Said
    calls: list[Call]
    before: Mapping[str, tuple[bytes, int]]
    after: Mapping[str, tuple[bytes, int]]


class Mischief:
    """Three changes in three accounts, by hand."""

    def __init__(self, fleet: House) -> None:
        self.fleet = fleet
        self.trust = self._iam().get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
        self.before = self.cloud()

    def do(self) -> None:
        ec2 = self._ec2(RENAMED[1])
        ec2.create_tags(Resources=[self._group(ec2)["GroupId"]], Tags=[{"Key": "Name", "Value": "hands-off"}])
        ec2 = self._ec2(DELETED[1])
        (subnet,) = [each for each in self._subnets(ec2) if ("Name", "network-public-2") in self._tags(each)]
        for table in ec2.describe_route_tables()["RouteTables"]:
            for association in table["Associations"]:
                if association.get("SubnetId") == subnet["SubnetId"]:
                    ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        stranger = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}
        self._trust({"Version": "2012-10-17", "Statement": [stranger]})

    def restore_role(self) -> None:
        self._trust(self.trust)

    def cloud(self) -> dict[str, Any]:
        """Return what there is in the accounts, but for ids."""
        ec2 = self._ec2(DELETED[1])
        names = {each["SubnetId"]: self._tags(each) for each in self._subnets(ec2)}
        associated = {
            (association["SubnetId"], table["RouteTableId"])
            for table in ec2.describe_route_tables()["RouteTables"]
            for association in table["Associations"]
            if association.get("SubnetId") in names
        }
        return {
            "subnets": sorted((each["CidrBlock"], each["AvailabilityZone"], self._tags(each)) for each in self._subnets(ec2)),
            "associations": sorted((names[subnet], table) for subnet, table in associated),
            "group": self._tags(self._group(self._ec2(RENAMED[1]))),
            "trust": self._iam().get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"],
        }

    def _ec2(self, tep: str) -> Any:
        return self.fleet.client(self.fleet.registry.get(tep), "ec2")

    def _iam(self) -> Any:
        return self.fleet.client(self.fleet.registry.get(REVOKED[1]), "iam")

    def _trust(self, document: Mapping[str, Any]) -> None:
        self._iam().update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(document))

    @staticmethod
    def _group(ec2: Any) -> Any:
        (group,) = [each for each in ec2.describe_security_groups()["SecurityGroups"] if each["GroupName"].startswith("cluster-instances")]
        return group

    @staticmethod
    def _subnets(ec2: Any) -> list[Any]:
        return [each for each in ec2.describe_subnets()["Subnets"] if not each["DefaultForAz"]]

    @staticmethod
    def _tags(thing: Any) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((tag["Key"], tag["Value"]) for tag in thing["Tags"]))


@pytest.fixture(scope="module")
def mischief(fleet: House) -> Generator[Mischief]:
    done = Mischief(fleet)
    done.do()
    yield done
    done.restore_role()
    fleet.infra("rollout", "--drifted", "--wait")


@pytest.fixture(scope="module")
def looked(fleet: House, mischief: Mischief) -> Looked:
    before, last = frozen(fleet.state), calls(fleet.emulator)[-1].n
    said = fleet.infra("drift", "--format", "json", timeout_s=500)
    return Looked(said, calls(fleet.emulator, since=last), before, frozen(fleet.state))


@pytest.fixture(scope="module")
def page(looked: Looked) -> Generator[Page]:
    needs_browser()
    with opened(width=1600, height=1000, scale=0.8) as page:
        yield page


def published(fleet: House, report: str) -> dict[str, Any] | None:
    """Return what the newest materialization of `fleet_report` shows, once it is that of a report."""
    query = """{ assetOrError(assetKey: {path: ["fleet_report"]}) { ... on Asset { assetMaterializations(limit: 1) { metadataEntries {
      label ... on IntMetadataEntry { intValue } ... on UrlMetadataEntry { url } ... on TextMetadataEntry { text } } } } } }"""
    for each in graphql(fleet.dagster.url, query, {})["assetOrError"].get("assetMaterializations", ()):
        shown = {entry["label"]: next((v for k, v in entry.items() if k != "label"), None) for entry in each["metadataEntries"]}
        if shown["report"] == f"/reports/{report}/report.html":
            return shown
    return None


def test_just_the_two_cells_that_were_changed_have_drifted_and_the_third_cannot_be_told(looked: Looked) -> None:
    assert looked.said.code == 1, looked.said.err
    assert looked.said.json["summary"] == {"drifted": 2, "error": 1, "in-sync": len(TEPS) * len(PROJECTS) - 3}
    assert verdicts(looked.said, "in-sync") == {RENAMED: "drifted", DELETED: "drifted", REVOKED: "error"}


def test_each_says_what_is_not_as_it_was_left_and_what_would_bring_it_back(looked: Looked) -> None:
    found = cells(looked.said)
    (group,) = found[RENAMED]["drift"]
    assert (group["type"], group["name"], group["operation"]) == ("aws:ec2/securityGroup:SecurityGroup", "cluster-instances", "update")
    assert group["properties"] == [{"path": "tags.Name", "kind": "update", "before": "cluster-instances", "after": "hands-off"}]
    assert touched(found[RENAMED]["resources"]) == [("update", "cluster-instances", ["tags.Name"])]
    gone = {(each["type"].rpartition(":")[2], each["operation"]) for each in found[DELETED]["drift"]}
    assert gone == {("Subnet", "delete"), ("RouteTableAssociation", "delete")}
    assert {each["name"] for each in found[DELETED]["drift"]} == {"network-public-2"}
    assert found[DELETED]["changes"] == {"create": 2, "update": 0, "replace": 0, "delete": 0}


def test_what_cannot_be_checked_names_the_role(fleet: House, looked: Looked) -> None:
    account = fleet.registry.get(REVOKED[1]).account_id
    message = cells(looked.said)[REVOKED]["message"]
    assert f"aws.inspect: aws-login: arn:aws:iam::{account}:role/{ROLE} cannot be assumed: AccessDenied" in message


def test_to_look_reads_and_touches_no_state(fleet: House, looked: Looked) -> None:
    assert {call.account for call in looked.calls} >= {tep.account_id for tep in fleet.registry.list()}
    assert {(call.service, call.action) for call in looked.calls if not call.read_only} == set()
    assert looked.after == looked.before
    work = fleet.home / "work"
    assert not work.exists() or list(work.iterdir()) == []


def test_the_bare_form_has_a_digit_a_cell(fleet: House, looked: Looked) -> None:
    said = fleet.infra("drift", "--last", "--bare")
    assert said.code == 1
    bare = dict(line.split("\t") for line in said.out.splitlines())
    assert bare == {f"{project}/{tep}": str(int((project, tep) in (RENAMED, DELETED, REVOKED))) for tep in TEPS for project in PROJECTS}


def test_the_fleets_report_is_an_asset_with_numbers_to_plot(fleet: House, looked: Looked) -> None:
    shown = wait_for("the report to be published", lambda: published(fleet, looked.said.json["id"]), 60)
    numbers = {"in_sync": len(TEPS) * len(PROJECTS) - 3, "drifted": 2, "pending": 0, "both": 0, "error": 1}
    assert {name: shown[name] for name in numbers} == numbers
    assert (shown["resources_changed_in_the_cloud"], shown["resources_gone_in_the_cloud"]) == (1, 2)


@pytest.mark.browser
def test_the_partitions_page_shows_the_verdict_and_the_check_its_diff(page: Page, fleet: House, looked: Looked, artifacts: Path) -> None:
    page.goto(f"{fleet.dagster.url}/assets/cluster?view=partitions&partition={RENAMED[1]}")
    expect(page.get_by_role("row").filter(has_text="verdict").filter(has_text="drifted")).to_be_visible()
    expect(page.get_by_text("hands-off").first).to_be_visible()
    page.screenshot(path=artifacts / "drift-observation.png")
    page.goto(f"{fleet.dagster.url}/assets/cluster?view=checks&checkDetail=in_sync")
    tabs = page.get_by_role("tab", name="Partitions")  # the asset's, and the check's
    expect(tabs).to_have_count(2)
    tabs.last.click()
    page.get_by_text(RENAMED[1], exact=True).first.click()
    expect(page.get_by_text("drifted: in the cloud 1 resource differs: SecurityGroup cluster-instances: tags.Name")).to_be_visible()
    expect(page.get_by_text("hands-off").first).to_be_visible()
    page.screenshot(path=artifacts / "drift-check.png")


@pytest.mark.browser
def test_the_matrix_is_a_click_away_from_the_asset_and_a_cell_shows_the_property(
    page: Page, fleet: House, looked: Looked, artifacts: Path
) -> None:
    wait_for("the report to be published", lambda: published(fleet, looked.said.json["id"]), 60)
    page.goto(f"{fleet.dagster.url}/assets/fleet_report")
    address = f"/reports/{looked.said.json['id']}/report.html"
    expect(page.get_by_text("resources_gone_in_the_cloud").first).to_be_visible()
    page.screenshot(path=artifacts / "fleet-report.png")
    link = page.get_by_role("link", name=address).first
    page.goto(f"{fleet.dagster.url}{link.get_attribute('href')}")
    expect(page.locator("#status")).to_have_text("21 of 21 cells in 7 of 7 TEPs")
    expect(page.get_by_text("tags.Name hands-off → cluster-instances", exact=False).first).to_be_visible()
    expect(page.get_by_text("network-public-2 (aws:ec2/Subnet) is gone from the cloud; 1 other resource")).to_be_visible()
    page.screenshot(path=artifacts / "drift-report.png")
    page.get_by_role("button", name=re.compile("drifted$")).click()
    expect(page.locator("#status")).to_have_text("2 of 21 cells in 2 of 7 TEPs: drifted")
    page.locator(f'[role=gridcell][aria-label^="{"/".join(RENAMED)}:"]').click()
    expect(page.get_by_text("tags.Name").last).to_be_visible()
    expect(page.get_by_text("hands-off").last).to_be_visible()
    page.screenshot(path=artifacts / "drift-cell.png")


def test_what_is_configured_and_not_applied_is_pending_and_with_a_change_in_the_cloud_both(fleet: House, looked: Looked) -> None:
    """Nothing deploys it by itself: there are no targets."""
    files = {tep: fleet.environments / "tenants" / f"{tep}.yaml" for tep in (RENAMED[1], "ourcompany-dev")}
    live = {file: file.read_text() for file in files.values()}
    try:
        for file, text in live.items():
            file.write_text(f"{text}    cluster:max_size: 5\n")
        said = fleet.infra("drift", "--project", "cluster", *(f"--tep={tep}" for tep in files), "--format", "json")
    finally:
        for file, text in live.items():
            file.write_text(text)
    assert said.code == 3, said.err
    assert verdicts(said) == {RENAMED: "both", ("cluster", "ourcompany-dev"): "pending"}
    for (_, tep), cell in cells(said).items():
        assert re.search(rf"configuration: cluster:max_size \d → 5 \(tenants/{tep} ", cell["cause"])
        assert [name for _, name, paths in touched(cell["resources"]) if "maxSize" in paths] == ["cluster"]
    assert "SecurityGroup cluster-instances: tags.Name" in cells(said)[RENAMED]["cause"]
    assert said.json["trend"]["gone"] == []  # of what was not looked at nothing is said


def test_a_rollout_of_what_has_drifted_brings_back_what_was_there(fleet: House, mischief: Mischief, looked: Looked) -> None:
    mischief.restore_role()
    rolled = fleet.done("rollout", "--drifted", "--wait", "--format", "json")
    following = ("cluster", DELETED[1])  # the subnet that was made again has another id
    assert {key: cell["state"] for key, cell in cells(rolled).items()} == dict.fromkeys((RENAMED, DELETED, following), "deployed")
    assert mischief.cloud() == mischief.before
    again = fleet.infra("drift", "--format", "json", timeout_s=500)
    assert (again.code, again.json["summary"]) == (0, {"in-sync": len(TEPS) * len(PROJECTS)}), again.err
    names = sorted("/".join(each) for each in (RENAMED, DELETED, REVOKED))
    trend = again.json["trend"]
    assert (trend["before_id"], trend["new"], sorted(trend["gone"]), trend["still"]) == (looked.said.json["id"], [], names, [])
    assert {cell["history"] for key, cell in cells(again).items() if key in (RENAMED, DELETED)} == {"di"}
