"""A folder for one operation on one stack: its Pulumi.yaml and its settings file, and nothing that outlives it.

All configuration goes through the settings file, never through a command line, where `ps` shows it.
"""

import json
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi.automation import CommandResult

from infra_assets.sandbox.tools import Tools
from infra_assets.stacks.command import FleetCommand

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""What says who somebody is: in the provider's environment these are the TEP's, nobody else's."""
STATE_PROFILE = "infra-state"


@dataclass(frozen=True)
class StackWorkspace:
    """One stack, ready for commands."""

    folder: Path
    stack: str
    command: FleetCommand
    variables: Mapping[str, str]
    """The environment of the CLI and its plugins, but for PATH and the like."""
    secrets: Sequence[str] = field(default=(), repr=False)
    """What must not show in anything that comes out of it."""

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
    encryption: Mapping[str, Any],
    command: FleetCommand,
    tools: Tools,
    variables: Mapping[str, str],
    credentials: Mapping[str, str],
    secrets: Sequence[str] = (),
) -> Generator[StackWorkspace]:
    """Yield a workspace in a new folder below `parent`, which is gone afterwards.

    `configuration` is by full key (`aws:region`); `encryption` is what the stack's settings hold besides (`encryptionsalt`, …).
    `variables` reach the state's backend, `credentials` are the provider's, as environment variables.
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=f"{project}-{stack}-"))
    try:
        # A home of its own: concurrent commands write into it, and one that is killed may leave it broken.
        home = folder / "home"
        home.mkdir()
        (home / "plugins").symlink_to(tools.pulumi_home / "plugins", target_is_directory=True)
        (folder / "work").mkdir()
        url, access = _backend(backend, folder, variables)
        _write(folder / "work" / "Pulumi.yaml", {"name": project, "runtime": "python", "backend": {"url": url}})
        _write(folder / "work" / f"Pulumi.{stack}.yaml", {**encryption, "config": dict(configuration)})
        fixed = {
            "PULUMI_HOME": str(home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",  # only the provider in our home, never one that lies on PATH
            "PULUMI_DEBUG_COMMANDS": "true",  # for --event-log, as the SDK does
        }
        own = {name: value for name, value in variables.items() if not name.startswith(KEYS)}
        yield StackWorkspace(folder, stack, command, {**own, **credentials, **access, **fixed}, secrets)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _backend(url: str, folder: Path, variables: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return the backend's URL, and variables with which it logs in with other keys than the provider does.

    The provider takes the usual variables, the backend a profile whose keys come out of a variable: they stand in no file.
    """
    if not url.startswith("s3://"):
        return url, {}
    keys = {"AccessKeyId": "AWS_ACCESS_KEY_ID", "SecretAccessKey": "AWS_SECRET_ACCESS_KEY", "SessionToken": "AWS_SESSION_TOKEN"}
    found = {name: variables[variable] for name, variable in keys.items() if variable in variables}
    file = folder / "aws"
    file.write_text(f"[profile {STATE_PROFILE}]\ncredential_process = sh -c 'printf %s \"$INFRA_STATE_CREDENTIALS\"'\n", encoding="utf-8")
    joined = "&" if "?" in url else "?"
    access = {"AWS_CONFIG_FILE": str(file), "INFRA_STATE_CREDENTIALS": json.dumps({"Version": 1, **found})}
    return f"{url}{joined}profile={STATE_PROFILE}", access


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.touch(mode=0o600)
    # JSON, which every YAML reader takes the same way: PyYAML writes 019559019805 without quotes, and Go reads that as a number.
    path.write_text(json.dumps(dict(content)), encoding="utf-8")
