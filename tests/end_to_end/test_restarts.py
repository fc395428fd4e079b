"""Whatever is killed in the middle of a rollout: no run is lost, none is doubled, and the rollout says what is true.

Each test is a rollout to thirty TEPs that gives every account one more SNS topic; AWS makes a name for each, so that a second create would
be a second topic. What is killed gets no time to say goodbye, and is started again as a person would.
"""

import subprocess
from collections import Counter
from collections.abc import Collection, Generator
from contextlib import suppress

import psutil
import pytest

from infra_assets.fleet.database import connect
from infra_assets.orchestration.services import Services
from infra_assets.rollouts.models import GOING, Asked, Rollout, RolloutCell, State
from infra_assets.rollouts.store import RolloutStore
from infra_assets.sandbox.emulator import Fault, add_faults, calls, clear_faults, list_faults
from infra_assets.sandbox.tools import Tools
from tests.end_to_end.fleet30 import PROJECT, TEPS, import_fleet, one_more, write_programs
from tests.end_to_end.house import House, psutil_workers, wait_for

pytestmark = [pytest.mark.engine, pytest.mark.dagster, pytest.mark.timeout(600)]

CAP = 5
TOPIC = "aws:sns/topic:Topic"
SOON_S = 200
"""Bounds each wait: run monitoring looks every 10 s, a sensor every 5 s, one that never began is given up after 120 s."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Generator[House]:
    root = tmp_path_factory.mktemp("root")
    write_programs(root)
    built = House(root, tmp_path_factory.mktemp("home"), cap=CAP)
    try:
        built.done("sandbox", "up")
        import_fleet(built)
        yield built
    finally:
        built.close()


class Rolled:
    """One rollout, which gives each account one more topic."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.count = one_more(house)
        self.store = RolloutStore(connect(house.settings.database_url))
        self._known = {rollout.id for rollout in self.store.rollouts()}
        self._before = max((call.n for call in calls(house.emulator)), default=0)

    def start(self) -> "Rolled":
        """Start it without anybody who waits for it."""
        self.house.done("rollout", "--format", "json")
        return self

    @property
    def now(self) -> Rollout:
        """The rollout as it is stored."""
        found = [rollout for rollout in self.store.rollouts() if rollout.id not in self._known]
        assert len(found) == 1
        return found[0]

    @property
    def begun(self) -> bool:
        return any(rollout.id not in self._known for rollout in self.store.rollouts())

    def cells(self, *states: str) -> list[RolloutCell]:
        return [cell for cell in self.store.cells(self.now.id) if not states or cell.state in states]

    def reach(self, count: int) -> None:
        """Wait until so many TEPs are deployed; the rollout still goes on then."""
        wait_for(f"{count} TEPs", lambda: self.begun and len(self.cells("deployed")) >= count, SOON_S)
        assert self.now.state == State.RUNNING

    def ended(self) -> State:
        """Wait until it moves no more, and return how it stands."""
        stands = (State.DONE, State.FAILED, State.HALTED)
        wait_for("the end", lambda: self.now.state in stands and not self.store.asked.count(self.now.id, GOING), SOON_S)
        return self.now.state

    def creates(self) -> Counter[str]:
        """Return how many topics AWS has made since the rollout began, by TEP."""
        names = {tep.account_id: tep.name for tep in self.house.registry.list()}
        made = [call for call in calls(self.house.emulator, self._before) if call.action == "CreateTopic" and call.status == 200]
        return Counter(names[call.account] for call in made)

    def deployments(self) -> Counter[str]:
        """Return how many successful deployments the ledger has of it, by TEP."""
        return Counter(entry.tep for entry in self.house.ledger.of_rollout(self.now.id) if entry.state == "deployed")

    def everything_once(self, but: Collection[str] = ()) -> None:
        """Each TEP (but some) was deployed once and got one topic, none got two; no lock, no unfinished operation and no run is left."""
        made, done = self.creates(), [tep for tep in TEPS if tep not in but]
        assert {tep: made[tep] for tep in done} == dict.fromkeys(done, 1)
        assert set(made.values()) == {1}
        assert self.deployments() == dict.fromkeys(done, 1)
        for tep in done:
            assert self.house.leftovers(PROJECT, tep) == {"locks": [], "pending": ()}
            assert len(self.house.resource_ids(PROJECT, tep, TOPIC)) == self.count
        wait_for("Dagster to see all runs end", lambda: not self.house.dagster.runs(active=True), SOON_S)
        assert Services(self.house.settings).workers() == []


def kill(house: House, name: str) -> None:
    """Kill one of the processes that `infra ui` starts."""
    process = Services(house.settings).find(name)
    assert process is not None
    process.kill()
    wait_for(f"the end of {name}", lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def kill_loaded_code(house: House) -> None:
    """Kill the child of the code server in which the definitions are loaded."""
    server = Services(house.settings).find("code-server")
    assert server is not None
    (child,) = server.children()
    child.kill()


def worker_of(house: House, tep: str) -> psutil.Process:
    """Return the process of the run that deploys a TEP now: its engine is told which stack."""
    (found,) = [work for work in Services(house.settings).workers() if deploys(work, tep)]
    return found


def deploys(worker: psutil.Process, tep: str) -> bool:
    with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
        return any(tep in engine.cmdline() for engine in worker.children())
    return False


def hold_a_create(house: House, tep: str, delay_s: float) -> None:
    """Have AWS make the next topic of a TEP, and be late with saying so."""
    account = house.registry.get(tep).account_id
    add_faults(house.emulator, [Fault("sns", "CreateTopic", delay_s=delay_s, when="after", times=1, account=account)])


def creating(house: House, command: "subprocess.Popen[str]") -> bool:
    assert command.poll() is None, command.communicate()
    return any(fault["struck"] for fault in list_faults(house.emulator))


def everything_of(house: House) -> list[psutil.Process]:
    """Return all that works in a house, engines and providers too: but the emulator, which stands for AWS."""
    aws = psutil.Process(house.emulator.pid)
    spared = {aws.pid, *(child.pid for child in aws.children(recursive=True))}
    ours: dict[int, psutil.Process] = {}
    for process in psutil_workers(house.home):
        with suppress(psutil.NoSuchProcess):  # a run that has ended meanwhile
            for member in (process, *process.children(recursive=True)):
                ours[member.pid] = member
    return [process for pid, process in ours.items() if pid not in spared]


def names(processes: list[psutil.Process]) -> set[str]:
    found: set[str] = set()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found.add(process.name())
    return found


def test_the_warm_host_and_the_daemon(house: House) -> None:
    rollout = Rolled(house).start()
    rollout.reach(2)
    kill(house, "warm")
    rollout.reach(6)  # runs start in processes of their own

    kill(house, "daemon")
    left = len(rollout.cells("queued"))
    assert left > CAP
    house.done("ui")
    assert Services(house.settings).missing() == []

    assert rollout.ended() == State.DONE
    rollout.everything_once()


def test_the_webserver_and_the_code_server(house: House) -> None:
    rollout = Rolled(house).start()
    rollout.reach(1)
    kill(house, "webserver")
    rollout.reach(11)  # a ring has ten: daemon and code server pass from one to the next

    kill_loaded_code(house)
    assert Services(house.settings).missing() == ["code-server", "webserver"]
    house.done("ui")
    rollout.reach(13)

    kill(house, "code-server")
    house.done("ui")
    assert Services(house.settings).missing() == []

    assert rollout.ended() == State.DONE
    rollout.everything_once()


def test_the_warm_host_is_started_again_without_disturbing_the_others(house: House) -> None:
    house.done("ui")
    others = [Services(house.settings).find(name) for name in ("code-server", "daemon", "webserver")]
    kill(house, "warm")
    house.done("ui")
    assert Services(house.settings).missing() == []
    assert [Services(house.settings).find(name) for name in ("code-server", "daemon", "webserver")] == others != [None] * 3


def test_a_worker_and_the_command_that_waits(house: House) -> None:
    rollout = Rolled(house)
    hold_a_create(house, TEPS[0], 4)
    command = house.started("rollout", "--wait")
    wait_for("the creation of a topic", lambda: creating(house, command), SOON_S)
    worker_of(house, TEPS[0]).kill()
    rollout.reach(4)
    command.kill()
    command.communicate()
    clear_faults(house.emulator)

    assert rollout.ended() == State.FAILED  # one of thirty is within the limit: all others were tried
    assert [cell.tep for cell in rollout.cells("failed")] == [TEPS[0]]
    assert TEPS[0] in rollout.now.reason
    assert house.states("--tep", TEPS[0]) == {(TEPS[0], PROJECT): "failed"}

    said = house.done("rollouts", "resume", "last", "--wait")
    assert f"goes on with 1 cells: {PROJECT}/{TEPS[0]}" in said.err
    assert rollout.now.state == State.DONE
    rollout.everything_once()


def test_the_whole_machine(house: House) -> None:
    """What was cut off in the middle of a create is refused, with what may exist; nothing is made twice, everything else gets done."""
    rollout = Rolled(house)
    hold_a_create(house, TEPS[1], 60)  # of the second ring
    command = house.started("rollout", "--wait", "--max-failures", "9")  # more than are under way at once: it is never halted
    wait_for("the creation of a topic", lambda: creating(house, command), SOON_S)
    victims = everything_of(house)
    assert "pulumi" in names(victims)
    for act in (psutil.Process.suspend, psutil.Process.kill):
        for process in victims:
            with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                act(process)
    command.communicate()
    clear_faults(house.emulator)
    cut = {cell.tep for cell in rollout.cells("deploying")}
    begun = {request.tep for request in rollout.store.asked.of(rollout.now.id, states=[Asked.STARTED])}
    assert TEPS[1] in cut
    assert rollout.now.state == State.RUNNING  # nobody was left to say anything else

    house.done("ui")
    state = rollout.ended()
    bad = {cell.tep for cell in rollout.cells("failed", "skipped")}
    assert cut <= bad <= begun
    assert state == State.FAILED
    shown = house.done("rollouts", "show", "last", "--format", "json").json
    assert {cell["tep"] for cell in shown["cells"] if cell["state"] in ("failed", "skipped")} == bad
    assert shown["reason"].partition(" TEP")[0] in {str(count) for count in range(1, len(bad) + 1)}
    assert any(tep in shown["reason"] for tep in bad)

    said = house.infra("rollouts", "resume", "last", "--wait")
    refused = {cell.tep for cell in rollout.cells() if not cell.good}
    assert TEPS[1] in refused <= cut
    assert said.code == 1
    assert rollout.now.state == State.FAILED
    for tep in refused:
        message = next(cell.message for cell in rollout.cells() if cell.tep == tep)
        assert house.leftovers(PROJECT, tep)["pending"] != (), message
        assert house.leftovers(PROJECT, tep)["locks"] == []  # that of the dead engine is gone
        assert "an operation was cut off, and these may exist without being recorded: creating urn:" in message
    assert rollout.creates()[TEPS[1]] == 1  # of others that were cut off AWS may not have heard yet
    rollout.everything_once(but=refused)
