"""Counts the engine's calls, and calls it bare: what a check costs beside the engine is the difference."""

import multiprocessing as mp
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from infra_assets import settings
from infra_assets.environments.layers import READING
from infra_assets.sandbox import tools
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.sandbox.passphrase import read_passphrase
from infra_assets.sandbox.tools.model import write_note
from infra_assets.settings import Settings
from infra_assets.stacks import engine
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.command import FleetCommand
from infra_assets.stacks.encryption import PassphraseCrypter
from infra_assets.stacks.operator import Operator
from infra_assets.stacks.program import inline_program
from infra_assets.stacks.state import open_store, read_checkpoint
from infra_assets.stacks.workspace import open_workspace


class Counted:
    """A shim before the CLI, in a cache of its own; who reads the settings from now on goes by it."""

    def __init__(self, configured: Settings, folder: Path) -> None:
        found = tools.find(configured)
        assert found is not None
        self._log = folder / "engine-calls"
        shim = folder / "pulumi"
        shim.write_text(f'#!/bin/sh\necho "$2 $3" >> {self._log}\nexec {found.pulumi} "$@"\n', encoding="utf-8")
        shim.chmod(0o755)
        cache = folder / "cache"
        (cache / "tools").mkdir(parents=True)
        for note in (configured.cache_dir / "tools").glob("ready-*.json"):
            write_note(cache / "tools" / note.name, replace(found, pulumi=shim))
        os.environ["INFRA_CACHE_DIR"] = str(cache)
        settings.load.cache_clear()

    def calls(self) -> Counter[str]:
        """Return how often each command was called since the last time."""
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return Counter(" ".join(word for word in line.split() if not word.startswith("--client")) for line in lines)


def in_forks(works: Sequence[Callable[[], None]], cap: int) -> None:
    """Do each piece of work in a fork of this warm process, `cap` at once."""
    running: list[BaseProcess] = []
    fork = mp.get_context("fork")
    for work in works:
        while len([process for process in running if process.is_alive()]) >= cap:
            wait([process.sentinel for process in running if process.is_alive()])
        process = fork.Process(target=work)
        process.start()
        running.append(process)
    for process in running:
        process.join()
        if process.exitcode:
            sys.exit("the floor failed")


@dataclass(frozen=True)
class Bare:
    """All that the engine must be given for one stack, found out before the clock starts."""

    cell: Cell
    configuration: dict[str, Any] = field(repr=False)
    encryption: dict[str, Any] = field(repr=False)
    credentials: dict[str, str] = field(repr=False)

    def preview(self, configured: Settings, *, refresh: bool, in_sync: bool) -> None:
        """Call the bare engine; against the real state, which a preview only reads."""
        found = tools.find(configured)
        assert found is not None
        variables = environment(configured) | {"PULUMI_CONFIG_PASSPHRASE": read_passphrase(configured)}
        with open_workspace(
            configured.home / "work",
            project=self.cell.project.name,
            stack=self.cell.tep.name,
            backend=configured.state_backend,
            configuration=self.configuration,
            encryption=self.encryption,
            credentials=self.credentials,
            command=FleetCommand(found.pulumi, found.engine_version, limit_s=600, grace_s=60),
            tools=found,
            variables=variables,
        ) as workspace:
            outcome = engine.operate(workspace, engine.PREVIEW_REFRESH if refresh else engine.PREVIEW, inline_program(self.cell.project))
        assert outcome.ok, outcome.message
        assert bool(outcome.counts or outcome.drift) is not in_sync, f"{self.cell.name}: {outcome.counts} {outcome.drift}"


def bare(configured: Settings, operator: Operator, cell: Cell, role: str = "") -> Bare:
    """Find out what the engine must be given for a stack that is deployed."""
    configuration = operator.configurations.cell(cell)
    store = open_store(configured.state_backend, Aws(environment(configured)))
    checkpoint = read_checkpoint(store, cell.project.name, cell.tep.name)
    encryption = dict(checkpoint.secrets_provider) if checkpoint else {}

    def encrypt(plaintext: str) -> str:
        return PassphraseCrypter(read_passphrase(configured), encryption["encryptionsalt"]).encrypt(plaintext)

    credentials = operator.configurations.credentials(cell, role=role or READING[cell.project.about.role])
    return Bare(cell, cell.settings(configuration, encrypt), encryption, dict(credentials.as_environment()))
