"""Work shared among forks: in order, complete whatever happens to a fork, and nothing left behind."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence

import pytest

from infra_assets.planning import sharing
from infra_assets.planning.sharing import shared

Part = tuple[int, list[int]]


@pytest.fixture(autouse=True)
def processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2})
    monkeypatch.setattr(sharing, "_threads", lambda: 1)


def squares(items: Sequence[int]) -> Part:
    return os.getpid(), [item * item for item in items]


def test_every_part_is_done_once_and_in_order_by_several_processes() -> None:
    parts = shared(squares, range(10), least=2)
    assert [square for _, part in parts for square in part] == [item * item for item in range(10)]
    assert len({pid for pid, _ in parts}) == 3
    assert parts[0][0] == os.getpid()
    assert multiprocessing.active_children() == []


def test_what_is_little_is_done_alone() -> None:
    assert shared(squares, range(3), least=2) == [(os.getpid(), [0, 1, 4])]


def test_beside_other_threads_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2})
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert {pid for pid, _ in shared(squares, range(10), least=2)} == {os.getpid()}
    finally:
        done.set()
        other.join()


def test_the_part_of_a_fork_that_dies_is_done_here() -> None:
    here = os.getpid()

    def work(items: Sequence[int]) -> Part:
        if os.getpid() != here:
            os._exit(9)
        return squares(items)

    parts = shared(work, range(9), least=3)
    assert [square for _, part in parts for square in part] == [item * item for item in range(9)]
    assert {pid for pid, _ in parts} == {here}


def failing(items: Sequence[int]) -> Part:
    if 8 in items:
        raise ValueError("eight")
    return squares(items)


def interrupted(items: Sequence[int]) -> Part:
    if 0 in items:
        raise KeyboardInterrupt
    threading.Event().wait()
    return squares(items)


@pytest.mark.parametrize(("work", "error"), [(failing, ValueError), (interrupted, KeyboardInterrupt)])
def test_an_error_and_an_interruption_come_out_here_and_leave_no_process(
    work: Callable[[Sequence[int]], Part], error: type[BaseException], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(error):
        shared(work, range(9), least=3)
    assert multiprocessing.active_children() == []
    assert capfd.readouterr().err == ""
