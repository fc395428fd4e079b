"""The plan: which cells would run, and what waits for what. What the reasons say in detail is in test_reasons.py."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra_assets.environments.language.model import Value, value_of
from infra_assets.environments.resolution import CellConfiguration, Problem, Resolution
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Ring, Tep
from infra_assets.planning.parts import Plan
from infra_assets.planning.plan import Planned, plan
from infra_assets.rollouts.models import Options, Trigger
from infra_assets.rollouts.starting import Asking, start
from infra_assets.rollouts.store import RolloutStore
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


def made(
    teps: Sequence[Tep], projects: Sequence[Project], resolutions: Mapping[str, Resolution], ledger: Ledger, *,
    around: Surroundings = AROUND, force: bool = False,
) -> list[Planned]:  # fmt: skip
    """Plan the same projects in each TEP, by what the ledger says."""
    successes, known = ledger.successes(), ledger.latest()
    return plan(teps, lambda _tep: projects, resolutions=resolutions, successes=successes, known=known, around=around, force=force)


def verdicts(
    ledger: Ledger, projects: list[Project], *teps: Tep, around: Surroundings = AROUND, force: bool = False, **settings: dict[str, Any]
) -> dict[str, str]:
    resolutions = {tep.name: resolved(tep, **settings) for tep in teps}
    planned = plan(
        teps,
        lambda _tep: projects,
        resolutions=resolutions,
        successes=ledger.successes(),
        known=ledger.latest(),
        around=around,
        force=force,
    )
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
    planned = plan(
        [bad, good], lambda _tep: projects, resolutions={bad.name: broken, good.name: resolved(good)}, successes={}, known={}, around=AROUND
    )
    assert {item.verdict for item in planned if item.cell.tep == bad} == {"error"}
    assert {item.verdict for item in planned if item.cell.tep == good} == {"run"}


def test_a_secret_that_changed_is_a_reason_and_so_is_becoming_one(ledger: Ledger, projects: list[Project]) -> None:
    def verdict(value: Value) -> str:
        cell = CellConfiguration({"network:token": value})
        resolution = Resolution("acme-prod", cells={"network": cell})
        planned = plan(
            [tep()],
            lambda _tep: projects,
            resolutions={"acme-prod": resolution},
            successes=ledger.successes(),
            known=ledger.latest(),
            around=AROUND,
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
    planned = made([tep()], [projects[1], projects[0]], {"acme-prod": Resolution("acme-prod", cells)}, ledger)
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
    [("failed", "the last one failed"), ("deploying", "one goes on, or did not end"), ("removed", "it was removed")],
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


def test_what_was_skipped_and_has_nothing_to_do_is_deployed_again(ledger: Ledger, projects: list[Project], tmp_path: Path) -> None:
    deploy(ledger, projects, tep())
    ledger.skip(("acme-prod", "network"), "not tried: account/acme-prod failed")
    planned = plan(
        [tep()],
        lambda _tep: projects,
        resolutions={"acme-prod": resolved(tep())},
        successes=ledger.successes(),
        known=ledger.latest(),
        around=AROUND,
    )
    asking = Asking([Trigger(kind="person")], Options())
    store = RolloutStore(connect(f"sqlite:///{tmp_path / 'infra.db'}"))
    assert start(store, ledger, Plan(planned, {}, None, {}, {}), asking, lambda *_: None) is None
    newest = ledger.latest()["acme-prod", "network"]
    assert (newest.state, newest.outputs_hash, newest.changes) == ("deployed", "network-1", {})
    assert set(verdicts(ledger, projects, tep()).values()) == {"unchanged"}


def test_each_tep_may_have_projects_of_its_own(ledger: Ledger, projects: list[Project]) -> None:
    one, other = tep("one"), tep("other")
    resolutions = {each.name: resolved(each) for each in (one, other)}
    mine = {one.name: projects[:1], other.name: projects}
    planned = plan([one, other], lambda each: mine[each.name], resolutions=resolutions, successes={}, known={}, around=AROUND)
    assert [item.cell.name for item in planned] == [
        "account/one-prod",
        *(f"{name}/other-prod" for name in ("account", "network", "cluster")),
    ]


def test_a_configuration_that_was_tried_and_failed_is_not_another_one(ledger: Ledger, projects: list[Project]) -> None:
    def configured(**settings: Any) -> bool:
        resolution = {"acme-prod": resolved(tep(), **settings)}
        planned = made([tep()], projects[:1], resolution, ledger)
        return planned[0].configured

    assert not configured(account={"a": 1})
    inputs = effective_inputs(Cell(projects[0], tep()), resolved(tep(), account={"a": 1}).cell("account"), {}, AROUND)
    ledger.finish(ledger.begin(("acme-prod", "account"), "up", inputs.as_mapping()), "failed")
    assert not configured(account={"a": 1})
    assert configured(account={"a": 2})
    ledger.refuse(("acme-prod", "account"), "its environments have errors")
    assert configured(account={"a": 1})


def test_what_could_not_be_opened_is_run_and_says_so(ledger: Ledger, projects: list[Project]) -> None:
    deploy(ledger, projects, tep())
    resolution = Resolution("acme-prod", cells={"account": CellConfiguration(unresolved="the vault does not answer")})
    planned = plan(
        [tep()],
        lambda _tep: projects,
        resolutions={"acme-prod": resolution},
        successes=ledger.successes(),
        known=ledger.latest(),
        around=AROUND,
    )
    assert (planned[0].verdict, planned[0].reasons) == ("run", ["its configuration could not be opened: the vault does not answer"])
