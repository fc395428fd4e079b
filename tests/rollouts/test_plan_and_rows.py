"""The plan, and how a rollout's matrix reads while its runs go on."""

from pathlib import Path
from typing import Any

import pytest

from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Ring, Tep
from infra_assets.rollouts.plan import Planned, plan
from infra_assets.rollouts.rollout import cell_row, start
from infra_assets.rollouts.runs import Run, RunRequest
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.inputs import effective_inputs
from infra_assets.stacks.ledger import Ledger
from infra_assets.stacks.projects import About, Project

VERSIONS = {"engine": "3.1", "provider": "7.1", "operations_account": "123456789012"}


@pytest.fixture
def projects(tmp_path: Path) -> list[Project]:
    made: list[Project] = []
    for name, upstream in (("account", ()), ("network", ("account",)), ("cluster", ("network",))):
        folder = tmp_path / "pulumi_programs" / name
        folder.mkdir(parents=True)
        (folder / "__main__.py").write_text(f"# {name}")
        made.append(Project(name, "", folder, About(depends_on=upstream)))
    return made


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(connect(f"sqlite:///{tmp_path / 'infra.db'}"))


def tep(name: str = "acme", ring: Ring = Ring.REGULAR, **settings: Any) -> Tep:
    return Tep(name, "prod", ring, "us-east-1", "111111111111", "x", settings)


def deploy(ledger: Ledger, projects: list[Project], *teps: Tep) -> None:
    """Record a success of every cell with its present inputs."""
    for one in teps:
        for project in projects:
            inputs = effective_inputs(Cell(project, one), ledger.successes(), **VERSIONS)
            number = ledger.begin((one.name, project.name), "up", inputs.as_mapping())
            ledger.finish(number, "deployed", outputs_hash=f"{project.name}-1", resources=1)


def verdicts(ledger: Ledger, projects: list[Project], *teps: Tep, **options: Any) -> dict[str, str]:
    planned = plan(teps, projects, successes=ledger.successes(), known=ledger.latest(), **(VERSIONS | options))
    return {item.cell.name: f"{item.verdict}: {'; '.join(item.reasons)}".removesuffix(": ") for item in planned}


def test_a_new_tep_runs_everything(ledger: Ledger, projects: list[Project]) -> None:
    assert set(verdicts(ledger, projects, tep()).values()) == {"run: never deployed"}


def test_nothing_to_do_is_unchanged(ledger: Ledger, projects: list[Project]) -> None:
    deploy(ledger, projects, tep())
    assert set(verdicts(ledger, projects, tep()).values()) == {"unchanged"}


def test_a_setting_of_one_project_concerns_it_and_what_is_downstream(ledger: Ledger, projects: list[Project]) -> None:
    deploy(ledger, projects, tep(network={"zones": 2}))
    found = verdicts(ledger, projects, tep(network={"zones": 3}))
    assert found["account/acme-prod"] == "unchanged"
    assert found["network/acme-prod"].startswith("run: configuration ")
    assert found["cluster/acme-prod"] == "maybe: after network"


def test_an_upstream_whose_outputs_changed_is_a_reason(ledger: Ledger, projects: list[Project]) -> None:
    deploy(ledger, projects, tep())
    number = ledger.begin(("acme-prod", "network"), "up", ledger.successes()["acme-prod", "network"].inputs)
    ledger.finish(number, "deployed", outputs_hash="network-2", resources=1)
    assert verdicts(ledger, projects, tep())["cluster/acme-prod"].startswith("run: upstream outputs ")


@pytest.mark.parametrize(
    ("change", "said"), [({"engine": "3.2"}, "run: engine 3.1 → 3.2"), ({"provider": "8"}, "run: AWS provider 7.1 → 8")]
)
def test_a_new_engine_or_provider_concerns_everything(ledger: Ledger, projects: list[Project], change: dict[str, str], said: str) -> None:
    deploy(ledger, projects, tep())
    assert set(verdicts(ledger, projects, tep(), **change).values()) == {said}


def test_a_program_that_was_edited_runs(ledger: Ledger, projects: list[Project]) -> None:
    deploy(ledger, projects, tep())
    (projects[2].folder / "__main__.py").write_text("# edited")
    edited = [Project(project.name, "", project.folder, project.about) for project in projects]
    found = verdicts(ledger, edited, tep())
    assert found["network/acme-prod"] == "unchanged"
    assert found["cluster/acme-prod"].startswith("run: program ")


def test_force_runs_what_is_unchanged(ledger: Ledger, projects: list[Project]) -> None:
    deploy(ledger, projects, tep())
    assert set(verdicts(ledger, projects, tep(), force=True).values()) == {"run: forced"}


@pytest.mark.parametrize(
    ("state", "said"),
    [("failed", "the last one failed"), ("deploying", "the last one did not end"), ("removed", "it was removed")],
)
def test_what_did_not_end_well_runs_again(ledger: Ledger, projects: list[Project], state: str, said: str) -> None:
    deploy(ledger, projects, tep())
    number = ledger.begin(("acme-prod", "cluster"), "up", {})
    if state != "deploying":
        ledger.finish(number, state)
    assert verdicts(ledger, projects, tep())["cluster/acme-prod"] == f"run: {said}"


def test_a_skipped_cell_keeps_its_last_success(ledger: Ledger, projects: list[Project]) -> None:
    deploy(ledger, projects, tep())
    ledger.skip(("acme-prod", "cluster"), "not tried: network/acme-prod failed")
    assert verdicts(ledger, projects, tep())["cluster/acme-prod"] == "unchanged"
    assert ledger.latest()["acme-prod", "cluster"].state == "skipped"


class AskedRuns:
    """Takes what a rollout asks for."""

    def __init__(self) -> None:
        self.requests: list[RunRequest] = []
        self.partitions: list[str] = []

    def launch(self, requests: Any) -> list[str]:
        self.requests.extend(requests)
        return [f"run-{request.tep}" for request in requests]

    def runs(self, **_: Any) -> list[Run]:
        return []

    def terminate(self, ids: Any) -> None:
        raise AssertionError

    def prepare(self, teps: Any, programs: Any) -> None:
        self.partitions.extend(teps)
        self.programs = dict(programs)


def test_a_rollout_asks_for_one_run_a_tep_ring_by_ring_with_just_what_may_change(ledger: Ledger, projects: list[Project]) -> None:
    done, fresh, ours = tep("done"), tep("fresh"), tep("ours", Ring.INTERNAL)
    deploy(ledger, projects, done, ours)
    changed = tep("ours", Ring.INTERNAL, cluster={"desired": 2})
    planned = plan([done, fresh, changed], projects, successes=ledger.successes(), known=ledger.latest(), **VERSIONS)
    runs = AskedRuns()
    rollout = start(planned, runs)
    assert [(request.tep, list(request.projects)) for request in runs.requests] == [
        ("ours-prod", ["cluster"]),
        ("fresh-prod", ["account", "network", "cluster"]),
    ]
    assert runs.partitions == ["ours-prod", "fresh-prod"]
    assert runs.programs == {project.name: project.version for project in projects}
    assert rollout.run_ids == {"ours-prod": "run-ours-prod", "fresh-prod": "run-fresh-prod"}
    assert {request.tags["infra/rollout"] for request in runs.requests} == {rollout.id}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (None, "queued"),
        ("QUEUED", "queued"),
        ("STARTED", "queued"),
        ("SUCCESS", "unchanged"),
        ("CANCELED", "skipped"),
        ("FAILURE", "skipped"),
    ],
)
def test_a_cell_that_its_run_has_not_come_to(projects: list[Project], status: str | None, state: str) -> None:
    item = Planned(Cell(projects[0], tep()), "run", ["never deployed"])
    row = cell_row(item, Run("1", status, {}) if status else None, None)
    assert row.state == state
    assert bool(row.message) == (state == "skipped")


def test_a_cell_whose_process_died_is_failed_and_not_for_ever_deploying(ledger: Ledger, projects: list[Project]) -> None:
    item = Planned(Cell(projects[0], tep()), "run", [])
    ledger.begin(("acme-prod", "account"), "up", {}, rollout_id="r")
    entry = ledger.of_rollout("r")[0]
    assert cell_row(item, Run("1", "STARTED", {}), entry).state == "deploying"
    dead = cell_row(item, Run("1", "FAILURE", {}), entry)
    assert (dead.state, dead.message) == ("failed", "its process ended without a word")
