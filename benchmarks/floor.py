"""The floor: warm processes that call the bare engine for each stack, and nothing else. No Dagster, no ledger, no gates."""

import multiprocessing as mp
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.configuration import plain
from infra_assets import settings
from infra_assets.environments.resolution import Resolution
from infra_assets.fleet.models import Tep
from infra_assets.orchestration import warm
from infra_assets.sandbox import tools
from infra_assets.sandbox.cloud import environment
from infra_assets.sandbox.passphrase import read_passphrase
from infra_assets.stacks import engine
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.command import FleetCommand
from infra_assets.stacks.program import inline_program
from infra_assets.stacks.projects import Project
from infra_assets.stacks.workspace import open_workspace


def deploy_all(work: Mapping[Tep, Resolution], projects: Sequence[Project], backend: str, cap: int) -> None:
    """Deploy every project in every TEP, with its configuration, `cap` TEPs at once, each in a fork of this warm process."""
    running: list[BaseProcess] = []
    fork = mp.get_context("fork")
    for tep, resolution in work.items():
        while len([process for process in running if process.is_alive()]) >= cap:
            wait([process.sentinel for process in running if process.is_alive()])
        process = fork.Process(target=_deploy, args=(tep, resolution, projects, backend))
        process.start()
        running.append(process)
    for process in running:
        process.join()
        if process.exitcode:
            sys.exit("the floor failed")


def preload(root: Path) -> None:
    """Import what the forks share."""
    warm.preload(root)


def _deploy(tep: Tep, resolution: Resolution, projects: Sequence[Project], backend: str) -> None:
    configured = settings.load()
    found = tools.find(configured)
    assert found is not None
    variables = environment(configured) | {"PULUMI_CONFIG_PASSPHRASE": read_passphrase(configured)}
    for project in projects:
        cell = Cell(project, tep)
        command = FleetCommand(found.pulumi, found.engine_version, limit_s=600, grace_s=60)
        with open_workspace(
            configured.home / "work",
            project=project.name,
            stack=tep.name,
            backend=backend,
            configuration=plain(cell, resolution),
            encryption={},
            credentials={name: value for name, value in variables.items() if name.startswith("AWS_")},
            command=command,
            tools=found,
            variables=variables,
        ) as workspace:
            workspace.command.run(["stack", "init", tep.name, "--no-select"], str(workspace.folder / "work"), workspace.variables)
            outcome = engine.operate(workspace, engine.UP, inline_program(project))
            assert outcome.ok, outcome.message
