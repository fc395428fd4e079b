"""A fleet's rollout against a shell loop of one Automation API script per stack: same programs, same emulator, same cap, one run.

`python -m benchmarks.rollout --format json` prints `rollout_ratio` (ours / loop), `noop_ratio` (the same with nothing to do),
and `floor_ratio` (warm processes that call the bare engine / loop). Dagster runs when the clock starts, as it does in a platform.
All rings go at once, because the loop knows none.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.configuration import plain, resolve
from benchmarks.telling import Format, clocked, house, infra, run, say, tell
from infra_assets import settings
from infra_assets.environments.resolution import Resolution
from infra_assets.fleet.accounts import Organization
from infra_assets.fleet.database import connect
from infra_assets.fleet.document import read
from infra_assets.fleet.importer import import_fleet
from infra_assets.fleet.models import Tep
from infra_assets.fleet.registry import Registry
from infra_assets.orchestration.services import Services
from infra_assets.sandbox import cloud, tools
from infra_assets.sandbox.lifecycle import Sandbox
from infra_assets.sandbox.passphrase import read_passphrase
from infra_assets.settings import Settings
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.projects import Project, discover


def loop(work: Mapping[Tep, Resolution], projects: Sequence[Project], configured: Settings, folder: Path, cap: int) -> None:
    """Deploy by a shell loop: for each project, one script per stack, `cap` at once."""
    found = tools.find(configured)
    assert found is not None
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_", "PYTHONDONTWRITE"))},
        **cloud.environment(configured),
        "PATH": f"{found.pulumi.parent}:{os.environ['PATH']}",
        "PULUMI_HOME": str(found.pulumi_home),
        "PULUMI_CONFIG_PASSPHRASE": read_passphrase(configured),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    backend = folder / "loop-state"
    backend.mkdir(exist_ok=True)
    for project in projects:
        jobs = "\n".join(str(_job(Cell(project, tep), resolution, configured, folder, backend)) for tep, resolution in work.items())
        subprocess.run(
            ["/usr/bin/xargs", "-P", str(cap), "-n", "1", sys.executable, str(Path(__file__).with_name("loop_stack.py"))],
            input=jobs.encode(),
            env=variables,
            check=True,
            stdout=sys.stderr,
        )


def _job(cell: Cell, resolution: Resolution, configured: Settings, folder: Path, backend: Path) -> Path:
    path = folder / f"{cell.project.name}-{cell.tep.name}.json"
    job: dict[str, Any] = {
        "project": cell.project.name,
        "stack": cell.tep.name,
        "program": str(cell.project.program),
        "root": str(configured.root),
        "backend": backend.as_uri(),
        "config": plain(cell, resolution),
    }
    path.write_text(json.dumps(job), encoding="utf-8")
    return path


def copies(resolutions: Mapping[Tep, Resolution], name: str, organization: Organization) -> dict[Tep, Resolution]:
    """Return the same TEPs as another tenant's, in accounts of their own: the same work, done by somebody else."""
    return {
        replace(tep, tenant=f"{name}-{tep.tenant}", account_id=organization.create_account(f"{name}-{tep.name}")): resolution
        for tep, resolution in resolutions.items()
    }


def measure(cap: int) -> dict[str, float | int]:
    """Return the figures; everything lives in a folder that is removed afterwards."""
    from benchmarks import floor

    configured = settings.load()
    sandbox, services = Sandbox(configured), Services(configured)
    try:
        sandbox.up(say)
        registry = Registry(connect(configured.database_url))
        organization = Organization(cloud.Aws(cloud.environment(configured)), email=configured.account_email)
        organization.ensure()
        import_fleet(read(configured.root / "fleet.yaml"), registry, organization.create_account)
        teps, projects = registry.list(), discover(configured.root).tenant_projects()
        resolutions = {tep: resolve(configured, tep) for tep in teps}
        looped, bare = copies(resolutions, "loop", organization), copies(resolutions, "bare", organization)
        first = {teps[0]: resolutions[teps[0]]}
        services.start(say)
        folder = configured.home / "loop"
        folder.mkdir()
        floor.preload(configured.root)
        backend = configured.home / "floor-state"
        backend.mkdir()
        # One stack before the clock starts: the first of all pays for files that nobody has read yet.
        floor.deploy_all(copies(first, "first", organization), projects, backend.as_uri(), cap)
        loop_s = clocked("loop", lambda: loop(looped, projects, configured, folder, cap))
        ours_s = clocked("infra rollout", lambda: infra("rollout", "--at-once", "--wait", "--format", "json"))
        floor_s = clocked("bare warm engine", lambda: floor.deploy_all(bare, projects, backend.as_uri(), cap))
        loop_noop_s = clocked("loop, nothing to do", lambda: loop(looped, projects, configured, folder, cap))
        ours_noop_s = clocked("infra rollout, nothing to do", lambda: infra("rollout", "--at-once", "--wait", "--format", "json"))
    finally:
        services.stop()
        sandbox.down()
    return {
        "teps": len(teps), "stacks": len(teps) * len(projects), "cap": cap,
        "rollout_ratio": round(ours_s / loop_s, 3), "noop_ratio": round(ours_noop_s / loop_noop_s, 3),
        "floor_ratio": round(floor_s / loop_s, 3), "rollout_to_floor": round(ours_s / floor_s, 3),
        "loop_s": round(loop_s, 2), "rollout_s": round(ours_s, 2), "floor_s": round(floor_s, 2),
        "loop_noop_s": round(loop_noop_s, 2), "rollout_noop_s": round(ours_noop_s, 2),
    }  # fmt: skip


def main(
    cap: Annotated[int, typer.Option(help="Deployments at once, on both sides.")] = 4,
    form: Format = "table",
) -> None:
    """Measure in a home of its own, so that the demo's is not touched."""
    with house(cap):
        figures = measure(cap)
    tell(figures, form)


if __name__ == "__main__":
    run(main)
