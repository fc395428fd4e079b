"""The emulator's process: one per folder, found again, and known by its generation."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import psutil
import pytest

from infra_assets.errors import InfraError, NotRunningError
from infra_assets.sandbox import emulator
from infra_assets.sandbox.emulator import process, records


@pytest.fixture
def folder(tmp_path: Path):
    yield tmp_path
    emulator.stop(tmp_path)


def test_a_second_start_returns_the_first(folder: Path):
    first = emulator.start(folder)
    assert emulator.start(folder) == first
    assert emulator.find(folder) == first
    assert emulator.healthy(first)


def test_it_is_in_a_session_of_its_own_and_outlives_who_started_it(folder: Path):
    program = f"from pathlib import Path; from infra_assets.sandbox import emulator; print(emulator.start(Path({str(folder)!r})).pid)"
    starter = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found = emulator.find(folder)
    assert found is not None
    assert found.pid == int(starter.stdout)
    assert emulator.healthy(found)
    assert os.getsid(found.pid) == found.pid


def test_two_starts_at_once_make_one(folder: Path):
    with ProcessPoolExecutor(3, get_context("spawn")) as pool:
        pids = list(pool.map(_start, [folder] * 3))
    assert len(set(pids)) == 1


def _start(folder: Path) -> int:
    return emulator.start(folder).pid


def test_a_restart_has_lost_its_memory_and_says_so(folder: Path):
    first = emulator.start(folder)
    assert emulator.stop(folder)
    assert emulator.find(folder) is None
    second = emulator.start(folder)
    assert second.generation != first.generation
    assert not emulator.healthy(first)
    # Whatever was given the address or the bundle goes on working.
    assert (second.proxy_url, second.ca_bundle.read_bytes()) == (first.proxy_url, first.ca_bundle.read_bytes())


def test_stopping_what_does_not_run_is_no_error(tmp_path: Path):
    assert emulator.stop(tmp_path) is False
    assert emulator.stop(tmp_path / "never-made") is False


def test_a_killed_process_is_noticed_and_replaced(folder: Path):
    first = emulator.start(folder)
    os.kill(first.pid, signal.SIGKILL)
    psutil.Process(first.pid).wait(5)
    assert emulator.find(folder) is None
    with pytest.raises(NotRunningError, match="does not answer"):
        emulator.health(first)
    assert emulator.healthy(emulator.start(folder))


def test_a_process_that_hangs_is_replaced(folder: Path):
    first = emulator.start(folder)
    os.kill(first.pid, signal.SIGSTOP)
    second = emulator.start(folder)
    assert second.pid != first.pid
    assert not psutil.pid_exists(first.pid)


def test_another_process_with_the_same_pid_is_left_alone(folder: Path):
    other = subprocess.Popen(["sleep", "60"])
    try:
        recorded = emulator.Emulator(other.pid, psutil.Process(other.pid).create_time() - 100, "http://127.0.0.1:1", "", folder, "x")
        records.write(folder, recorded)
        assert emulator.find(folder) is None
        assert emulator.stop(folder) is False
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_start_that_fails_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process, "MODULE", "infra_assets.sandbox.emulator.nothing")
    with pytest.raises(InfraError, match=r"ended at once\n.*No module named") as raised:
        emulator.start(folder)
    assert "emulator.log" in raised.value.remedy


def test_a_record_that_is_damaged_reads_as_none(folder: Path):
    (folder / records.RECORD).write_text('{"pid": "?"}')
    assert emulator.find(folder) is None
    (folder / records.RECORD).write_text("{")
    assert emulator.find(folder) is None
    assert emulator.healthy(emulator.start(folder))


def test_the_environment_is_what_children_need_and_nothing_else(folder: Path):
    running = replace(emulator.start(folder), proxy_url="http://127.0.0.1:7")
    assert emulator.environment(running) == {
        "HTTPS_PROXY": "http://127.0.0.1:7",
        "https_proxy": "http://127.0.0.1:7",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "AWS_CA_BUNDLE": str(folder / "ca.pem"),
    }


def test_the_authority_is_the_folders_own_and_its_key_private(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    other = tmp_path_factory.mktemp("other")
    first, second = emulator.start(folder), emulator.start(other)
    emulator.stop(other)
    assert first.ca_bundle.read_bytes() != second.ca_bundle.read_bytes()
    assert (folder / "ca.key").stat().st_mode & 0o777 == 0o600


def test_importing_the_clients_side_is_light():
    program = "import infra_assets.sandbox.emulator, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"moto", "boto3", "botocore", "flask", "werkzeug", "cryptography", "httpx"} & set(loaded)


def test_finding_is_cheap(folder: Path):
    emulator.start(folder)
    begun = time.perf_counter()
    for _ in range(20):
        emulator.find(folder)
    assert (time.perf_counter() - begun) / 20 < 0.01
