"""Proposed environments in the demo's fleet: whom a branch concerns, what each of them would get, and who is untouched by it."""

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from infra_assets.sandbox.emulator import calls
from tests.end_to_end.browser import needs_browser, opened
from tests.end_to_end.house import House, Said
from tests.end_to_end.proposals import cells, commit, frozen, git, touched, verdicts

pytestmark = [pytest.mark.engine, pytest.mark.dagster, pytest.mark.timeout(900)]

OWN = "customer3-prod"
"""It has a retention of its own."""
BROKEN = "customer1-prod"
STORED = "customer2-prod"
"""Its environment is in the database, and in no folder."""
OTHER = "ourcompany-prod"
PRODUCTION = [BROKEN, STORED, OWN, OTHER]


@pytest.fixture(scope="module")
def live(fleet: House) -> Generator[House]:
    """The fleet's environments as a repository: one TEP overrides the retention, one is in the database alone."""
    folder, tenants = fleet.environments, fleet.environments / "tenants"
    kept = {tep: (tenants / f"{tep}.yaml").read_text() for tep in (OWN, STORED)}
    git(folder, "init", "--quiet", "--initial-branch=main")
    try:
        own = "    account:log_retention_days: 90\n    network:flow_log_retention_days: 90\n"
        (tenants / f"{OWN}.yaml").write_text(kept[OWN] + own)
        fleet.done("env", "put", f"tenants/{STORED}", str(tenants / f"{STORED}.yaml"))
        (tenants / f"{STORED}.yaml").unlink()
        commit(folder, "As it is live")
        yield fleet
    finally:
        for tep, text in kept.items():
            (tenants / f"{tep}.yaml").write_text(text)
        fleet.infra("env", "remove", f"tenants/{STORED}")
        shutil.rmtree(folder / ".git")


@pytest.fixture(scope="module")
def branch(live: House) -> str:
    """Records are kept longer; and in one TEP's environment somebody has mistyped a name."""
    folder = live.environments
    git(folder, "checkout", "--quiet", "-b", "keep-longer")
    shared, broken = folder / "shared" / "app.yaml", folder / "tenants" / f"{BROKEN}.yaml"
    shared.write_text(shared.read_text().replace("days: 30", "days: 60"))
    broken.write_text(broken.read_text().replace("cluster:desired: ", "cluster:ami_parameter: ${images.ecs}\n    cluster:desired: "))
    commit(folder, "Keep records longer")
    git(folder, "checkout", "--quiet", "main")
    return "keep-longer"


@pytest.fixture(scope="module")
def previewed(live: House, branch: str) -> tuple[Said, list[bool], bool]:
    environments, states, last = frozen(live.environments / "tenants"), frozen(live.state), calls(live.emulator)[-1].n
    said = live.infra("preview", "--environments", branch, "--env", "prod", "--format", "json", timeout_s=500)
    reads = [call.read_only for call in calls(live.emulator, since=last)]
    return said, reads, (frozen(live.environments / "tenants"), frozen(live.state)) == (environments, states)


def test_a_shared_value_concerns_those_that_do_not_override_it(previewed: tuple[Said, list[bool], bool]) -> None:
    """Wherever their own environment is."""
    said = previewed[0]
    assert said.code == 1, said.err
    changed = {(project, tep): "changed" for project in ("account", "network") for tep in (STORED, OTHER)}
    assert verdicts(said, "unchanged", "error") == changed
    found = cells(said)
    for tep in (STORED, OTHER):
        account, network = found["account", tep], found["network", tep]
        assert account["cause"].startswith("configuration: account:log_retention_days 30 → 60 (shared/account, from shared/app ")
        assert {path for _, _, paths in touched(account["resources"]) for path in paths} == {"retentionInDays"}
        assert account["changes"] == {"create": 0, "update": 2, "replace": 0, "delete": 0}
        (group,) = network["resources"]
        assert group["properties"] == [{"path": "retentionInDays", "kind": "update", "before": 30, "after": 60}]
    assert {found[project, OWN]["verdict"] for project in ("account", "network", "cluster")} == {"unchanged"}


def test_an_environment_that_does_not_evaluate_says_where_and_keeps_nobody_else(previewed: tuple[Said, list[bool], bool]) -> None:
    said = previewed[0]
    assert verdicts(said, "unchanged", "changed") == {(project, BROKEN): "error" for project in ("account", "network", "cluster")}
    for project in ("account", "network", "cluster"):
        said_of_it = cells(said)[project, BROKEN]["message"]
        assert said_of_it.startswith(f"keep-longer:tenants/{BROKEN}.yaml:13:30: values.pulumiConfig")
        assert said_of_it.endswith('unknown property "images"')


def test_what_is_live_is_as_it_was(live: House, previewed: tuple[Said, list[bool], bool]) -> None:
    _, reads, same = previewed
    assert same
    assert set(reads) == {True}
    assert "days: 30" in (live.environments / "shared" / "app.yaml").read_text()


def test_who_is_touched_is_told_without_an_engine(live: House, branch: str, previewed: tuple[Said, list[bool], bool]) -> None:
    runs = len(live.dagster.runs())
    said = live.infra("preview", "--environments", branch, "--env", "prod", "--static", "--format", "json")
    assert verdicts(said, "unchanged", "maybe") == verdicts(previewed[0], "unchanged", "changed")
    assert {key for key, verdict in verdicts(said).items() if verdict == "maybe"} >= set(verdicts(previewed[0], "unchanged", "error"))
    assert len(live.dagster.runs()) == runs


@pytest.mark.browser
def test_the_report_shows_a_reviewer_what_each_tenant_would_get(
    live: House, previewed: tuple[Said, list[bool], bool], artifacts: Path
) -> None:
    needs_browser()
    with opened(width=1600, height=1000, scale=0.8) as page:
        page.goto(f"{live.dagster.url}/reports/{previewed[0].json['id']}/report.html")
        expect(page.locator("#status")).to_have_text("12 of 12 cells in 4 of 4 TEPs")
        page.screenshot(path=artifacts / "preview-report.png")
        page.locator(f'[role=gridcell][aria-label^="network/{OTHER}:"]').click()
        expect(page.get_by_text("retentionInDays").last).to_be_visible()
        page.screenshot(path=artifacts / "preview-cell.png")
