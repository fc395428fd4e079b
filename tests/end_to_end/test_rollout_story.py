"""The story of rollouts, scene by scene on one fleet: each test goes on where the one before it ended. docs/rollouts.md tells it."""

import os
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from infra_assets.rollouts.models import State
from infra_assets.runs import runs_page
from infra_assets.sandbox.tools import Tools
from tests.end_to_end import story as stage
from tests.end_to_end.browser import CHROMIUM
from tests.end_to_end.browser import opened as browser
from tests.end_to_end.graphql import graphql, launch
from tests.end_to_end.house import wait_for
from tests.end_to_end.story import BETA, EVERYONE, INTERNAL, OWN_SENDER, REGULAR, Story, kept, settled

expect.set_options(timeout=20_000)
pytestmark = [pytest.mark.engine, pytest.mark.dagster, pytest.mark.timeout(600)]

OLD, NEW, NEWEST = "shop@example.com", "hello@example.com", "post@example.com"
BROKEN = INTERNAL[1:]
"""Three of our own, with a setting that version three does not take."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Generator[Story]:
    told = stage.opened(tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("home"))
    told.commit("one", most=1000)
    try:
        told.house.done("sandbox", "up")
        told.house.import_fleet(stage.fleet())
        told.house.done("ui")
        yield told
    finally:
        told.house.close()


def from_(version: str, sender: str, *teps: str) -> dict[str, str]:
    """Return how the TEPs' topics are to be called, by version and sender; some have a sender of their own."""
    return {tep: f"{version} from {f'{tep}@example.org' if tep in OWN_SENDER else sender}" for tep in teps}


def test_a_merge_to_prod_beta_deploys_the_beta_customers(story: Story, artifacts: Path) -> None:
    before = story.last_call()
    story.merge("one", "prod-beta")
    rollout = story.next("beta one", target="prod-beta", kind="git")
    assert (rollout.state, rollout.commit) == (State.DONE, story.commits["one"])
    assert story.states("beta one") == {tep: dict.fromkeys(("account", "mail", "shop"), "deployed") for tep in BETA}
    assert {entry.commit for entry in story.operations("beta one")} == {story.commits["one"]}
    assert story.touched_since(before) == set(BETA)
    assert story.names(BETA) == from_("one", OLD, *BETA)
    kept(artifacts, "beta", story.house.done("rollouts", "show", rollout.id))


def test_a_merge_to_prod_deploys_the_rest_ring_by_ring(story: Story, artifacts: Path) -> None:
    story.merge("one", "prod")
    rollout = story.next("prod one", target="prod", kind="git")
    assert (rollout.state, rollout.commit) == (State.DONE, story.commits["one"])
    assert [wave.name for wave in rollout.waves] == ["internal", "regular"]
    assert set(story.states("prod one")) == {*INTERNAL, *REGULAR}
    operations = story.operations("prod one")
    internal_ended = max(entry.finished_at for entry in operations if entry.tep in INTERNAL and entry.finished_at)
    assert internal_ended < min(entry.started_at for entry in operations if entry.tep in REGULAR)
    assert story.names() == from_("one", OLD, *EVERYONE)
    kept(artifacts, "prod", story.house.done("rollouts", "show", rollout.id))


def test_one_broken_setting_fails_that_customer_alone(story: Story, artifacts: Path) -> None:
    story.commit("two", most=100)
    story.merge("two", "prod-beta")
    rollout = story.next("beta two", target="prod-beta", kind="git")
    assert rollout.state == State.FAILED
    assert story.states("beta two") == {
        "amber-prod": {"mail": "deployed"},
        "birch-prod": {"mail": "failed", "shop": "skipped"},
        "cedar-prod": {"mail": "deployed"},
    }
    said = story.house.done("rollouts", "show", rollout.id)
    assert "mail:quota is 500, and version two takes 100 at most" in said.err
    assert story.names(BETA) == from_("two", OLD, "amber-prod", "cedar-prod") | from_("one", OLD, "birch-prod")
    kept(artifacts, "one-broken", said)


def test_mending_the_setting_deploys_that_customer_by_itself(story: Story) -> None:
    before = story.last_call()
    story.configure("birch-prod", quota=5)
    rollout = story.next("birch mended", target="prod-beta", kind="environments")
    assert rollout.state == State.DONE
    assert set(story.states("birch mended")) == {"birch-prod"}
    assert {entry.commit for entry in story.operations("birch mended")} == {story.commits["two"]}
    assert story.touched_since(before) == {"birch-prod"}
    assert story.names(BETA) == from_("two", OLD, *BETA)


def test_three_broken_ones_halt_it_before_regular(story: Story, artifacts: Path) -> None:
    before = story.last_call()
    story.commit("three", most=10)
    story.merge("three", "prod")
    rollout = story.next("prod three", target="prod", kind="git")
    assert rollout.state == State.HALTED
    wait_for("what ran to end", lambda: not story.store.asked.going(rollout.id), 30)
    assert rollout.reason == f"3 TEPs failed, 2 were allowed (max_failures 2): {', '.join(sorted(BROKEN))}"
    settled(lambda: story.touched_since(before), 6)
    assert story.touched_since(before) == set(INTERNAL)  # AWS has seen nothing of any regular customer
    states = story.states("prod three")
    assert {tep: states[tep] for tep in INTERNAL} == {
        "ourcompany-prod": {"mail": "deployed"},
        **{tep: {"mail": "failed", "shop": "skipped"} for tep in BROKEN},
    }
    kept(artifacts, "halted", story.house.done("rollouts", "show", rollout.id))
    kept(artifacts, "halted-list", story.house.done("rollouts", "list", "--limit", "3"))


def test_resume_finishes_with_exactly_the_missing_cells_and_their_pins(story: Story, artifacts: Path) -> None:
    story.share(NEW)
    story.next("new sender for beta", target="prod-beta", kind="environments")
    story.next("new sender for ourcompany", target="prod", kind="environments")
    assert set(story.states("new sender for ourcompany")) == {"ourcompany-prod"}  # the others are the halted rollout's
    done = {entry.id for entry in story.operations("prod three")}
    for tep in BROKEN:
        story.configure(tep, quota=5)
    said = story.house.done("rollouts", "resume", story.played["prod three"].id, "--wait")
    kept(artifacts, "resume", said)
    assert story.now("prod three").state == State.DONE
    fresh = [entry for entry in story.operations("prod three") if entry.id not in done and entry.operation == "up"]
    mails = [entry for entry in fresh if entry.project == "mail"]
    assert sorted(entry.tep for entry in mails) == sorted([*BROKEN, *REGULAR])  # each once, and ourcompany, which was done, not again
    assert {entry.commit for entry in mails} == {story.commits["three"]}
    pinned = story.played["prod three"].pins["shared/app"]
    assert {(entry.environments or {})["shared/app"] for entry in mails} == {pinned}
    others = {(entry.tep, entry.project): entry.message for entry in fresh if entry.project != "mail"}
    assert others == {(tep, "shop"): "nothing to do: it is as it was before it was skipped" for tep in BROKEN}


def test_what_was_edited_meanwhile_follows_by_itself(story: Story) -> None:
    story.next("new sender for the rest", target="prod", kind="environments")
    story.quiet()
    mails = [entry for entry in story.operations("new sender for the rest") if entry.changes.get("update")]
    assert {entry.tep for entry in mails} == {*BROKEN, *REGULAR} - {*OWN_SENDER}  # so none of them had it before
    assert story.names() == from_("three", NEW, *INTERNAL, *REGULAR) | from_("two", NEW, *BETA)


def test_a_shared_value_redeploys_the_one_project_that_reads_it(story: Story, artifacts: Path) -> None:
    before, call = story.house.ledger.latest(), story.last_call()
    story.share(NEWEST)
    beta = story.next("newest for beta", target="prod-beta", kind="environments")
    prod = story.next("newest for prod", target="prod", kind="environments")
    story.quiet()
    assert (beta.state, prod.state) == (State.DONE, State.DONE)
    after = story.house.ledger.latest()
    changed = {key for key, entry in after.items() if entry.id != before[key].id and entry.state == "deployed"}
    affected = {tep for tep in EVERYONE if tep not in OWN_SENDER}
    assert changed == {(tep, "mail") for tep in affected}
    assert story.touched_since(call) == affected
    assert story.names() == from_("three", NEWEST, *INTERNAL, *REGULAR) | from_("two", NEWEST, *BETA)
    kept(artifacts, "shared", story.house.done("rollouts", "show", prod.id))


def test_rollback_returns_to_the_values_before(story: Story, artifacts: Path) -> None:
    said = story.house.done("rollouts", "rollback", story.played["newest for prod"].id, "--wait")
    kept(artifacts, "rollback-values", said)
    assert story.names([*INTERNAL, *REGULAR]) == from_("three", NEW, *INTERNAL, *REGULAR)
    assert story.names(BETA) == from_("two", NEWEST, *BETA)


def test_rollback_returns_to_the_commit_before(story: Story, artifacts: Path) -> None:
    story.merge("three", "prod-beta")
    rollout = story.next("beta three", target="prod-beta", kind="git")
    assert story.names(BETA) == from_("three", NEWEST, *BETA)
    said = story.house.done("rollouts", "rollback", rollout.id, "--wait")
    kept(artifacts, "rollback-commit", said)
    assert story.names(BETA) == from_("two", NEWEST, *BETA)


def test_what_would_replace_resources_waits_for_approval(story: Story, artifacts: Path) -> None:
    story.write_targets("{deletes: 0, replacements: 0}")
    story.commit("four", most=10, topic="letters")
    story.merge("four", "prod-beta")
    rollout = story.next("beta four", target="prod-beta", kind="git")
    assert rollout.state == State.WAITING
    assert "3 replacements, more than the limit of 0" in rollout.approval
    assert all(f"mail/{tep} aws:sns/topic:Topic mail" in rollout.approval for tep in BETA)
    assert [story.topics(tep) for tep in BETA] == [["mail"]] * 3
    kept(artifacts, "waiting", story.house.done("rollouts", "show", rollout.id))
    url = story.house.dagster.url
    selector = {"repositoryLocationName": "infra_assets", "repositoryName": "__repository__", "jobName": "approve_rollout"}
    launch(url, {"selector": selector, "runConfigData": {"ops": {"approve": {"config": {"rollout": rollout.id}}}}})
    wait_for("its end", lambda: story.now("beta four").state == State.DONE, 90)
    assert [story.topics(tep) for tep in BETA] == [["letters"]] * 3
    kept(artifacts, "list", story.house.done("rollouts", "list"))


def test_the_history_is_an_asset_of_its_own(story: Story) -> None:
    query = """query($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset { assetMaterializations(limit: 50) {
      metadataEntries { label ... on TextMetadataEntry { text } } } } } }"""

    def published() -> dict[str, str]:
        found = graphql(story.house.dagster.url, query, {"key": {"path": ["rollouts"]}})["assetOrError"]["assetMaterializations"]
        entries = [{entry["label"]: entry.get("text") for entry in item["metadataEntries"]} for item in reversed(found)]
        return {str(entry["rollout"]): str(entry["state"]) for entry in entries}

    expected = {rollout.id: story.now(name).state.value for name, rollout in story.played.items()}
    wait_for("every rollout in the history", lambda: expected.items() <= published().items(), 30)


def test_the_controls_are_jobs_with_typed_configuration(story: Story) -> None:
    query = """query($s: PipelineSelector!) { runConfigSchemaOrError(selector: $s) { ... on RunConfigSchema { allConfigTypes {
      ... on CompositeConfigType { fields { name isRequired configType { ... on RegularConfigType { givenName } } } } } } } }"""
    expected = {
        "start": {"target": False, "rings": False, "max_failures": False, "hotfix": False},
        "halt": {"rollout": True, "reason": False},
        "resume": {"rollout": True, "exactly": False},
        "approve": {"rollout": True},
        "rollback": {"rollout": True},
    }
    for verb, fields in expected.items():
        selector = {"repositoryLocationName": "infra_assets", "repositoryName": "__repository__", "pipelineName": f"{verb}_rollout"}
        types = graphql(story.house.dagster.url, query, {"s": selector})["runConfigSchemaOrError"]["allConfigTypes"]
        found = [{field["name"]: field["isRequired"] for field in kind.get("fields", ())} for kind in types]
        assert any(fields.items() <= each.items() for each in found), (verb, found)


# What a person sees. Dagster's pages are its own: it is looked whether they show what we give them.


@pytest.fixture(scope="module")
def page(story: Story) -> Generator[Page]:
    if not CHROMIUM.exists():
        missing = f"THE LOOK AT THE UI IS LEFT OUT: no browser at {CHROMIUM}; Debian's package is `chromium`"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with browser(width=1280, height=800) as page:
        yield page


def go(page: Page, story: Story, path: str) -> None:
    page.goto(f"{story.house.dagster.url}{path}")


@pytest.mark.browser
def test_runs_are_found_by_their_rollout(page: Page, story: Story, artifacts: Path) -> None:
    rollout = story.played["prod three"]
    go(page, story, runs_page(rollout.id))
    expect(page.get_by_text("holly-prod").first).to_be_visible()
    expect(page.get_by_text("training-prod").first).to_be_visible()
    expect(page.get_by_text("infra/rollout: ").filter(has_not_text=rollout.id)).to_have_count(0)
    page.screenshot(path=artifacts / "story-runs.png")


@pytest.mark.browser
def test_the_history_tells_who_what_and_how_it_went(page: Page, story: Story, artifacts: Path) -> None:
    go(page, story, "/assets/rollouts?view=events")
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="asked_for_by").filter(has_text="git sensor git_targets: prod-beta")).to_be_visible()
    expect(rows.filter(has_text="commit").filter(has_text=f"→ {story.commits['four'][:10]}")).to_be_visible()
    page.screenshot(path=artifacts / "story-history.png")


@pytest.mark.browser
def test_a_check_tells_what_aws_said(page: Page, story: Story, artifacts: Path) -> None:
    go(page, story, "/assets/account?view=checks&checkDetail=healthy")
    expect(page.get_by_text("Passed", exact=True).first).to_be_visible()
    expect(page.get_by_text("as deploy into").first).to_be_visible()
    page.screenshot(path=artifacts / "story-check.png")


@pytest.mark.browser
def test_a_rollout_is_halted_from_the_launchpad(page: Page, story: Story, artifacts: Path) -> None:
    go(page, story, "/locations/infra_assets/jobs/halt_rollout/playground")
    expect(page.get_by_text('Missing required config entry "rollout"').first).to_be_visible()
    wanted = f"ops:\n  halt:\n    config:\n      rollout: {story.played['prod three'].id}\n      reason: customer2 has called\n"
    go(page, story, f"/locations/infra_assets/jobs/halt_rollout/playground/setup?{urlencode({'config': wanted})}")
    expect(page.get_by_role("button", name="Launch Run")).to_be_enabled()
    page.screenshot(path=artifacts / "story-launchpad.png")
