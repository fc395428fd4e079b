"""Dagster's pages after the demo, in a real browser. What it saw is kept in tests/artifacts."""

import os
import re
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import ROOT
from tests.end_to_end.browser import CHROMIUM, opened
from tests.end_to_end.house import House

expect.set_options(timeout=20_000)
pytestmark = [pytest.mark.engine, pytest.mark.dagster, pytest.mark.browser, pytest.mark.timeout(900)]

BROKEN = """
  mistyped:
    environments:
      dev:
        settings:
          network: {cidr: 10.99.0.0/16, nat: sometimes}
"""


@pytest.fixture(scope="module")
def page(fleet: House) -> Generator[Page]:
    if not CHROMIUM.exists():
        missing = f"THE LOOK AT THE UI IS LEFT OUT: no browser at {CHROMIUM}; Debian's package is `chromium`"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with opened() as page:
        yield page


def go(page: Page, fleet: House, path: str) -> None:
    page.goto(f"{fleet.dagster.url}{path}")


def test_the_partitions_page_shows_every_tep_materialized(page: Page, fleet: House, artifacts: Path) -> None:
    go(page, fleet, "/assets/network?view=partitions")
    expect(page.get_by_text("Materialized (7)")).to_be_visible()
    expect(page.get_by_text("Missing (0)")).to_be_visible()
    expect(page.get_by_text("Failed (0)")).to_be_visible()
    for tep in ("ourcompany-dev", "customer1-prod", "customer3-prod"):
        expect(page.get_by_text(tep, exact=True).first).to_be_visible()
    page.screenshot(path=artifacts / "partitions.png")


def test_a_partition_tells_what_was_done_and_leads_into_the_console(page: Page, fleet: House, artifacts: Path) -> None:
    account = fleet.registry.get("customer1-prod").account_id
    go(page, fleet, "/assets/network?view=partitions&partition=customer1-prod")
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="never deployed")).to_be_visible()
    expect(rows.filter(has_text='"cidr": "10.10.0.0/16"')).to_be_visible()
    links = [link.get_attribute("href") or "" for link in page.get_by_role("link").all()]
    assert [link for link in links if link.startswith(f"https://signin.aws.amazon.com/switchrole?account={account}&roleName=infra-deploy")]
    assert [link for link in links if re.match(r"https://us-east-1\.console\.aws\.amazon\.com/vpcconsole/.*VpcDetails:VpcId=vpc-", link)]
    page.screenshot(path=artifacts / "partition.png", full_page=True)


def test_the_graph_shows_what_builds_on_what(page: Page, fleet: House, artifacts: Path) -> None:
    go(page, fleet, "/assets/cluster?view=lineage&lineageScope=upstream")
    for project in ("account", "network"):
        expect(page.get_by_text(project, exact=True).first).to_be_visible()
    expect(page.get_by_text("7 partitions").first).to_be_visible()
    page.screenshot(path=artifacts / "graph.png")


def test_runs_are_told_apart_by_tep_and_rollout(page: Page, fleet: House, artifacts: Path) -> None:
    go(page, fleet, "/runs")
    expect(page.get_by_text("infra/ring: beta").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"infra/rollout: \w{12}")).first).to_be_visible()
    expect(page.get_by_text("infra-worker")).to_have_count(0)
    page.screenshot(path=artifacts / "runs.png")


def test_a_failure_is_read_in_one_look(page: Page, fleet: House, artifacts: Path) -> None:
    fleet.import_fleet((ROOT / "fleet.yaml").read_text() + BROKEN)
    said = fleet.infra("rollout", "--wait", "--tep", "mistyped-dev", "--project", "account", "--project", "network", "--format", "json")
    assert said.json["summary"] == {"deployed": 1, "failed": 1}
    run_id = next(cell["run_id"] for cell in said.json["cells"] if cell["project"] == "network")
    go(page, fleet, f"/runs/{run_id}")
    place = page.get_by_text("pulumi_programs/network/config.py: stack mistyped-dev: network:nat").first
    expect(place).to_be_visible()
    page.screenshot(path=artifacts / "failure.png")
    go(page, fleet, "/assets/network?view=partitions")
    expect(page.get_by_text("Failed (1)")).to_be_visible()
