"""The warm host: what it imports beforehand, and that nothing depends on it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil

from infra_assets.orchestration import warm
from tests.conftest import ROOT
from tests.end_to_end.house import wait_for

FIRST_LINE = "    import dagster as dg\n"
"""Of what a worker does."""


def test_it_knows_from_the_source_what_programs_use_of_the_provider(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import pulumi_aws as aws\nvpc = aws.ec2.Vpc('x')\ndef f(role: aws.iam.Role): ...\nother.ecs.Cluster")
    (tmp_path / "b.py").write_text(
        "from pulumi_aws import sns, vpc\nfrom pulumi_aws.ecs import Cluster\nimport pulumi_aws.budgets\nimport os.path"
    )
    (tmp_path / "broken.py").write_text("def (")
    assert warm.used_services(tmp_path.glob("*.py")) == {"ec2", "iam", "sns", "vpc", "ecs", "budgets"}


def test_what_our_own_programs_use_is_loaded_before_a_run_asks(tmp_path: Path) -> None:
    """A run's own imports are what each run pays for again."""
    program = f"""
import sys, threading
from pathlib import Path
from infra_assets.orchestration.warm import preload
preload(Path({str(ROOT)!r}))
before = set(sys.modules)
import infra_assets.definitions, pulumi_programs.components.network, pulumi_programs.components.cluster
print([name for name in sys.modules if name not in before and not name.startswith(("infra_assets.definitions", "pulumi_programs"))])
print(threading.active_count())
"""
    variables = {**os.environ, "INFRA_ROOT": str(ROOT), "INFRA_HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "1"]


def test_without_a_host_nobody_answers(tmp_path: Path) -> None:
    assert warm.request(tmp_path, "some-run") is None


def test_a_host_that_died_is_as_none(tmp_path: Path) -> None:
    path = warm.socket_path(tmp_path)
    path.parent.mkdir()
    path.write_text("")
    assert warm.request(tmp_path, "some-run") is None


def test_a_run_after_an_edit_of_our_own_code_has_the_edit_and_the_host_begins_anew(tmp_path: Path) -> None:
    library, home = tmp_path / "library", tmp_path / "home"
    shutil.copytree(ROOT / "infra_assets", library / "infra_assets", ignore=shutil.ignore_patterns("__pycache__"))
    worker = library / "infra_assets" / "orchestration" / "worker.py"
    variables = {**os.environ, "INFRA_ROOT": str(ROOT), "INFRA_HOME": str(home), "DAGSTER_HOME": str(home), "PYTHONPATH": str(library)}
    told, real = tmp_path / "told", worker.read_text()

    def edit(text: str) -> None:
        """Have runs write a text, and for which run it was."""
        body = f"    open({str(told)!r}, 'a').write('{text} ' + run_id + '\\n')\n    return 0\n"
        worker.write_text(real.replace(FIRST_LINE, body + FIRST_LINE, 1))

    def asked(run_id: str) -> str:
        wait_for("the host", lambda: warm.request(home, run_id) is not None, 60)
        wait_for("the run", lambda: told.exists() and run_id in told.read_text(), 60)
        return told.read_text().splitlines()[-1]

    edit("first")
    host = subprocess.Popen([sys.executable, "-m", "infra_assets.orchestration.warm"], env=variables, cwd=library)
    try:
        assert asked("one") == "first one"
        edit("second")
        assert asked("two") == "second two"
        assert asked("three") == "second three"
        assert psutil.Process(host.pid).cmdline()[-1] == "infra_assets.orchestration.warm"
        assert host.poll() is None
    finally:
        host.kill()
        host.wait()
