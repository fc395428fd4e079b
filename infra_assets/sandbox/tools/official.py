"""The official engine and provider: on PATH, in Pulumi's plugin cache, or downloaded.

Each function returns None where it finds nothing that fits, and adds to `tried` why.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra_assets.sandbox.tools.model import Origin
from infra_assets.sandbox.tools.pins import OLDEST_ENGINE, Pins
from infra_assets.sandbox.tools.process import run, took

ANSWER_S = 30.0
DOWNLOAD_S = 300.0
CONNECT_S = 20.0

# The SDK's installer opens its connection without a time limit of its own.
_INSTALL = """
import socket, sys
socket.setdefaulttimeout(float(sys.argv[3]))
import semver
from pulumi.automation import PulumiCommand
PulumiCommand.install(root=sys.argv[1], version=semver.VersionInfo.parse(sys.argv[2]))
"""


@dataclass(frozen=True)
class Program:
    """A program that fits, its version without a leading v, and where it comes from."""

    path: Path
    version: str
    origin: Origin


def environment(**more: str) -> dict[str, str]:
    """Return the environment for programs that set-up starts: nothing asks for updates or fetches plugins by itself."""
    return {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true", **more}


def on_path(name: str) -> Iterator[Path]:
    """Yield the programs called `name` on PATH, never one in the working directory: a checkout must not smuggle in an engine."""
    here = Path.cwd().resolve()
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        folder = Path(entry)
        if folder.is_absolute() and folder.resolve() != here and is_program(folder / name):
            yield folder / name


def is_program(path: Path) -> bool:
    """Tell whether `path` is a file that may be run."""
    return path.is_file() and os.access(path, os.X_OK)


def version_of(program: Path, argument: str) -> str | None:
    """Return the version that `program` prints when asked by `argument`, without a leading v; None when it prints none."""
    try:
        finished = run([program, argument], env=environment(), cwd=Path("/"), timeout_s=ANSWER_S)
    except OSError:
        return None
    found = re.fullmatch(r"v?(\d+\.\d+\.\d+\S*)", finished.reason.strip())
    return found[1] if finished.code == 0 and found else None


def fits(version: str) -> bool:
    """Tell whether an engine of this version can run our stacks."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return major == OLDEST_ENGINE[0] and minor >= OLDEST_ENGINE[1]


def engine_on_path(tried: list[str]) -> Program | None:
    """Return the first engine on PATH that fits."""
    unfit: list[str] = []
    for path in on_path("pulumi"):
        version = version_of(path, "version")
        if version and fits(version):
            return Program(path.resolve(), version, "path")
        unfit.append(f"{path} is {version or 'no engine'}")
    tried.append(f"on PATH: {'; '.join(unfit) or 'no pulumi'}")
    return None


def download_engine(pins: Pins, folder: Path, progress: Callable[[str], None], tried: list[str]) -> Program | None:
    """Return the engine that the SDK's own installer gets into `folder`."""
    root = folder / f"engine-v{pins.engine}"
    command = [sys.executable, "-c", _INSTALL, root, pins.engine, str(CONNECT_S)]
    if _downloaded("the engine", command, environment(), progress, tried):
        return Program(root / "bin" / "pulumi", pins.engine, "downloaded")
    return None


def provider_here(pins: Pins, tried: list[str]) -> Program | None:
    """Return the provider of exactly the pinned version from Pulumi's plugin cache or from PATH."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    plugin = home / "plugins" / f"resource-aws-v{pins.provider}" / "pulumi-resource-aws"
    # The CLI leaves NAME.partial beside the folder while it unpacks, and after it was killed while it did.
    if is_program(plugin) and not plugin.parent.with_name(plugin.parent.name + ".partial").exists():
        return Program(plugin.resolve(), pins.provider, "plugin cache")
    for path in on_path("pulumi-resource-aws"):
        if version_of(path, "-version") == pins.provider:
            return Program(path.resolve(), pins.provider, "path")
    tried.append(f"in {home}/plugins and on PATH: no AWS provider {pins.provider}")
    return None


def download_provider(engine: Program, home: Path, pins: Pins, progress: Callable[[str], None], tried: list[str]) -> Program | None:
    """Return the provider that the engine installs into `home`, a PULUMI_HOME."""
    command = [engine.path, "plugin", "install", "resource", "aws", f"v{pins.provider}"]
    if _downloaded("the AWS provider", command, environment(PULUMI_HOME=str(home)), progress, tried):
        plugin = home / "plugins" / f"resource-aws-v{pins.provider}" / "pulumi-resource-aws"
        return Program(plugin, pins.provider, "downloaded")
    return None


def _downloaded(what: str, command: list[str | Path], env: Mapping[str, str], progress: Callable[[str], None], tried: list[str]) -> bool:
    progress(f"downloading {what}")
    start = time.monotonic()
    finished = run(command, env=env, cwd=Path("/"), timeout_s=DOWNLOAD_S, on_tick=lambda: progress(f"downloading {what}, {took(start)}"))
    if finished.code == 0:
        return True
    tried.append(f"by download of {what}: {finished.reason}")
    return False
