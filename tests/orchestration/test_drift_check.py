"""The asset check `in_sync`: what it tells Dagster of a cell, and what it writes down for its check."""

from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Ring, Tep
from infra_assets.fleet.registry import Registry
from infra_assets.orchestration import drift
from infra_assets.orchestration.drift import build_drift_checks
from infra_assets.orchestration.jobs import drift_job
from infra_assets.orchestration.partitions import teps
from infra_assets.previews.looking import Finding
from infra_assets.previews.store import CheckStore
from infra_assets.reports.changes import ResourceChange
from infra_assets.stacks.outcome import PropertyChange
from infra_assets.stacks.projects import About, Catalogue, Project
from tests.previews.checks import begin, check

ACME = Tep("acme", "prod", Ring.REGULAR, "us-east-1", "111111111111", "x")
CATALOGUE = Catalogue([Project("account", "", Path("account"), About()), Project("network", "", Path("network"), About())], [])
KEY = dg.AssetCheckKey(dg.AssetKey("network"), "in_sync")
CLEAN = Finding("in-sync", "deployed")
DRIFTED = Finding(
    "drifted", "deployed", "in the cloud 1 resource differs", {"update": 1},
    drift=[ResourceChange("aws:ec2/vpc:Vpc", "main", "update", (PropertyChange("tags.Owner", "update", "ours", None),))],
)  # fmt: skip
Looks = dict[str, Finding | Exception]
Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[CheckStore]:
    url = f"sqlite:///{tmp_path / 'infra.db'}"
    monkeypatch.setenv("INFRA_DATABASE_URL", url)
    settings.load.cache_clear()
    Registry(connect(url)).save([ACME])
    yield CheckStore(connect(url))
    settings.load.cache_clear()


@pytest.fixture
def looks() -> Looks:
    """What is found of each project."""
    return {"account": CLEAN, "network": CLEAN}


@pytest.fixture
def looked() -> list[str]:
    """Which projects were looked at."""
    return []


@pytest.fixture
def run(store: CheckStore, looks: Looks, looked: list[str], monkeypatch: pytest.MonkeyPatch) -> Generator[Run]:
    def look(project: str) -> Finding:
        looked.append(project)
        found = looks[project]
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(drift, "_drift", lambda _run_id, _tep: SimpleNamespace(look=look))
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("tep", [ACME.name])

        def execute(job: str = "drift", **tags: str) -> dg.ExecuteInProcessResult:
            given = {"dagster/partition": ACME.name, **{name.replace("__", "/").replace("_", "-"): value for name, value in tags.items()}}
            return definitions().resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False, tags=given)

        yield execute


def definitions() -> dg.Definitions:
    def asset(project: Project) -> dg.AssetsDefinition:
        @dg.asset(name=project.name, partitions_def=teps)
        def up() -> dg.MaterializeResult[Any]:
            return dg.MaterializeResult()

        return up

    names = [project.name for project in CATALOGUE.projects]
    return dg.Definitions(
        assets=[asset(project) for project in CATALOGUE.projects],
        asset_checks=build_drift_checks(CATALOGUE),
        jobs=[drift_job(names), dg.define_asset_job("by_hand", selection=dg.AssetSelection.assets("network").without_checks()
                                                    | dg.AssetSelection.checks(KEY))],
        executor=dg.in_process_executor,
    )  # fmt: skip


def evaluation(result: dg.ExecuteInProcessResult, project: str = "network") -> dg.AssetCheckEvaluation:
    return next(each for each in result.get_asset_check_evaluations() if each.asset_key == dg.AssetKey(project))


def test_what_is_in_sync_passes_and_nothing_is_materialized(run: Run, looked: list[str]) -> None:
    result = run()
    assert (result.success, sorted(looked)) == (True, ["account", "network"])
    assert (evaluation(result).passed, evaluation(result).partition) == (True, "acme-prod")
    assert result.get_asset_materialization_events() == []


def test_drift_is_a_warning_that_holds_nothing_up_with_what_differs(run: Run, looks: Looks) -> None:
    looks["network"] = DRIFTED
    result = run()
    found = evaluation(result)
    assert (result.success, found.passed, found.severity, found.blocking) == (True, False, dg.AssetCheckSeverity.WARN, False)
    assert found.description == "drifted: in the cloud 1 resource differs"
    assert (found.metadata["drifted_resources"], found.metadata["would_update"], found.metadata["would_delete"]) == (
        dg.IntMetadataValue(1), dg.IntMetadataValue(1), dg.IntMetadataValue(0),
    )  # fmt: skip
    assert [dict(record.data) for record in found.metadata["in_the_cloud"].value.records] == [  # type: ignore[union-attr]
        {"resource": "aws:ec2/vpc:Vpc main", "operation": "update", "property": "tags.Owner", "before": "ours", "after": ""}
    ]


def test_what_could_not_be_looked_at_is_an_error_and_the_others_go_on(run: Run, looks: Looks) -> None:
    looks["account"] = InfraError("account 1 cannot be entered")
    result = run()
    found = evaluation(result, "account")
    assert (result.success, found.passed, found.severity) == (True, False, dg.AssetCheckSeverity.ERROR)
    assert found.description == "error: account 1 cannot be entered"
    assert evaluation(result).passed


def test_it_is_seen_on_the_partitions_own_page_too(run: Run, looks: Looks) -> None:
    looks["network"] = DRIFTED
    observed = [event.asset_observation_data.asset_observation for event in run().all_events if event.is_asset_observation]
    assert {(each.asset_key.to_user_string(), each.partition, each.metadata["verdict"].value) for each in observed} == {
        ("account", "acme-prod", "in-sync"),
        ("network", "acme-prod", "drifted"),
    }


def test_a_run_of_a_check_writes_down_what_it_finds_and_links_to_the_report(run: Run, looks: Looks, store: CheckStore) -> None:
    of = begin(store, check("20261129T020000Z-aaaaaa", "acme-prod"))
    looks["network"], looks["account"] = DRIFTED, InfraError("no")
    result = run(infra__check=of.id)
    cells = {cell.project: cell for cell in store.cells(of.id)}
    assert (cells["network"].verdict, cells["network"].changes, cells["network"].run_id) == ("drifted", {"update": 1}, result.run_id)
    assert (cells["account"].verdict, cells["account"].message) == ("error", "no")
    assert None not in (cells["network"].started_at, cells["network"].finished_at)
    assert evaluation(result).metadata["report"].value == f"/reports/{of.id}/report.html"


def test_a_run_by_hand_is_none_of_the_check_whose_tags_it_carries(run: Run, store: CheckStore) -> None:
    of = begin(store, check("20261129T020000Z-aaaaaa", "acme-prod"))
    result = run(infra__check=of.id, infra__by_hand="true")
    assert evaluation(result).passed
    assert "report" not in evaluation(result).metadata
    assert {cell.verdict for cell in store.cells(of.id)} == {""}


def test_what_a_run_has_just_deployed_it_looks_at_too(run: Run, looked: list[str]) -> None:
    result = run("by_hand")
    assert (result.success, looked) == (True, ["network"])
    assert evaluation(result).passed


def test_a_defect_is_written_down_and_fails_the_step(run: Run, looks: Looks, store: CheckStore) -> None:
    of = begin(store, check("20261129T020000Z-aaaaaa", "acme-prod"))
    looks["account"] = RuntimeError("a defect")
    assert not run(infra__check=of.id).success
    cells = {cell.project: (cell.verdict, cell.message) for cell in store.cells(of.id)}
    assert cells == {"account": ("error", "it was not checked to its end: RuntimeError"), "network": ("in-sync", "")}
