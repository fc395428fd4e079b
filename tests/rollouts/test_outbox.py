"""What people are told is kept until it was told, in its order, once a channel."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest

from infra_assets.rollouts.announcements import Announcement
from infra_assets.rollouts.outbox import Outbox
from tests.rollouts.house import House


@dataclass(frozen=True)
class Told:
    channel: str
    ok: bool
    error: str = ""


@dataclass
class Channels:
    """Receivers, some of which are down."""

    channels: Sequence[str] = ("slack", "webhook")
    down: set[str] = field(default_factory=set)
    got: list[tuple[str, Announcement]] = field(default_factory=list)

    def send(self, announcement: Announcement, channels: Collection[str] | None = None) -> Sequence[Told]:
        told = []
        for name in self.channels if channels is None else channels:
            if name not in self.down:
                self.got.append((name, announcement))
            told.append(Told(name, name not in self.down, "" if name not in self.down else "no answer"))
        return told

    def kinds(self, channel: str) -> list[str]:
        return [announcement.kind for name, announcement in self.got if name == channel]


@pytest.fixture
def channels() -> Channels:
    return Channels()


def deliver(house: House, channels: Channels) -> list[str]:
    return Outbox(house.store.engine).deliver(channels)


def test_one_message_of_each_thing_that_happens_however_many_teps(house: House, channels: Channels) -> None:
    house.fleet("ours1", "c1", "c2", "c3")
    house.dagster.failing = {"queue/ours1-prod"}
    rollout = house.launch(max_failures="0")
    house.go(rollout)
    house.dagster.failing = set()
    house.control.resume(rollout.id, "bob")
    house.go(rollout)
    assert deliver(house, channels) == []
    assert channels.kinds("slack") == channels.kinds("webhook") == ["started", "halted", "done"]
    assert deliver(house, channels) == []
    assert len(channels.got) == 6
    halted = channels.got[2][1]
    assert halted.counts == {"deployed": 2, "failed": 1, "queued": 9}
    assert f"infra rollouts resume {rollout.id}" in halted.lines
    assert "asked for by person alice" in halted.lines
    assert any(line.startswith("1 TEP") and "ours1-prod" in line for line in halted.lines)
    assert {announcement.dedup_key for _, announcement in channels.got} == {f"infra-rollout-{rollout.id}"}


def test_a_channel_that_is_down_gets_it_later_in_order_and_the_others_once(house: House, channels: Channels) -> None:
    house.fleet("c1")
    channels.down = {"slack"}
    rollout = house.launch()
    assert deliver(house, channels) == ["slack: no answer"]
    assert house.go(rollout).state == "done"
    house.clock.forward(60)
    assert deliver(house, channels) == ["slack: no answer"]
    channels.down = set()
    house.clock.forward(60)
    assert deliver(house, channels) == []
    assert channels.kinds("webhook") == channels.kinds("slack") == ["started", "done"]


def test_who_is_down_for_minutes_gets_it_and_is_not_asked_all_the_time(house: House, channels: Channels) -> None:
    house.fleet("c1")
    house.launch()
    channels.down = {"slack"}
    told = []
    for _ in range(60):  # ten minutes, a look every ten seconds, as the sensor looks
        told += deliver(house, channels)
        house.clock.forward(10)
    assert 4 <= len(told) <= 8
    channels.down = set()
    for _ in range(70):
        deliver(house, channels)
        house.clock.forward(10)
    assert [name for name, announcement in channels.got if announcement.kind == "started"] == ["webhook", "slack"]


def test_after_hours_nobody_wants_to_hear_it_any_more(house: House, channels: Channels) -> None:
    house.fleet("c1")
    house.launch()
    channels.down = {"slack", "webhook"}
    house.clock.forward(7 * 3600)
    assert deliver(house, channels) == ["slack: no answer (given up)", "webhook: no answer (given up)"]
    assert deliver(house, channels) == []


def test_without_channels_nothing_is_kept(house: House) -> None:
    house.fleet("c1")
    house.launch()
    nobody = Channels(channels=())
    assert deliver(house, nobody) == []
    somebody = Channels()
    assert deliver(house, somebody) == []
    assert somebody.got == []


def test_waiting_for_approval_says_what_for_and_how(house: House, channels: Channels) -> None:
    house.fleet("c1")
    house.targets("targets: {all: {branch: main, teps: ['*'], limits: {cells: 1}}}")
    rollout = house.launch(target="all")
    deliver(house, channels)
    _, told = channels.got[0]
    assert (told.kind, told.severity) == ("waiting", "warning")
    assert told.title == f"Rollout {rollout.id} of all waits for approval"
    assert any("3 cells, more than the limit of 1: account/c1-prod" in line for line in told.lines)
    assert f"infra rollouts approve {rollout.id}" in told.lines
