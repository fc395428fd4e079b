"""The plan, and how a rollout's matrix reads while its runs go on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra_assets.environments.language.model import Value, value_of
from infra_assets.environments.resolution import CellConfiguration, Problem, Resolution
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Ring, Tep
from infra_assets.rollouts.plan import Planned, plan
from infra_assets.rollouts.rollout import cell_row, start
from infra_assets.rollouts.runs import Run, RunRequest
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.inputs import Surroundings, effective_inputs
from infra_assets.stacks.ledger import Ledger
from infra_assets.stacks.projects import About, Project

AROUND = Surroundings("3.1", "7.1", b"key")


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


def tep(name: str = "acme", ring: Ring = Ring.REGULAR) -> Tep:
    return Tep(name, "prod", ring, "us-east-1", "111111111111", "x")


def resolved(tep: Tep, **settings: dict[str, Any]) -> Resolution:
    """Return a TEP's configuration, by project and key."""
    values = {name: {f"{name}:{key}": value_of(value) for key, value in given.items()} for name, given in settings.items()}
    return Resolution(tep.name, cells={name: CellConfiguration(given) for name, given in values.items()})


def deploy(ledger: Ledger, projects: list[Project], *teps: Tep, **settings: dict[str, Any]) -> None:
    """Record a success of every cell with its present inputs."""
    for one in teps:
        for project in projects:
            inputs = effective_inputs(Cell(project, one), resolved(one, **settings).cell(project.name), ledger.successes(), AROUND)
            number = ledger.begin((one.name, project.name), "up", inputs.as_mapping())
            ledger.finish(number, "deployed", outputs_hash=f"{project.name}-1", resources=1)


def verdicts(
    ledger: Ledger, projects: list[Project], *teps: Tep, around: Surroundings = AROUND, force: bool = False, **settings: dict[str, Any]
) -> dict[str, str]:
    resolutions = {tep.name: resolved(tep, **settings) for tep in teps}
    planned = plan(teps, projects, resolutions=resolutions, successes=ledger.successes(), known=ledger.latest(), around=around, force=force)
    return {item.cell.name: f"{item.verdict}: {'; '.join(item.reasons)}".removesuffix(": ") for item in planned}


def test_a_new_tep_runs_everything(ledger: Ledger, projects: list[Project]) -> None:
    assert set(verdicts(ledger, projects, tep()).values()) == {"run: never deployed"}


def test_nothing_to_do_is_unchanged(ledger: Ledger, projects: list[Project]) -> None:
    deploy(ledger, projects, tep())
    assert set(verdicts(ledger, projects, tep()).values()) == {"unchanged"}


def test_a_setting_of_one_project_concerns_it_and_what_is_downstream(ledger: Ledger, projects: list[Project]) -> None:
    deploy(ledger, projects, tep(), network={"zones": 2})
    found = verdicts(ledger, projects, tep(), network={"zones": 3})
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
    assert set(verdicts(ledger, projects, tep(), around=replace(AROUND, **change)).values()) == {said}


def test_a_tep_whose_environments_have_errors_runs_nothing_and_the_others_go_on(ledger: Ledger, projects: list[Project]) -> None:
    bad, good = tep("bad"), tep("good")
    broken = Resolution(bad.name, problems=[Problem("environments/tenants/bad-prod.yaml:4:5", "values.a: unknown property")])
    planned = plan([bad, good], projects, resolutions={bad.name: broken, good.name: resolved(good)}, successes={}, known={}, around=AROUND)
    assert {item.verdict for item in planned if item.cell.tep == bad} == {"error"}
    assert {item.verdict for item in planned if item.cell.tep == good} == {"run"}
    runs = AskedRuns()
    rollout = start(planned, runs, ledger, lambda *_: None)
    assert [request.tep for request in runs.requests] == ["good-prod"]
    rows = [cell_row(item, None, ledger.latest().get(item.cell.key)) for item in rollout.planned if item.cell.tep == bad]
    assert {(row.state, row.message) for row in rows} == {("failed", str(broken.problems[0]))}


def test_a_secret_that_changed_is_a_reason_and_so_is_becoming_one(ledger: Ledger, projects: list[Project]) -> None:
    def verdict(value: Value) -> str:
        cell = CellConfiguration({"network:token": value})
        resolution = Resolution("acme-prod", cells={"network": cell})
        planned = plan(
            [tep()], projects, resolutions={"acme-prod": resolution}, successes=ledger.successes(), known=ledger.latest(), around=AROUND
        )
        return planned[1].verdict

    deploy(ledger, projects, tep(), network={"token": "one"})
    assert verdict(value_of("one")) == "unchanged"
    assert verdict(value_of("one", secret=True)) == "run"
    assert verdict(value_of("two")) == "run"


def test_what_reads_outputs_by_its_environment_waits_for_them(ledger: Ledger, projects: list[Project]) -> None:
    """`pulumi-stacks` is a dependency too."""
    deploy(ledger, projects, tep(), network={"zones": 2})
    cells = {"network": CellConfiguration({"network:zones": value_of(3)}), "account": CellConfiguration(stacks=("network",))}
    planned = plan(
        [tep()], [projects[1], projects[0]], resolutions={"acme-prod": Resolution("acme-prod", cells)},
        successes=ledger.successes(), known=ledger.latest(), around=AROUND,
    )  # fmt: skip
    assert [(item.verdict, list(item.reasons)[-1]) for item in planned][1] == ("maybe", "after network")


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


def test_what_was_skipped_and_has_nothing_to_do_is_deployed_again(ledger: Ledger, projects: list[Project]) -> None:
    deploy(ledger, projects, tep())
    ledger.skip(("acme-prod", "network"), "not tried: account/acme-prod failed")
    planned = plan(
        [tep()], projects, resolutions={"acme-prod": resolved(tep())}, successes=ledger.successes(), known=ledger.latest(), around=AROUND
    )
    start(planned, AskedRuns(), ledger, lambda *_: None)
    newest = ledger.latest()["acme-prod", "network"]
    assert (newest.state, newest.outputs_hash, newest.changes) == ("deployed", "network-1", {})
    assert set(verdicts(ledger, projects, tep()).values()) == {"unchanged"}


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
    resolutions = {one.name: resolved(one) for one in (done, fresh)} | {ours.name: resolved(ours, cluster={"desired": 2})}
    planned = plan(
        [done, fresh, ours], projects, resolutions=resolutions, successes=ledger.successes(), known=ledger.latest(), around=AROUND
    )
    runs = AskedRuns()
    handed: dict[str, list[str]] = {}
    rollout = start(planned, runs, ledger, lambda rollout_id, teps: handed.update({rollout_id: list(teps)}))
    assert handed == {rollout.id: ["ours-prod", "fresh-prod"]}
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
