"""What a project says of itself in its Pulumi.yaml."""

from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.programs.recording import Run

PROGRAMS = Path(__file__).parents[2] / "pulumi_programs"
PROJECTS: dict[str, dict[str, Any]] = {
    path.parent.name: yaml.safe_load(path.read_text()) for path in sorted(PROGRAMS.glob("*/Pulumi.yaml"))
}


@pytest.mark.parametrize("name", PROJECTS)
def test_it_is_a_standard_project_that_also_says_what_the_control_plane_needs(name: str) -> None:
    project = PROJECTS[name]
    assert project["name"] == name
    assert project["runtime"] == {"name": "python", "options": {"virtualenv": "../../.venv"}}
    assert (PROGRAMS / name / "__main__.py").is_file()
    assert set(project["infra"]) == {"scope", "role", "depends_on", "group", "owners", "kinds", "public_outputs", "main_resources"}
    assert project["infra"]["role"] == ("bootstrap" if name == "account" else "deploy")


def test_projects_depend_on_projects_and_not_in_a_circle() -> None:
    graph = {name: project["infra"]["depends_on"] for name, project in PROJECTS.items()}
    assert {upstream for depends_on in graph.values() for upstream in depends_on} <= set(PROJECTS)
    assert list(TopologicalSorter(graph).static_order()) == ["account", "network", "cluster"]


@pytest.mark.parametrize("name", PROJECTS)
def test_what_may_be_shown_and_linked_exists(name: str, run: Run) -> None:
    recorded = run(name)
    info = PROJECTS[name]["infra"]
    assert set(info["public_outputs"]) == set(recorded.outputs)
    assert set(info["main_resources"]) <= {item.type for item in recorded.resources}


@pytest.mark.parametrize("name", PROJECTS)
def test_it_reads_exactly_the_stacks_that_it_depends_on(name: str, run: Run) -> None:
    expected = [f"organization/{upstream}/acme-prod" for upstream in PROJECTS[name]["infra"]["depends_on"]]
    assert sorted(run(name).reads) == expected


@pytest.mark.parametrize("name", PROJECTS)
def test_roles_are_bounded_and_no_program_brings_a_provider_of_its_own(name: str, run: Run) -> None:
    recorded = run(name)
    assert all("infra-boundary" in role.inputs["permissionsBoundary"] for role in recorded.of("aws:iam/role:Role"))
    assert not [item for item in recorded.resources if item.type.startswith("pulumi:providers")]


@pytest.mark.parametrize("path", sorted(PROGRAMS.rglob("*.py")), ids=lambda path: str(path.relative_to(PROGRAMS)))
def test_no_program_looks_at_the_environment(path: Path) -> None:
    assert "environ" not in path.read_text().replace("get_config_env", "").replace("environment", "")
