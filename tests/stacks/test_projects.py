"""Projects: discovered, sorted, and reported where they cannot be loaded."""

from pathlib import Path

import pytest

from infra_assets.errors import UsageError
from infra_assets.stacks.projects import discover
from infra_assets.stacks.sources import source_hash

ROOT = Path(__file__).parents[2]


def project(root: Path, name: str, *, depends_on: str = "[]", program: str = "", yaml: str | None = None) -> Path:
    folder = root / "pulumi_programs" / name
    folder.mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(
        yaml if yaml is not None else f"name: {name}\nruntime: python\ninfra: {{depends_on: {depends_on}}}\n"
    )
    (folder / "__main__.py").write_text(program)
    return folder


def test_ours_are_found_upstream_first() -> None:
    found = discover(ROOT)
    assert found.problems == []
    assert [project.name for project in found.tenant_projects()] == ["account", "network", "cluster"]


def test_what_is_downstream_is_found_at_any_depth(tmp_path: Path) -> None:
    for name, upstream in (("a", "[]"), ("b", "[a]"), ("c", "[b]"), ("d", "[]")):
        project(tmp_path, name, depends_on=upstream)
    assert [found.name for found in discover(tmp_path).downstream("a")] == ["b", "c"]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"name": "x", "depends_on": "[nowhere]"}, "x/Pulumi.yaml: project 'x' depends on project 'nowhere', which does not exist"),
        ({"name": "x", "yaml": "name: x\ninfra: {scpe: tenant}"}, "x/Pulumi.yaml: infra.scpe: Extra inputs are not permitted"),
        ({"name": "x", "yaml": "name: with-hyphen"}, "x/Pulumi.yaml: name: 'with-hyphen': a project's name is its asset's"),
        ({"name": "x", "yaml": "name: x\ninfra: {owners: [platform]}"}, "x/Pulumi.yaml: infra.owners.0: String should match pattern"),
        ({"name": "x", "yaml": "name: [x"}, "x/Pulumi.yaml: while parsing"),
        ({"name": "x", "yaml": "runtime: python"}, "x/Pulumi.yaml: no project name"),
        ({"name": "x", "yaml": "name: good"}, "project 'good' is also in"),
    ],
)
def test_a_project_that_cannot_be_loaded_is_reported_and_hides_no_other(tmp_path: Path, broken: dict[str, str], said: str) -> None:
    project(tmp_path, "good")
    project(tmp_path, **broken)
    found = discover(tmp_path)
    assert [project.name for project in found.projects] == ["good"]
    assert said in found.problems[0].message
    if found.problems[0].name == "x":
        with pytest.raises(UsageError) as refused:
            found.get("x")
        assert said in str(refused.value)


def test_a_cycle_is_named_and_so_is_what_depends_on_it(tmp_path: Path) -> None:
    for name, upstream in (("a", "[b]"), ("b", "[c]"), ("c", "[a]"), ("d", "[a]"), ("e", "[]")):
        project(tmp_path, name, depends_on=upstream)
    found = discover(tmp_path)
    messages = {problem.name: problem.message for problem in found.problems}
    assert [project.name for project in found.projects] == ["e"]
    assert "a/Pulumi.yaml: project 'a' depends on itself: a → b → c → a" in messages["a"]
    assert "project 'd' depends on 'a', which cannot be deployed" in messages["d"]


class TestSourceHash:
    """What a program's tree hash depends on, and what it does not."""

    @pytest.fixture
    def network(self, tmp_path: Path) -> Path:
        package = tmp_path / "pulumi_programs"
        folder = project(tmp_path, "network", program="from pulumi_programs.components.vpc import Vpc\n")
        components = package / "components"
        components.mkdir()
        (package / "__init__.py").write_text("")
        (components / "__init__.py").write_text("")
        (components / "vpc.py").write_text("import pulumi_programs.components.names\n")
        (components / "names.py").write_text("PREFIX = 'x'\n")
        (components / "other.py").write_text("")
        return folder

    @pytest.mark.parametrize("file", ["network/__main__.py", "network/Pulumi.yaml", "components/vpc.py", "components/names.py"])
    def test_its_own_files_and_imported_components_count_at_any_depth(self, network: Path, file: str) -> None:
        before = source_hash(network)
        (network.parent / file).write_text("# changed\n")
        assert source_hash(network) != before

    def test_data_files_count(self, network: Path) -> None:
        before = source_hash(network)
        (network / "policy.json").write_text("{}")
        assert source_hash(network) != before

    @pytest.mark.parametrize("file", ["components/other.py", "network/Pulumi.acme-prod.yaml", "network/__pycache__/x.pyc"])
    def test_what_it_does_not_use_does_not_count(self, network: Path, file: str) -> None:
        before = source_hash(network)
        (network.parent / file).parent.mkdir(exist_ok=True)
        (network.parent / file).write_text("# changed\n")
        assert source_hash(network) == before
