"""A plan that is only looked at says what one that is carried out says, whoever works on it."""

from pathlib import Path

import pytest

from infra_assets import settings
from infra_assets.environments.usage import Usage
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Ring, Tep
from infra_assets.fleet.registry import Registry
from infra_assets.planning import planner, sharing
from infra_assets.planning.parts import Plan
from infra_assets.planning.planner import Planner
from infra_assets.stacks.inputs import Surroundings
from infra_assets.stacks.projects import Catalogue, discover

TEPS = [Tep("acme", f"e{number}", Ring.REGULAR, "us-east-1", f"{number:012}", f"external-{number}") for number in range(6)]
PROJECT = "name: {name}\nruntime: python\ninfra:\n  depends_on: [{depends_on}]\n"
TENANT = "imports: [shared/app, fleet/{tep}]\nvalues:\n  pulumiConfig:\n    network:cidr: 10.{number}.0.0/16\n"


class OnDisk(Planner):
    around = Surroundings("3.1", "7.1", b"key")

    def catalogue(self, commit: str) -> Catalogue:
        return discover(self.settings.root, commit)


@pytest.fixture
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OnDisk:
    (tmp_path / "workspace.yaml").touch()
    for name, depends_on in (("network", ""), ("cluster", "network"), ("site", "")):
        folder = tmp_path / "pulumi_programs" / name
        folder.mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text(PROJECT.format(name=name, depends_on=depends_on), encoding="utf-8")
        (folder / "__main__.py").touch()
    environment(tmp_path, "shared/app", "values:\n  pulumiConfig:\n    network:zones: 2\n    site:locales: [en]\n")
    for number, tep in enumerate(TEPS):
        environment(tmp_path, f"tenants/{tep.name}", TENANT.format(tep=tep.name, number=number))
    environment(tmp_path, f"tenants/{TEPS[5].name}", "imports: [shared/nowhere]\nvalues: {}\n")
    for name, value in {"ROOT": tmp_path, "HOME": tmp_path / "home", "CLOUD": "aws", "PASSPHRASE": "p"}.items():
        monkeypatch.setenv(f"INFRA_{name}", str(value))
    monkeypatch.setattr(planner, "LEAST", 2)
    monkeypatch.setattr(sharing, "_processors", lambda: 3)
    monkeypatch.setattr("infra_assets.programs.mirror.Mirror.keep", lambda *_: None)  # c1 is no commit of any repository
    found = OnDisk(settings.load.__wrapped__())
    Registry(connect(found.settings.database_url)).save(TEPS)
    for tep, project in ((tep, project) for tep in TEPS[:4] for project in ("network", "cluster", "site")):
        deployed(found, tep, project)
    return found


def environment(root: Path, name: str, text: str) -> None:
    path = root / "environments" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def deployed(found: OnDisk, tep: Tep, name: str) -> None:
    """Let the ledger have a cell as it is now."""
    from infra_assets.stacks.cell import Cell
    from infra_assets.stacks.inputs import details, effective_inputs

    resolver, catalogue = found.resolver(TEPS), found.catalogue("c1")
    resolution, cell = resolver.resolve(tep, catalogue.wanted()), Cell(catalogue.get(name), tep)
    successes, configuration = found.ledger.successes([tep.name]), resolution.cell(name)
    inputs = effective_inputs(cell, configuration, successes, found.around).as_mapping()
    number = found.ledger.begin(
        cell.key, "up", inputs, environments=resolution.closure, commit="c1", details=details(cell, configuration, successes, b"key")
    )
    found.ledger.finish(number, "deployed", outputs_hash=f"outputs-of-{cell.name}")


def told(plan: Plan) -> list[tuple[str, str, list[str], str, bool]]:
    return [(item.cell.name, item.verdict, list(item.reasons), item.state, item.configured) for item in plan.planned]


def test_several_processes_and_one_plan_the_same(plans: OnDisk) -> None:
    environment(plans.settings.root, "shared/app", "values:\n  pulumiConfig:\n    network:zones: 3\n    site:locales: [en]\n")
    whole, brief = plans.plan(TEPS, "c1", keeping=True), plans.plan(TEPS, "c1")
    verdicts = {name: verdict for name, verdict, *_ in told(brief)}
    of_acme = {name: verdicts[f"{name}/acme-e0"] for name in ("network", "cluster", "site")}
    assert of_acme == {"network": "run", "cluster": "maybe", "site": "unchanged"}
    assert verdicts["network/acme-e4"] == "run"
    assert verdicts["network/acme-e5"] == "error"
    assert next(iter(brief.planned)).reasons[0].startswith("configuration: network:zones 2 → 3 (shared/app ")
    assert told(brief) == told(whole)
    assert (brief.pins, brief.changed, brief.commit) == (whole.pins, whole.changed, whole.commit)
    assert brief.changed.keys() == {"shared/app"}
    for name, resolution in whole.resolutions.items():
        same = brief.resolutions[name]
        assert (same.closure, same.problems, same.warnings) == (resolution.closure, resolution.problems, resolution.warnings)
        assert (same.cells, same.logins) == ({}, {})


def test_what_several_processes_open_is_counted_once(plans: OnDisk) -> None:
    plans.plan(TEPS, "c1")
    used = {use.environment: use.opens for use in Usage(connect(plans.settings.database_url)).read(days=1)}
    assert used == {"shared/app": 0, **{f"tenants/{tep.name}": 1 for tep in TEPS}}
