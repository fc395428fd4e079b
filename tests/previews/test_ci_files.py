"""What is copied into a CI: the script runs, and the workflow gives a fork nothing."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

CI = Path(__file__).parents[2] / "docs" / "ci"
WORKFLOW: dict[Any, Any] = yaml.safe_load((CI / "github-preview.yml").read_text())
COMMAND = """#!/usr/bin/env bash
printf '%s\\n' "$@" > "$(dirname "$0")/arguments"
while (($#)); do if [[ $1 == --output ]]; then echo '# report' > "$2"; fi; shift; done
exit "${CODE:-0}"
"""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    command = tmp_path / "infra"
    command.write_text(COMMAND)
    command.chmod(0o755)

    def run_(*arguments: str, **variables: str) -> tuple[int, list[str]]:
        known = {"PATH": os.environ["PATH"], "INFRA": str(command), "REPORT_DIR": str(tmp_path / "reports")} | variables
        done = subprocess.run([str(CI / "preview.sh"), *arguments], env=known, cwd=tmp_path, capture_output=True, check=False)
        asked = tmp_path / "arguments"
        return done.returncode, asked.read_text().splitlines() if asked.exists() else []

    return run_


def test_the_script_calls_the_command(run: Any, tmp_path: Path) -> None:
    report = str(tmp_path / "reports" / "preview.md")
    assert run(HEAD="abc") == (0, [
        "preview", "--environments", "abc", "--programs", "abc", "--base", "main", "--format", "md", "--output", report,
        "--fail-on", "error",
    ])  # fmt: skip
    assert run("--project", "a b", HEAD="a b", STATIC="1", COMMENT="1", FAIL_ON="any", BASE="x")[1][-5:] == [
        "any", "--static", "--comment", "--project", "a b",
    ]  # fmt: skip


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_exit_code_is_the_commands_and_the_report_is_kept(run: Any, tmp_path: Path, code: int) -> None:
    summary = tmp_path / "summary"
    assert run(HEAD="abc", CODE=str(code), GITHUB_STEP_SUMMARY=str(summary))[0] == code
    assert (tmp_path / "reports" / "preview.md").read_text() == "# report\n"
    assert summary.read_text() == "# report\n"


@pytest.mark.parametrize("variables", [{}, {"HEAD": ""}, {"HEAD": "--output=/x"}, {"HEAD": "a", "BASE": "-x"}])
def test_what_is_no_commit_is_refused(run: Any, variables: dict[str, str]) -> None:
    code, asked = run(**variables)
    assert code in (1, 2, 127)
    assert asked == []


@pytest.mark.skipif(shutil.which("shellcheck") is None and "CI" not in os.environ, reason="no shellcheck: Debian's package has its name")
def test_the_shell_is_clean(tmp_path: Path) -> None:
    steps = [step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step]
    for number, step in enumerate(steps):
        (tmp_path / f"{number}.sh").write_text(f"#!/usr/bin/env bash\n{step}")
    checked = subprocess.run(
        ["shellcheck", str(CI / "preview.sh"), *map(str, tmp_path.glob("*.sh"))], capture_output=True, text=True, check=False
    )
    assert checked.stdout == ""


def test_a_fork_gets_nothing() -> None:
    assert list(WORKFLOW[True]) == ["pull_request"]
    assert WORKFLOW["permissions"] == {}
    static = WORKFLOW["jobs"]["static"]
    assert static["if"] == "github.event.pull_request.head.repo.full_name != github.repository"
    assert static["permissions"] == {"contents": "read"}
    text = str(static)
    assert not any(word in text for word in ("secrets.", "vars.", "aws", "id-token"))
    assert WORKFLOW["jobs"]["preview"]["if"] == "github.event.pull_request.head.repo.full_name == github.repository"


def test_what_people_write_is_in_no_shell() -> None:
    for job in WORKFLOW["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
                assert step["with"]["persist-credentials"] is False
