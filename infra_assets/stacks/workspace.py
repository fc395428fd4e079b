"""A folder for one operation on one stack: its Pulumi.yaml and its settings file, and nothing that outlives it.

All configuration goes through the settings file, never through a command line, where `ps` shows it.
"""

import json
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi.automation import CommandResult

from infra_assets.sandbox.tools import Tools
from infra_assets.stacks.command import FleetCommand


@dataclass(frozen=True)
class StackWorkspace:
    """One stack, ready for commands."""

    folder: Path
    stack: str
    command: FleetCommand
    variables: Mapping[str, str]
    """The environment of the CLI and its plugins, but for PATH and the like."""

    @property
    def event_log(self) -> Path:
        """Where the engine writes its events, one JSON document a line."""
        return self.folder / "events.jsonl"

    def run(self, *args: str) -> CommandResult:
        """Run one command of the CLI on the stack.

        Raises:
            CommandError: it failed.
        """
        return self.command.run([*args, "--stack", self.stack], str(self.folder / "work"), self.variables)


@contextmanager
def open_workspace(
    parent: Path,
    *,
    project: str,
    stack: str,
    backend: str,
    configuration: Mapping[str, Any],
    secrets: Mapping[str, Any],
    command: FleetCommand,
    tools: Tools,
    variables: Mapping[str, str],
) -> Generator[StackWorkspace]:
    """Yield a workspace in a new folder below `parent`, which is gone afterwards.

    `configuration` is by full key (`aws:region`); `secrets` is what the stack's settings hold besides (`encryptionsalt`, …).
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=f"{project}-{stack}-"))
    try:
        # A home of its own: concurrent commands write into it, and one that is killed may leave it broken.
        home = folder / "home"
        home.mkdir()
        (home / "plugins").symlink_to(tools.pulumi_home / "plugins", target_is_directory=True)
        (folder / "work").mkdir()
        _write(folder / "work" / "Pulumi.yaml", {"name": project, "runtime": "python", "backend": {"url": backend}})
        _write(folder / "work" / f"Pulumi.{stack}.yaml", {**secrets, "config": dict(configuration)})
        fixed = {
            "PULUMI_HOME": str(home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",  # only the provider in our home, never one that lies on PATH
            "PULUMI_DEBUG_COMMANDS": "true",  # for --event-log, as the SDK does
        }
        yield StackWorkspace(folder, stack, command, {**variables, **fixed})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.touch(mode=0o600)
    # JSON, which every YAML reader takes the same way: PyYAML writes 019559019805 without quotes, and Go reads that as a number.
    path.write_text(json.dumps(dict(content)), encoding="utf-8")
