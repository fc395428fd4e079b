"""Asset checks: one per project of which something is known, for the partition of its run, and what is downstream waits for it."""

import warnings
from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from infra_assets import settings
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Ring, Tep
from infra_assets.fleet.registry import Registry
from infra_assets.orchestration import checks, working
from infra_assets.orchestration.checks import build_checks
from infra_assets.orchestration.partitions import teps
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.health import Finding, Health
from infra_assets.stacks.ledger import Ledger
from infra_assets.stacks.projects import About, Catalogue, Project

ACME = Tep("acme", "prod", Ring.REGULAR, "us-east-1", "111111111111", "x")
OTHER = Tep("other", "prod", Ring.REGULAR, "us-east-1", "222222222222", "x")
CATALOGUE = Catalogue(
    [
        Project("network", "", Path("network"), About()),
        Project("cluster", "", Path("cluster"), About(depends_on=("network",))),
        Project("unheard_of", "", Path("unheard_of"), About(depends_on=("cluster",))),
    ],
    [],
)
NETWORK = dg.AssetCheckKey(dg.AssetKey("network"), "healthy")
WELL = Health([Finding("vpc", ok=True, detail="available"), Finding("routes", ok=True, detail="5 of 5 active")], 0.12)
UNWELL = Health([Finding("vpc", ok=True, detail="available"), Finding("routes", ok=False, detail="4 of 5 active")], 2.5)
Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    url = f"sqlite:///{tmp_path / 'infra.db'}"
    monkeypatch.setenv("INFRA_DATABASE_URL", url)
    settings.load.cache_clear()
    registry = Registry(connect(url))
    registry.save([ACME, OTHER])
    yield url
    settings.load.cache_clear()


@pytest.fixture
def ill() -> set[str]:
    """Cells that are not healthy, and projects whose check has a defect."""
    return set()


@pytest.fixture
def told() -> list[tuple[Any, ...]]:
    """What the rollout is told: of healths, and of what is skipped."""
    return []


@pytest.fixture
def instance() -> Generator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        made.add_dynamic_partitions("tep", [ACME.name, OTHER.name])
        yield made


@pytest.fixture
def run(database: str, ill: set[str], told: list[Any], instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Run:
    def look(_operator: Any, cell: Cell, _clients: Any, **_options: Any) -> Health:
        if cell.project.name in ill:
            raise RuntimeError("a defect")
        return UNWELL if cell.name in ill else WELL

    def record(rollout_id: str, cell: Cell, health: Health) -> None:
        told.append((rollout_id, cell.name, health.healthy))

    def work(_run_id: str, tep: str, _rollout_id: str) -> Any:
        def cell(name: str) -> Cell:
            return Cell(CATALOGUE.get(name), Registry(connect(database)).get(tep))

        return SimpleNamespace(cell=cell, skipped=lambda names, message, _run_id: told.append((tep, names, message)))

    monkeypatch.setattr(checks.health, "check", look)
    monkeypatch.setattr(working, "_work", work)
    job = definitions(record).resolve_job_def("rollout")

    def execute(tep: Tep | None = ACME, **options: Any) -> dg.ExecuteInProcessResult:
        return job.execute_in_process(
            partition_key=tep.name if tep else None, instance=instance, raise_on_error=False, tags={"infra/rollout": "r1"}, **options
        )

    return execute


def definitions(record: Any) -> dg.Definitions:
    def asset(project: Project) -> dg.AssetsDefinition:
        @dg.asset(name=project.name, deps=list(project.about.depends_on), partitions_def=teps)
        def up() -> dg.MaterializeResult[Any]:
            return dg.MaterializeResult()

        return up

    names = [project.name for project in CATALOGUE.projects]
    return dg.Definitions(
        assets=[asset(project) for project in CATALOGUE.projects],
        asset_checks=build_checks(CATALOGUE, record),
        jobs=[dg.define_asset_job("rollout", selection=dg.AssetSelection.assets(*names))],
        executor=dg.in_process_executor,
    )


def deployed(result: dg.ExecuteInProcessResult) -> list[str]:
    return [event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key]


def test_a_project_of_which_nothing_is_known_has_no_check_and_nothing_is_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keys = {key.to_user_string() for check in build_checks(CATALOGUE) for key in check.check_keys}
        dg.Definitions.validate_loadable(definitions(None))
    assert keys == {"network:healthy", "cluster:healthy"}


def test_what_is_healthy_is_recorded_for_its_tep_with_what_was_found(run: Run, instance: dg.DagsterInstance, told: list[Any]) -> None:
    result = run()
    assert result.success
    assert deployed(result) == ["network", "cluster", "unheard_of"]
    evaluation = next(each for each in result.get_asset_check_evaluations() if each.asset_check_key == NETWORK)
    assert (evaluation.passed, evaluation.partition, evaluation.description) == (True, "acme-prod", "healthy")
    table = evaluation.metadata["findings"].value
    assert [dict(record.data) for record in table.records] == [
        {"what": "vpc", "ok": True, "detail": "available"},
        {"what": "routes", "ok": True, "detail": "5 of 5 active"},
    ]
    assert evaluation.metadata["took_s"].value == 0.12
    assert told == [("r1", "network/acme-prod", True), ("r1", "cluster/acme-prod", True)]


def test_downstream_of_what_is_not_healthy_nothing_is_deployed_and_the_ledger_says_why(
    run: Run, ill: set[str], told: list[Any], database: str
) -> None:
    ill.add("network/acme-prod")
    result = run()
    assert not result.success
    assert deployed(result) == ["network"]
    evaluation = result.get_asset_check_evaluations()[0]
    assert (evaluation.passed, evaluation.severity, evaluation.blocking) == (False, dg.AssetCheckSeverity.ERROR, True)
    assert evaluation.description == "routes: 4 of 5 active"
    why = "not tried: network/acme-prod is not healthy"
    assert told == [("r1", "network/acme-prod", False), ("acme-prod", ["cluster", "unheard_of"], why)]
    entries = Ledger(connect(database)).latest()
    assert {key: (entry.state, entry.message) for key, entry in entries.items()} == {
        ("acme-prod", "cluster"): ("skipped", why),
        ("acme-prod", "unheard_of"): ("skipped", why),
    }
    assert {entry.rollout_id for entry in entries.values()} == {"r1"}


def test_each_tep_has_a_history_of_its_own(run: Run, ill: set[str], instance: dg.DagsterInstance) -> None:
    ill.add("network/acme-prod")
    run(ACME)
    run(OTHER)
    records = instance.event_log_storage.get_asset_check_execution_history(NETWORK, limit=10)
    assert {(record.partition, record.status.value) for record in records} == {("acme-prod", "FAILED"), ("other-prod", "SUCCEEDED")}


def test_with_a_project_goes_its_check_and_downstream_that_was_not_asked_for_is_not_skipped(
    run: Run, ill: set[str], told: list[Any], database: str
) -> None:
    """As where one cell is materialized by hand."""
    ill.add("network/acme-prod")
    result = run(asset_selection=[dg.AssetKey("network")])
    assert deployed(result) == ["network"]
    assert told == [("r1", "network/acme-prod", False), ("acme-prod", [], "not tried: network/acme-prod is not healthy")]
    assert Ledger(connect(database)).latest() == {}


def test_a_look_that_was_cut_off_counts_as_not_healthy(run: Run, ill: set[str], told: list[Any]) -> None:
    ill.add("cluster")
    result = run()
    assert not result.success
    assert deployed(result) == ["network", "cluster"]
    assert told[1:] == [
        ("r1", "cluster/acme-prod", False),
        ("acme-prod", ["unheard_of"], "not tried: cluster/acme-prod is not healthy"),
    ]


def test_a_tep_that_is_not_known_is_said_and_not_looked_at(run: Run, instance: dg.DagsterInstance, told: list[Any]) -> None:
    instance.add_dynamic_partitions("tep", ["gone-prod"])
    result = run(Tep("gone", "prod", Ring.REGULAR, "us-east-1", "333333333333", "x"))
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert failure.step_key == "network_healthy"
    assert "gone-prod" in failure.step_failure_data.error_display_string
    assert told == []
