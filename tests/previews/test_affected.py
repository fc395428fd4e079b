"""Which cells a proposal concerns."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra_assets.environments.opening import sources
from infra_assets.environments.proposal import open_proposal
from infra_assets.fleet.selection import Selection
from infra_assets.previews.beginning import Proposed, begin_preview
from infra_assets.previews.models import Check, CheckedCell
from infra_assets.previews.programs import proposed_programs
from infra_assets.previews.store import CheckStore
from tests.programs_repository.repositories import git
from tests.rollouts.house import House


@pytest.fixture(autouse=True)
def _in_the_house(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(house.root)


class Preview:
    """A preview, as it was begun."""

    def __init__(self, house: House, check: Check) -> None:
        self.check = check
        self.rows = CheckStore(house.store.engine).cells(check.id)

    def of(self, name: str) -> CheckedCell:
        return next(row for row in self.rows if row.name == name)

    @property
    def concerned(self) -> set[str]:
        """The cells that are looked at in any case."""
        return {row.name for row in self.rows if row.candidate and not row.verdict}

    @property
    def perhaps(self) -> set[str]:
        """Those that are looked at where what is upstream changes its outputs."""
        return {row.name for row in self.rows if not row.candidate}

    @property
    def errors(self) -> dict[str, str]:
        return {row.name: row.message for row in self.rows if row.verdict == "error"}


def preview(
    house: House, environments: str | None = None, programs: str | None = None, *, base: str | None = None, projects: Sequence[str] = ()
) -> Preview:
    planner = house.fresh_planner()
    proposed = Proposed(
        open_proposal(house.settings, environments) if environments else None,
        proposed_programs(planner, programs, base) if programs else None,
    )
    selection = Selection(projects=projects)
    return Preview(house, begin_preview(planner, planner.registry.list(), selection, proposed, "jo", lambda _: None))


def propose(house: House, environments: Mapping[str, Any]) -> str:
    """Lay environments into a folder; returns what a person calls it."""
    for name, content in environments.items():
        file = house.root / "proposal" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
    return "./proposal"


def environment(imports: Sequence[str] = (), **configuration: Any) -> dict[str, Any]:
    return {"imports": list(imports), "values": {"pulumiConfig": {name.replace("__", ":"): value for name, value in configuration.items()}}}


SHARED = {"network__zones": 2, "queue__size": 1}


def test_an_edit_of_a_shared_layer_concerns_just_the_teps_that_do_not_override_it(house: House) -> None:
    house.fleet("c1", "c2", "c3")
    house.own("c2-prod", {"network": {"zones": 3}})
    found = preview(house, propose(house, {"shared/app": environment(**SHARED | {"network__zones": 3})}))
    assert found.concerned == {"network/c1-prod", "network/c3-prod"}
    assert found.of("network/c1-prod").cause.startswith("configuration: network:zones 2 → 3 (shared/app ")
    assert (found.of("network/c1-prod").state, found.errors) == ("never", {})
    assert found.check.projects == ["account", "queue", "network"]
    requests = CheckStore(house.store.engine).requests(found.check.id)
    assert [request.tep for request in requests] == ["c1-prod", "c3-prod"]


def test_an_edit_that_comes_to_the_same_concerns_nobody(house: House) -> None:
    house.fleet("c1")
    found = preview(house, propose(house, {"shared/app": "# said anew\n" + json.dumps(environment(**SHARED))}))
    assert found.rows == []


def test_it_is_noticed_through_two_imports_and_what_is_downstream_is_looked_at_perhaps(house: House) -> None:
    house.fleet("c1", "c2")
    house.write("shared/base", {"account": {"name": "a"}})
    house.write("shared/middle", {}, imports=["shared/base"])
    house.write("tenants/c1-prod", {}, imports=["shared/app", "shared/middle", "fleet/c1-prod"])
    found = preview(house, propose(house, {"shared/base": environment(account__name="b")}))
    assert (found.concerned, found.perhaps) == ({"account/c1-prod"}, {"network/c1-prod"})
    assert found.of("network/c1-prod").cause == "after account"
    assert "shared/middle" in (found.of("account/c1-prod").pins or {})


def test_a_tenant_of_the_database_is_concerned_by_a_layer_on_disk(house: House) -> None:
    house.fleet("c1", "c2")
    settings = house.settings.model_copy(update={"environments": "store,environments"})
    house.settings = settings
    (house.root / "environments" / "tenants" / "c2-prod.yaml").unlink()
    store: Any = sources(settings)["store"]
    store.write("tenants/c2-prod", json.dumps(environment(["shared/app", "fleet/c2-prod"])).encode())
    found = preview(house, propose(house, {"shared/app": environment(**SHARED | {"queue__size": 2})}))
    assert found.concerned == {"queue/c1-prod", "queue/c2-prod"}


def test_a_deleted_environment_is_an_error_of_those_that_import_it_and_of_no_other(house: House) -> None:
    house.fleet("c1", "c2")
    house.write("shared/extra", {"queue": {"size": 9}})
    house.write("tenants/c1-prod", {}, imports=["shared/app", "shared/extra", "fleet/c1-prod"])
    git(house.root, "add", "environments")
    git(house.root, "commit", "-q", "-m", "Environments")
    git(house.root, "checkout", "-q", "-b", "topic")
    git(house.root, "rm", "-q", "environments/shared/extra.yaml")
    git(house.root, "commit", "-q", "-m", "Without extra")
    git(house.root, "checkout", "-q", "-")
    found = preview(house, "topic")
    assert set(found.errors) == {"account/c1-prod", "network/c1-prod", "queue/c1-prod"}
    assert "shared/extra" in found.errors["queue/c1-prod"]
    assert found.concerned == set()


def test_a_tep_whose_environment_does_not_evaluate_names_the_place_and_the_others_go_on(house: House) -> None:
    house.fleet("c1", "c2")
    broken = "imports:\n- shared/app\n- fleet/c1-prod\nvalues:\n  pulumiConfig:\n    queue:size: ${nowhere}\n"
    found = preview(
        house, propose(house, {"tenants/c1-prod": broken, "shared/app": environment(**SHARED | {"queue__size": 2})})
    )  # fmt: skip
    assert set(found.errors) == {"account/c1-prod", "network/c1-prod", "queue/c1-prod"}
    assert "proposal/tenants/c1-prod.yaml:6:" in found.errors["queue/c1-prod"]
    assert 'unknown property "nowhere"' in found.errors["queue/c1-prod"]
    assert found.concerned == {"queue/c2-prod"}


def test_a_tep_that_is_broken_already_is_none_of_the_proposals(house: House) -> None:
    house.fleet("c1", "c2")
    house.own("c1-prod", text="values: {a: '${nowhere}'}\n")
    (house.root / "environments" / "tenants" / "c2-prod.yaml").unlink()
    assert preview(house, propose(house, {"shared/else": environment()})).rows == []


def test_a_proposal_that_mends_a_tep_concerns_it(house: House) -> None:
    house.fleet("c1")
    house.own("c1-prod", text="values: {a: '${nowhere}'}\n")
    found = preview(house, propose(house, {"tenants/c1-prod": environment(["shared/app", "fleet/c1-prod"])}))
    assert found.concerned == {"account/c1-prod", "network/c1-prod", "queue/c1-prod"}
    assert found.of("queue/c1-prod").cause == "configuration: as it is live it has errors"


def branch(house: House, edits: Mapping[str, str | None], name: str = "topic") -> None:
    git(house.root, "checkout", "-q", "-b", name)
    for path, text in edits.items():
        file = house.root / "pulumi_programs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            file.unlink()
        else:
            file.write_text(text)
    git(house.root, "add", "-A", "pulumi_programs")
    git(house.root, "commit", "-q", "-m", "Topic")
    git(house.root, "checkout", "-q", "-")


def about(name: str, *upstream: str) -> str:
    return json.dumps({"name": name, "description": name, "runtime": "python", "infra": {"depends_on": list(upstream)}})


def test_an_edit_of_a_program_concerns_the_projects_that_import_the_file(house: House) -> None:
    house.fleet("c1", "c2")
    parts = house.root / "pulumi_programs" / "parts"
    parts.mkdir()
    (parts / "__init__.py").write_text("")
    (parts / "size.py").write_text("SIZE = 1\n")
    (house.root / "pulumi_programs" / "queue" / "__main__.py").write_text("from pulumi_programs.parts.size import SIZE\n")
    git(house.root, "add", "-A", "pulumi_programs")
    git(house.root, "commit", "-q", "-m", "Parts")
    branch(house, {"parts/size.py": "SIZE = 2\n"})
    found = preview(house, programs="topic")
    assert (found.concerned, found.perhaps) == ({"queue/c1-prod", "queue/c2-prod"}, set())
    assert found.of("queue/c1-prod").cause.startswith("program: commit ")
    assert found.of("queue/c1-prod").cause.endswith("(parts/size.py)")
    assert found.of("queue/c1-prod").pins is None


def test_a_cell_that_has_not_what_is_merged_says_so(house: House) -> None:
    house.fleet("c1")
    house.deployed()
    house.program("queue", "# merged, not deployed\n")
    branch(house, {"queue/__main__.py": "# topic\n"})
    found = preview(house, programs="topic")
    assert found.of("queue/c1-prod").cause.endswith("; besides, a merged program is not applied yet")


def test_a_new_project_is_concerned_everywhere(house: House) -> None:
    house.fleet("c1")
    branch(house, {"cache/Pulumi.yaml": about("cache", "network"), "cache/__main__.py": "# cache\n"})
    found = preview(house, programs="topic")
    assert found.concerned == {"cache/c1-prod"}
    assert found.of("cache/c1-prod").cause.startswith("program: the project is new in ")


def test_a_removed_project_is_left_out_and_counted_by_its_teps(house: House) -> None:
    house.fleet("c1", "c2")
    house.deployed()
    branch(house, {"queue/Pulumi.yaml": None, "queue/__main__.py": None})
    found = preview(house, programs="topic")
    assert found.rows == []
    assert found.check.left_out == ["queue is deployed in 2 TEPs and is not in the proposal: its stacks stay as they are"]
    assert preview(house, programs="topic", projects=["network"]).check.left_out == []


def test_a_project_that_cannot_be_loaded_is_an_error_with_the_reason(house: House) -> None:
    house.fleet("c1")
    branch(house, {"queue/Pulumi.yaml": about("queue", "nowhere")})
    found = preview(house, programs="topic")
    assert set(found.errors) == {"queue/c1-prod"}
    assert "pulumi_programs/queue/Pulumi.yaml: project 'queue' depends on project 'nowhere', which does not exist" in str(found.errors)


def test_a_project_that_is_broken_on_disk_is_no_matter_of_an_environments_proposal_elsewhere(house: House) -> None:
    house.fleet("c1", "c2")
    (house.root / "pulumi_programs" / "queue" / "Pulumi.yaml").write_text(about("queue", "nowhere"))
    found = preview(house, propose(house, {"tenants/c1-prod": environment(["shared/app", "fleet/c1-prod"], network__zones=3)}))
    assert (found.concerned, set(found.errors)) == ({"network/c1-prod"}, {"queue/c1-prod"})


def test_environments_and_programs_are_previewed_together(house: House) -> None:
    house.fleet("c1", "c2")
    branch(house, {"account/__main__.py": "# topic\n"})
    changed = propose(house, {"tenants/c2-prod": environment(["shared/app", "fleet/c2-prod"], account__name="b", queue__size=2)})
    found = preview(house, changed, "topic")
    assert found.concerned == {"account/c1-prod", "account/c2-prod", "queue/c2-prod"}
    assert found.perhaps == {"network/c1-prod", "network/c2-prod"}
    both = found.of("account/c2-prod")
    assert "program: commit " in both.cause
    assert "configuration: account:name (not set) → b (tenants/c2-prod" in both.cause
    # Where the proposal's environments have no part, configuration is as it is live.
    assert (both.pins is not None, found.of("account/c1-prod").pins) == (True, None)
    assert found.check.about["environments"] == "folder proposal/"
    assert found.check.about["programs"].startswith("topic ")


def test_a_deployed_cell_is_compared_with_the_program_that_it_was_deployed_with(house: House) -> None:
    house.fleet("c1")
    house.deployed()
    before = house.head
    house.program("queue", "# merged, not deployed\n")
    found = preview(house, propose(house, {"shared/app": environment(**SHARED | {"queue__size": 2})}))
    assert found.of("queue/c1-prod").commit == before
    assert found.of("queue/c1-prod").state == "deployed"


def test_what_is_resolved_for_a_preview_is_handed_to_its_runs(house: House) -> None:
    house.fleet("c1", "c2")
    house.own("c2-prod", {"queue": {"size": 2}})
    found = preview(house, propose(house, {"shared/app": environment(**SHARED | {"queue__size": 2})}))
    handed = house.fresh_planner().handover.take(found.check.id, "c1-prod")
    assert handed is not None
    assert handed.cell("queue").values["queue:size"].plain() == 2
    assert Path(house.root / "environments" / "shared" / "app.yaml").read_text().count('"queue:size": 1') == 1
