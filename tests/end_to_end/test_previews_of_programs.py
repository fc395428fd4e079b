"""Proposed programs in a small fleet: what each stack that is touched would get, what each look costs, and what cannot be previewed."""

import json
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra_assets.fleet.database import connect
from infra_assets.orchestration.services import Services
from infra_assets.previews.store import CheckStore
from infra_assets.sandbox.emulator import calls
from infra_assets.sandbox.tools import Tools
from tests.end_to_end import test_canary as canary
from tests.end_to_end.graphql import graphql
from tests.end_to_end.house import House, wait_for
from tests.end_to_end.proposals import (
    ACCOUNT,
    APP,
    FRESH,
    PROJECTS,
    RECORDS,
    TEPS,
    TOKEN,
    Engine,
    Repository,
    cells,
    configure,
    frozen,
    git,
    prepared,
    touched,
    verdicts,
)

pytestmark = [pytest.mark.engine, pytest.mark.dagster, pytest.mark.timeout(900)]

DEPLOYED = ("--env", "prod")
LIMIT_S = 20
IN_ONE_TEP = 'if pulumi.get_stack() == "{tep}-prod":\n    {what}\n'
TAGGED = RECORDS.replace('require_int("days"))', 'require_int("days"), tags={"owner": "billing"})')


@dataclass
class Stage:
    house: House
    repository: Repository
    engine: Engine


@pytest.fixture(autouse=True)
def counted_from_here(stage: Stage) -> None:
    stage.engine.called()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Generator[Stage]:
    root = tmp_path_factory.mktemp("root")
    repository = Repository(root)
    house = House(root, tmp_path_factory.mktemp("home"))
    engine = Engine(tmp_path_factory.mktemp("engine"), tools, house.settings.provider)
    house.variables |= {"INFRA_CACHE_DIR": str(engine.cache), "INFRA_CHECK_TIMEOUT_S": str(LIMIT_S), "INFRA_CHECK_SHARE": "1"}
    house.variables["INFRA_GRACE_S"] = "5"
    try:
        prepared(house)
        yield Stage(house, repository, engine)
    finally:
        house.close()


def everywhere(project: str, verdict: str = "changed") -> dict[tuple[str, str], str]:
    return {(project, tep): verdict for tep in TEPS}


def test_what_cannot_be_made_again_comes_first_and_is_what_fails_ci(stage: Stage) -> None:
    """And what builds on it is previewed as it would be afterwards."""
    stage.repository.branch("renamed", records=RECORDS.replace("/records/app", "/records/shop"))
    state, last = frozen(stage.house.state), calls(stage.house.emulator)[-1].n
    said = stage.house.infra("preview", "--programs", "renamed", "--base", "main", *DEPLOYED, "--fail-on", "stateful", "--format", "md")
    assert said.code == 1, said.err
    assert "fails: stateful: 3 resources replaced or deleted that cannot be made again: records/amber-prod" in said.err
    headings = [line for line in said.out.splitlines() if line.startswith("#")]
    assert headings[0].startswith("### Preview of programs renamed")
    assert "Replaced or deleted, and cannot be made again" in headings[1]
    assert "**replace** `aws:cloudwatch/logGroup:LogGroup` `records`, because of `name`" in said.out

    shown = stage.house.done("checks", "show", "last", "--format", "json")
    found = cells(shown)
    assert verdicts(shown, "unchanged") == everywhere("records") | everywhere("app")
    for tep in TEPS:
        assert touched(found["records", tep]["resources"]) == [("replace", "records", ["name"])]
        assert touched(found["app", tep]["resources"]) == [("update", "app", ["tags"])]
        assert found["app", tep]["cause"] == "after records"
        assert found["records", tep]["cause"].startswith("program: commit ")
    assert stage.engine.called() == ["preview"] * 6
    assert {call.read_only for call in calls(stage.house.emulator, last)} == {True}
    assert frozen(stage.house.state) == state


def test_a_branch_behind_its_base_shows_its_own_change_alone_and_costs_a_call_a_cell(stage: Stage) -> None:
    stage.repository.branch("behind", account=ACCOUNT.replace("assume_role_policy=policy)", "assume_role_policy=policy, description=name)"))
    stage.repository.merge("Somebody else's", app=APP.replace('display_name="app"', 'display_name="the app"'))
    said = stage.house.infra("preview", "--programs", "behind", "--base", "main", "--tep", "*r-prod", "--format", "json")
    assert said.code == 3, said.err
    assert verdicts(said, "unchanged") == {("account", "amber-prod"): "changed", ("account", "cedar-prod"): "changed"}
    roles = sorted(touched(cells(said)["account", "amber-prod"]["resources"]))
    assert roles == [("update", "deploy", ["description"]), ("update", "preview", ["description"])]
    assert " merged into main " in said.json["about"]["programs"]
    assert stage.engine.called() == ["preview"] * 2

    nothing = stage.house.infra("preview", "--programs", "main", "--base", "main", "--format", "json")
    assert (nothing.code, nothing.json["summary"]) == (0, {"unchanged": len(PROJECTS) * 4})
    assert stage.engine.called() == []


def test_a_tenant_that_was_never_deployed_is_shown_as_all_that_it_would_get(stage: Stage, tmp_path: Path) -> None:
    """Downstream too, where it builds on what nobody knows yet; and no stack is made by looking."""
    configure(tmp_path, FRESH, TOKEN)
    before = frozen(stage.house.state)
    said = stage.house.infra("preview", "--environments", f"{tmp_path}/", "--format", "json")
    assert said.code == 3, said.err
    assert verdicts(said, "unchanged") == {(project, FRESH): "changed" for project in PROJECTS}
    found = {project: cells(said)[project, FRESH] for project in PROJECTS}
    assert {cell["state"] for cell in found.values()} == {"never"}
    created = {project: [(each["operation"], each["name"]) for each in cell["resources"]] for project, cell in found.items()}
    assert {operation for each in created.values() for operation, _ in each} == {"create"}
    for project, names in {"account": {"deploy", "preview"}, "records": {"records"}, "app": {"app", "sealed"}}.items():
        assert names <= {name for _, name in created[project]}
        assert found[project]["changes"]["create"] == len(created[project])
    assert frozen(stage.house.state) == before
    assert stage.engine.called() == ["preview"] * 3


def test_what_cannot_be_previewed_says_why_and_nobody_else_is_kept_from_it(stage: Stage) -> None:
    """A program that raises names its line; a stack whose state is damaged is left alone."""
    raising = APP + IN_ONE_TEP.format(tep="birch", what='raise ValueError("no such queue")')
    stage.repository.branch("raising", records=TAGGED, app=raising)
    damaged = stage.house.state / ".pulumi" / "stacks" / "records" / "cedar-prod.json"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    try:
        said = stage.house.infra("preview", "--programs", "raising", "--base", "main", *DEPLOYED, "--format", "json")
    finally:
        damaged.write_bytes(whole)
    assert said.code == 1, said.err
    found = cells(said)
    assert verdicts(said, "unchanged") == {
        ("records", "amber-prod"): "changed",
        ("records", "birch-prod"): "changed",
        ("records", "cedar-prod"): "error",
        ("app", "amber-prod"): "same",
        ("app", "birch-prod"): "error",
        ("app", "cedar-prod"): "error",
    }
    line = raising.splitlines().index('    raise ValueError("no such queue")') + 1
    assert found["app", "birch-prod"]["message"] == f"pulumi_programs/app/__main__.py:{line}: no such queue"
    for project in ("records", "app"):  # app reads what records has recorded
        assert "state of records/cedar-prod is damaged" in found[project, "cedar-prod"]["message"]


def worker(house: House, room: str) -> psutil.Process | None:
    """Return the process of the run that previews in a room of this name."""
    for process in Services(house.settings).workers():
        with suppress(psutil.NoSuchProcess):
            if any(room in child.cwd() for child in process.children()):
                return process
    return None


def test_a_program_that_hangs_and_a_run_that_is_killed_are_errors(stage: Stage) -> None:
    asleep = "__import__('time').sleep(600)"
    hanging = "".join(IN_ONE_TEP.format(tep=tep, what=asleep) for tep in ("birch", "cedar"))
    stage.repository.branch("hanging", records=TAGGED + hanging)
    command = stage.house.started("preview", "--programs", "hanging", "--base", "main", *DEPLOYED, "--format", "json")
    began = time.monotonic()

    wait_for("the preview of cedar-prod to begin", lambda: worker(stage.house, "records-cedar-prod"), 60).kill()
    out, err = command.communicate(timeout=200)
    assert command.returncode == 1, err
    found = {(cell["project"], cell["tep"]): cell for cell in json.loads(out)["cells"]}
    assert found["records", "amber-prod"]["verdict"] == "changed"
    assert found["records", "birch-prod"]["verdict"] == found["records", "cedar-prod"]["verdict"] == "error"
    assert found["records", "birch-prod"]["message"] == f"cancelled after {LIMIT_S} s, the limit for one operation"
    assert found["records", "cedar-prod"]["message"] == "its run ended before it: failure"
    assert time.monotonic() - began < LIMIT_S + 60
    assert stage.house.dagster.runs(active=True) == []


def test_a_secret_that_a_branch_changes_is_nowhere_in_clear(stage: Stage, tmp_path: Path) -> None:
    """Not in the report, in Dagster, in what runs print, nor in the rooms that previews work in."""
    house = stage.house
    house.done("env", "seal", "--write", str(configure(tmp_path, "birch-prod", canary.CANARY)))
    watch = canary.Watch(house.home)
    watch.start()
    try:
        said = house.infra("preview", "--environments", f"{tmp_path}/", "--format", "json")
    finally:
        watch.end()
    assert said.code == 3, said.err
    assert verdicts(said, "unchanged") == {("app", "birch-prod"): "changed"}
    cell = cells(said)["app", "birch-prod"]
    (sealed,) = [each for each in cell["resources"] if each["name"] == "sealed"]
    assert sealed["properties"] == [{"path": "displayName", "kind": "update", "before": "[secret]", "after": "[secret]"}]
    assert "app:token" in cell["cause"]
    reports = {path.suffix for path in (house.home / "reports" / said.json["id"]).iterdir()}
    assert reports >= {".html", ".json", ".csv", ".md"}
    assert watch.looks > 5
    assert watch.found == set()
    assert canary.clear_in(house.home) == []
    assert not [form for form in (*canary.FORMS, TOKEN) if form in said.out + said.err]


def test_a_look_for_drift_costs_a_call_a_cell_and_another_where_something_has_drifted(stage: Stage) -> None:
    """What is merged and not applied is pending, and who did it is said; both may be."""
    house = stage.house
    sns = house.client(house.registry.get("amber-prod"), "sns")
    arn = next(topic["TopicArn"] for topic in sns.list_topics()["Topics"] if topic["TopicArn"].rpartition(":")[2].startswith("app-"))
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "records", "Value": "somebody-elses"}])
    configure(house.environments, FRESH, TOKEN)
    said = house.infra("drift", "--format", "json")
    assert said.code == 3, said.err
    pending = {("app", tep): "pending" for tep in TEPS[1:]} | {(project, FRESH): "pending" for project in PROJECTS}
    assert verdicts(said, "in-sync") == pending | {("app", "amber-prod"): "both"}
    assert stage.engine.called() == ["preview"] * 4 + ["preview --refresh"] * 9

    found = cells(said)
    (drift,) = found["app", "amber-prod"]["drift"]
    assert [(each["path"], each["after"]) for each in drift["properties"]] == [("tags.records", "somebody-elses")]
    merged = git(stage.repository.root, "rev-parse", "main")[:8]
    assert f"→ {merged} (app/__main__.py)" in found["app", "birch-prod"]["cause"]
    assert {found[project, FRESH]["state"] for project in PROJECTS} == {"never"}
    assert {each["operation"] for each in found["app", FRESH]["resources"]} == {"create"}


def test_every_night_the_fleet_is_looked_at_and_a_report_published(stage: Stage) -> None:
    house = stage.house
    nightly = {"INFRA_DRIFT_CRON": "* * * * *", "INFRA_DRIFT_JITTER_S": "0", "INFRA_DRIFT_EXCEPT": "dev,p?od"}
    house.done("ui", "--restart", **nightly)
    query = """{ assetOrError(assetKey: {path: ["fleet_report"]}) { ... on Asset { assetMaterializations { metadataEntries {
      label ... on IntMetadataEntry { intValue } ... on UrlMetadataEntry { url } ... on MarkdownMetadataEntry { mdStr } } } } } }"""
    known = CheckStore(connect(house.settings.database_url)).checks(kind="drift", limit=1)[0].id

    def published() -> dict[str, Any] | None:
        for each in graphql(house.dagster.url, query, {})["assetOrError"].get("assetMaterializations", ()):
            shown = {entry["label"]: next((v for k, v in entry.items() if k != "label"), None) for entry in each["metadataEntries"]}
            if shown["report"].split("/")[2] > known:
                return shown
        return None

    shown = wait_for("the night's report", published, 150)
    assert shown["teps"] == 1
    assert "3 TEPs of environments that INFRA_DRIFT_EXCEPT names: amber-prod, birch-prod" in shown["left_out"]
    (check,) = [each for each in house.done("checks", "list", "--format", "json").json if each["id"] == shown["report"].split("/")[2]]
    assert (check["kind"], check["who"]) == ("drift", "nightly_drift")
    ticks = """{ scheduleOrError(scheduleSelector: {repositoryLocationName: "infra_assets", repositoryName: "__repository__",
      scheduleName: "nightly_drift"}) { ... on Schedule { scheduleState { ticks(limit: 5) { status runIds } } } } }"""
    assert [run for tick in graphql(house.dagster.url, ticks, {})["scheduleOrError"]["scheduleState"]["ticks"] for run in tick["runIds"]]
