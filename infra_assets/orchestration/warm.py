"""The warm host: one process that has imported all that a run needs, and forks a worker for each.

A fresh process spends over a second of CPU on imports, per run; a fork shares them, and their memory. The host has one thread and
opens neither database nor connection, so that a fork is safe. What a run executes is always what lies on disk: the programs are imported
in the fork, and where a file of our own code is not what it was, the run gets a process of its own and the host begins anew.
"""

import ast
import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SOCKET = "warm.sock"
PROVIDER = "pulumi_aws"
HOST, WORKER = "infra_assets.orchestration.warm", "infra_assets.orchestration.worker"
PRELOADED = (
    "dagster", "dagster._cli.api", "dagster._core.execution.api", "dagster._core.executor.in_process", "dagster._grpc.types",
    "dagster._core.storage.sqlite_storage", "dagster._core.storage.legacy_storage", "dagster._core.storage.defs_state",
    "dagster._core.run_coordinator.queued_run_coordinator", "upath.implementations.local",
    "pulumi", "pulumi.automation", "pulumi_aws", "sqlalchemy.dialects.sqlite", "alembic", "pydantic_settings", "boto3", "yaml", "psutil",
    "tenacity", "httpx", "pygit2", "cryptography.fernet", "cryptography.hazmat.primitives.ciphers.aead",
    "dagster._core.definitions.repository_definition.repository_data_builder", "dagster._core.execution.plan.active",
    "dagster._core.instance.factory", "dagster._core.storage.root", "dagster._core.utility_ops", "dagster._core.workspace.autodiscovery",
    "encodings.idna", "grpc._channel", "grpc._server", "importlib.resources.readers",
)  # fmt: skip
OURS = tuple(
    f"infra_assets.{name}"
    for name in (
        "orchestration.assets", "orchestration.checking", "orchestration.checks", "orchestration.controls", "orchestration.drift",
        "orchestration.fleet_report", "orchestration.jobs", "orchestration.journal", "orchestration.known", "orchestration.sensors",
        "orchestration.worker", "orchestration.launcher", "orchestration.event_log", "orchestration.compute_logs", "orchestration.queue",
        "stacks.health", "stacks.program",
    )
)  # fmt: skip
"""What our definitions are made of, and what executes them; the definitions themselves depend on the programs."""
SERVICES = ("sts", "iam", "ec2", "autoscaling", "ecs", "s3")
"""Of AWS, what runs ask themselves: logins, health checks, the state."""


def socket_path(home: Path) -> Path:
    """Return where the host listens."""
    return home / "run" / SOCKET


def request(home: Path, run_id: str) -> int | None:
    """Ask the host for a worker; returns its process id, or None where no host answers."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(10)
            connection.connect(str(socket_path(home)))
            connection.sendall(json.dumps({"run_id": run_id}).encode() + b"\n")
            return int(json.loads(connection.makefile().readline())["pid"])
    except (OSError, ValueError, KeyError):
        return None


def serve(home: Path, root: Path) -> None:
    """Listen for requests until terminated."""
    code = Code.now()
    preload(root)
    path = socket_path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(64)
        signal.signal(signal.SIGTERM, _end)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended workers are reaped by the system
        gc.freeze()  # keeps the collector off the shared pages
        while True:
            connection, _ = listener.accept()
            fresh = code == Code.now()
            with connection:
                _answer(connection, listener, _work if fresh else _work_anew)
            if not fresh:
                # With the same process id, by which it is known.
                os.execv(sys.executable, [sys.executable, "-m", HOST])  # noqa: S606  # no shell is wanted


@dataclass(frozen=True)
class Code:
    """Our own code as it lies on disk."""

    files: Mapping[str, int]
    """When each file was last written, by path."""

    @classmethod
    def now(cls) -> Self:
        """Return it as it is now; a matter of a few milliseconds. A file that goes while it is looked at is as if it were not there."""
        files: dict[str, int] = {}
        for path in Path(__file__).parents[1].rglob("*.py"):
            with suppress(FileNotFoundError):
                files[str(path)] = path.stat().st_mtime_ns
        return cls(files)


def _end(_number: int, _frame: object) -> None:
    sys.exit(0)


def _answer(connection: socket.socket, listener: socket.socket, work: Callable[[str], None]) -> None:
    with suppress(OSError, ValueError, KeyError):
        run_id = json.loads(connection.makefile().readline())["run_id"]
        pid = os.fork()
        if pid == 0:
            listener.close()
            connection.close()
            work(run_id)
        connection.sendall(json.dumps({"pid": pid}).encode() + b"\n")


def _work(run_id: str) -> None:
    """Be a worker: never returns."""
    code = 1
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        from infra_assets.orchestration.worker import execute

        code = execute(run_id)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _work_anew(run_id: str) -> None:
    """Be a worker that has imported nothing: never returns."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.execv(sys.executable, [sys.executable, "-m", WORKER, run_id])  # noqa: S606


def preload(root: Path) -> None:
    """Import what every run needs."""
    for name in (*PRELOADED, *OURS):
        importlib.import_module(name)
    importlib.import_module("infra_assets.sandbox.sessions").preload(SERVICES)
    for name in sorted(used_services(root.glob("pulumi_programs/**/*.py"))):
        # Services of pulumi_aws load when something of them is first asked for, and are by far the largest part of a program's start.
        with suppress(ImportError):
            hasattr(importlib.import_module(f"{PROVIDER}.{name}"), "outputs")
    for settings in root.glob("pulumi_programs/*/Pulumi.yaml"):
        # Every run hashes all projects; what their modules import is remembered by the modules' content.
        importlib.import_module("infra_assets.stacks.sources").source_hash(settings.parent)


def used_services(files: Iterable[Path]) -> set[str]:
    """Return which services of pulumi_aws programs use, read from their source: `aws.ec2.Vpc`, `from pulumi_aws import ec2`."""
    used: set[str] = set()
    for file in files:
        with suppress(SyntaxError):  # its run will say so
            for node in ast.walk(ast.parse(file.read_bytes())):
                used |= _services(node)
    return used


def _services(node: ast.AST) -> set[str]:
    match node:
        case ast.ImportFrom(module="pulumi_aws"):
            return {alias.name for alias in node.names}
        case ast.ImportFrom(module=str(module)):
            names = [module]
        case ast.Import():
            names = [alias.name for alias in node.names]
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="aws" | "pulumi_aws"), attr=service)):
            return {service}
        case _:
            return set()
    return {name.split(".")[1] for name in names if name.startswith(f"{PROVIDER}.")}


if __name__ == "__main__":
    serve(Path(os.environ["DAGSTER_HOME"]), Path(os.environ["INFRA_ROOT"]))
