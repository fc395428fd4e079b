"""A small installation for tests of rollouts: a real register, ledger and store, real environments, a real repository of programs.

Only Dagster and the engine are played: `Played` queues runs as Dagster does, and deploys as the operator does, without an engine.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from infra_assets.environments.resolution import CellConfiguration
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Ring, Tep
from infra_assets.fleet.selection import Selection
from infra_assets.planning.planner import Planner
from infra_assets.rollouts import conductor, outbox, pending, starting, store, work
from infra_assets.rollouts.conductor import Conductor
from infra_assets.rollouts.control import Control
from infra_assets.rollouts.launching import Launch, launch
from infra_assets.rollouts.models import Rollout, Trigger
from infra_assets.rollouts.store import RolloutStore
from infra_assets.rollouts.work import Work, end
from infra_assets.runs import PARTITION_TAG, REQUEST_TAG, Run, RunRequest
from infra_assets.settings import Settings
from infra_assets.stacks import ledger
from infra_assets.stacks.cell import Cell, fingerprint
from infra_assets.stacks.inputs import Surroundings, details, effective_inputs
from infra_assets.stacks.projects import discover
from tests.programs_repository.repositories import git

AROUND = Surroundings("3.1", "7.1", b"key")
KEY = b"key"
PROJECTS: Mapping[str, tuple[str, ...]] = {"account": (), "network": ("account",), "queue": ()}
"""Projects and what they depend on; the first two have health checks."""
RINGS = {"ours": Ring.INTERNAL, "beta": Ring.BETA}
CLOCKED = (conductor, outbox, pending, starting, store, work, ledger)


class Clock:
    """The time, which a test moves on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def forward(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)

    def set_into(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in CLOCKED:
            monkeypatch.setattr(module, "now", self)


class SetUp(Planner):
    """A planner where set-up was done."""

    around = AROUND


def tep(name: str, number: int = 1) -> Tep:
    """Return a TEP of production; its ring is in its name: `ours1`, `beta2`, `c3`."""
    return Tep(name, "prod", RINGS.get(name.rstrip("0123456789"), Ring.REGULAR), "us-east-1", f"{number:012d}", "external-id")


def build(root: Path) -> None:
    """Make the folder of an installation: programs in git, environments, an empty database."""
    git_folder = root / "pulumi_programs"
    for name, upstream in PROJECTS.items():
        (git_folder / name).mkdir(parents=True)
        about = {
            "name": name,
            "description": name,
            "runtime": "python",
            "infra": {"depends_on": list(upstream), "public_outputs": ["exported"]},
        }
        (git_folder / name / "Pulumi.yaml").write_text(json.dumps(about))
        (git_folder / name / "__main__.py").write_text(f"# {name}\n")
    git(root, "init", "-q", "--template=")
    git(root, "add", "pulumi_programs")
    git(root, "commit", "-q", "-m", "First")
    (root / "environments").mkdir()
    connect(f"sqlite:///{root / 'home' / 'infra.db'}").dispose()


class House:
    """An installation in a folder."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self.root = root
        self.clock = clock
        home = root / "home"
        self.settings = Settings(
            root=root, home=home, cache_dir=root / "cache", targets=root / "targets.yaml", state_backend=(home / "state").as_uri(),
            database_url=f"sqlite:///{home / 'infra.db'}", passphrase=SecretStr("p"), environments="environments", cap=5,
        )  # fmt: skip
        self.planner = self.fresh_planner()
        self.store = RolloutStore(connect(self.settings.database_url))
        self.ledger = self.planner.ledger
        self.dagster = Played(self)
        self.shared()

    def fresh_planner(self) -> Planner:
        """Return what another process would have."""
        return SetUp(self.settings)

    @property
    def conductor(self) -> Conductor:
        """A conductor of another process."""
        return Conductor(self.fresh_planner(), self.dagster)

    @property
    def control(self) -> Control:
        return Control(self.fresh_planner())

    # What is there to deploy.

    def fleet(self, *names: str) -> list[Tep]:
        """Bring TEPs into the fleet, each with an environment of its own."""
        known = len(self.planner.registry.list())
        teps = [tep(name, known + number) for number, name in enumerate(names, 1)]
        self.planner.registry.save(teps)
        for one in teps:
            self.own(one.name)
        return teps

    def shared(self, **settings: Mapping[str, Any]) -> None:
        """Write the layer that all TEPs share, with what is said instead of what it has."""
        self.write("shared/app", {"network": {"zones": 2}, "queue": {"size": 1}, **settings})

    def own(self, name: str, settings: Mapping[str, Mapping[str, Any]] | None = None, text: str = "") -> None:
        """Write a TEP's own environment."""
        self.write(f"tenants/{name}", settings or {}, imports=["shared/app", f"fleet/{name}"], text=text)

    def write(self, name: str, settings: Mapping[str, Mapping[str, Any]], imports: Sequence[str] = (), text: str = "") -> None:
        """Write an environment: configuration by project and key."""
        file = self.root / "environments" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        flat = {f"{project}:{key}": value for project, values in settings.items() for key, value in values.items()}
        file.write_text(text or json.dumps({"imports": list(imports), "values": {"pulumiConfig": flat}}, indent=1))

    def program(self, name: str, text: str, message: str = "Edit") -> str:
        """Commit a change of a program; returns the commit."""
        (self.root / "pulumi_programs" / name / "__main__.py").write_text(text)
        git(self.root, "commit", "-q", "-a", "-m", message)
        return self.head

    @property
    def head(self) -> str:
        return git(self.root, "rev-parse", "HEAD")

    def targets(self, text: str) -> None:
        (self.root / "targets.yaml").write_text(text)

    # What is done.

    def launch(self, *, target: str | None = None, teps: Sequence[str] = (), projects: Sequence[str] = (), **options: Any) -> Rollout:
        """Start a rollout, as `infra rollout` does."""
        wanted = Launch(Selection(teps=teps, projects=projects), Trigger(kind="person", who="alice"), target, **options)
        found = launch(self.fresh_planner(), wanted).rollout
        assert found is not None
        return found

    def turn(self) -> None:
        """The sensor's tick."""
        assert self.conductor.advance_all() == []

    def go(self, rollout: Rollout | str, most: int = 50) -> Rollout:
        """Tick and run until nothing goes on any more; returns the rollout as it is then."""
        for _ in range(most):
            self.turn()
            if not self.dagster.work():
                self.turn()
                if not self.dagster.queued:
                    break
        return self.store.get(rollout if isinstance(rollout, str) else rollout.id)

    def deployed(self, **options: Any) -> Rollout:
        """Deploy everything, and forget that it was a rollout of this test."""
        found = self.go(self.launch(at_once=True, **options))
        assert found.state == "done", found
        self.dagster.deployments.clear()
        self.clock.forward(1)
        return found

    # What is seen.

    def cells(self, rollout: Rollout | str) -> dict[str, str]:
        """Return the states of a rollout's cells by name; `unhealthy` where it is."""
        rollout_id = rollout if isinstance(rollout, str) else rollout.id
        return {
            f"{cell.project}/{cell.tep}": cell.health if cell.health == "unhealthy" else cell.state for cell in self.store.cells(rollout_id)
        }

    def events(self, rollout: Rollout | str) -> list[str]:
        return [event.kind for event in self.store.events(rollout if isinstance(rollout, str) else rollout.id)]


@dataclass
class Deployed:
    """One `up` that was done."""

    cell: str
    rollout_id: str
    commit: str
    configuration: Mapping[str, Any]


class Played:
    """Dagster and its workers, as far as a rollout sees them."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.all: list[Run] = []
        self.requests: dict[str, RunRequest] = {}
        self.deployments: list[Deployed] = []
        self.failing: set[str] = set()
        """Cells whose `up` fails."""
        self.unhealthy: set[str] = set()
        self.foreseen: dict[str, Mapping[str, Any]] = {}
        self.most_at_once = 0
        self.cap = 5
        self.hook: Callable[[str], None] = lambda _what: None
        """Called before everything that is done: a test lets it raise."""

    # What a conductor asks.

    def launch(self, requests: Sequence[RunRequest]) -> None:
        for request in requests:
            self.hook("launch")
            run_id = f"run{len(self.all) + 1}"
            self.all.append(Run(run_id, "QUEUED", {**request.tags, PARTITION_TAG: request.tep}))
            self.requests[run_id] = request

    def runs(self, *, tags: Mapping[str, str] | None = None, active: bool = False, ids: Sequence[str] = ()) -> list[Run]:
        self.hook("runs")
        wanted = (tags or {}).items()
        return [
            run for run in reversed(self.all)
            if wanted <= run.tags.items() and (not active or run.active) and (not ids or run.id in ids)
        ]  # fmt: skip

    def terminate(self, ids: Sequence[str]) -> None:
        for run in self.all:
            if run.id in ids and run.status == "QUEUED":
                self.set(run.id, "CANCELED")

    def prepare(self, teps: Iterable[str], programs: Mapping[str, Sequence[str]]) -> None:
        self.hook("prepare")

    # What Dagster does.

    @property
    def queued(self) -> list[Run]:
        return [run for run in self.all if run.status == "QUEUED"]

    @property
    def started(self) -> list[Run]:
        return [run for run in self.all if run.status == "STARTED"]

    def of(self, tep: str) -> Run:
        """Return a TEP's newest run."""
        return next(run for run in reversed(self.all) if run.tep == f"{tep}-prod")

    def set(self, run_id: str, status: str) -> None:
        self.all = [replace(run, status=status) if run.id == run_id else run for run in self.all]

    def start(self, run: Run) -> bool:
        """A worker begins with a run: it claims its request; False where it may not."""
        if not self._house.store.asked.claim(run.tags[REQUEST_TAG], run.id):
            self.set(run.id, "CANCELED")
            return False
        self.set(run.id, "STARTED")
        self.most_at_once = max(self.most_at_once, len(self.started))
        return True

    def finish(self, run: Run) -> None:
        """A worker does its run, and ends it."""
        request = self.requests[run.id]
        good = self.preview(run, request) if request.job == "preview" else self.deploy(run, request)
        self.set(run.id, "SUCCESS" if good else "FAILURE")
        self.hook("end")
        end(self._house.store, run.tags[REQUEST_TAG], succeeded=good)

    def work(self) -> int:
        """Start what fits under the cap, each TEP once, and do all of it; returns how many runs that were."""
        chosen: dict[str, Run] = {}
        for run in self.queued:
            if len(chosen) < self.cap and run.tep not in chosen:
                chosen[run.tep] = run
        going = [run for run in chosen.values() if self.start(run)]
        for run in going:
            self.finish(run)
        return len(chosen)

    # What a worker does.

    def preview(self, run: Run, request: RunRequest) -> bool:
        mine = Work(self._house.settings, request.tep, run.tags["infra/rollout"])
        for project in request.projects:
            mine.foreseen(project, self.foreseen.get(f"{project}/{request.tep}", {"counts": {}, "delete": [], "replace": []}))
        return True

    def deploy(self, run: Run, request: RunRequest) -> bool:
        mine = Work(self._house.settings, request.tep, run.tags["infra/rollout"])
        bad: set[str] = set()
        for project in request.projects:
            if bad & set(PROJECTS[project]):
                bad.add(project)
                continue
            if not self._up(mine, mine.cell(project), run, force=request.force):
                bad.add(project)
                order = list(request.projects)
                below = [name for name in order[order.index(project) :] if project in PROJECTS[name]]
                for name in below:
                    self._house.ledger.skip((request.tep, name), "not tried", run_id=run.id, rollout_id=mine.rollout_id)
                mine.skipped(below, f"not tried: {project}/{request.tep} failed", run.id)
        return not bad

    def _up(self, mine: Work, cell: Cell, run: Run, *, force: bool) -> bool:
        self.hook("began")
        mine.began(cell.project.name, run.id)
        planner, project = self._house.planner, cell.project.name
        resolution = planner.resolver([cell.tep], cell.pins).resolve(cell.tep, discover(cell.project.folder.parents[1]).wanted())
        assert not resolution.problems, resolution.problems
        configuration = resolution.cell(project)
        successes = self._house.ledger.successes([cell.tep.name])
        inputs = effective_inputs(cell, configuration, successes, AROUND)
        last = successes.get(cell.key)
        self.hook("up")
        state = "unchanged"
        if force or last is None or last.inputs != inputs.as_mapping():
            state = self._operate(
                mine, cell, configuration, run, inputs.as_mapping(), details(cell, configuration, successes, KEY), resolution.closure
            )
        self.hook("ended")
        mine.ended(project, state, message="it broke" if state == "failed" else "")
        if state == "failed":
            return False
        healthy = cell.name not in self.unhealthy
        self.hook("health")
        if project in ("account", "network"):
            self._house.store.set_health(mine.rollout_id, cell.tep.name, project, healthy=healthy, detail="no route")
        return healthy

    def _operate(
        self, mine: Work, cell: Cell, configuration: CellConfiguration, run: Run, inputs: Mapping[str, str], rested_on: Mapping[str, Any],
        closure: Mapping[str, str],
    ) -> str:  # fmt: skip
        number = self._house.ledger.begin(
            cell.key, "up", inputs, run_id=run.id, rollout_id=mine.rollout_id, environments=closure, commit=cell.project.commit,
            details=rested_on,
        )  # fmt: skip
        plain = {name: value.plain() for name, value in configuration.values.items()}
        state = "failed" if cell.name in self.failing else "deployed"
        outputs = {"exported": plain.get(f"{cell.project.name}:exported")}
        self._house.ledger.finish(number, state, outputs=outputs, outputs_hash=fingerprint(outputs) if state == "deployed" else None)
        self.deployments.append(Deployed(cell.name, mine.rollout_id, cell.project.commit or "", plain))
        return state

    def did(self) -> list[str]:
        """Return the cells that were deployed, in order, and forget them."""
        found = [item.cell for item in self.deployments]
        self.deployments.clear()
        return found


def copy(template: Path, folder: Path) -> Path:
    """Return a fresh copy of an installation's folder."""
    shutil.copytree(template, folder)
    return folder
