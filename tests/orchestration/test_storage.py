"""Where Dagster keeps what runs say: as its own classes do, only cheaper."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest

from tests.conftest import ROOT


def events(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    return [entry.dagster_event.event_type_value for entry in instance.all_logs(run.run_id) if entry.dagster_event]


def said(instance: dg.DagsterInstance) -> dg.DagsterRun:
    """Return a run of which an event is kept."""
    run = instance.add_run(dg.DagsterRun("rollout", str(uuid4())))
    instance.report_engine_event("hello", run)
    return run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dagster.yaml").write_text((ROOT / "dagster_home" / "dagster.yaml").read_text())
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


def test_each_run_has_a_database_and_dagsters_own_class_reads_it(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        first, second = said(instance), said(instance)
    assert sorted(file.stem for file in (home / "history" / "runs").glob("*.db")) == sorted(["index", first.run_id, second.run_id])
    configured = home / "dagster.yaml"
    before, _, after = configured.read_text().partition("event_log_storage:")
    configured.write_text(before + after[after.index("compute_logs:") :])
    with dg.DagsterInstance.get() as instance:
        assert events(instance, first) == events(instance, second) == ["ENGINE_EVENT"]


def test_a_home_of_dagsters_own_class_is_read_on(home: Path) -> None:
    configured = home / "dagster.yaml"
    ours = configured.read_text()
    before, _, after = ours.partition("event_log_storage:")
    configured.write_text(before + after[after.index("compute_logs:") :])
    with dg.DagsterInstance.get() as instance:
        run = said(instance)
    configured.write_text(ours)
    with dg.DagsterInstance.get() as instance:
        assert events(instance, run) == ["ENGINE_EVENT"]
        instance.report_engine_event("again", run)
        assert events(instance, run) == ["ENGINE_EVENT", "ENGINE_EVENT"]


CAPTURE = """
import subprocess, sys
import dagster as dg
with dg.DagsterInstance.get() as instance:
    with instance.compute_log_manager.capture_logs(["run", "compute_logs", "key"]):
        print("said")
        print("complained", file=sys.stderr)
        subprocess.run(["echo", "by a child"], check=True)
    data = instance.compute_log_manager.get_log_data(["run", "compute_logs", "key"])
    assert instance.compute_log_manager.is_capture_complete(["run", "compute_logs", "key"])
print(sorted(data.stdout.split(b"\\n")), data.stderr)
"""


def test_what_a_run_prints_is_in_its_files_and_nowhere_else(home: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CAPTURE], capture_output=True, text=True, check=False)
    assert done.stdout == "[b'', b'by a child', b'said'] b'complained\\n'\n", done.stderr
    assert (home / "storage" / "run" / "compute_logs" / "key.out").read_text().count("said") == 1
