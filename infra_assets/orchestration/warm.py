"""The warm host: one process that has imported all that a run needs, and forks a worker for each.

A fresh process spends over a second of CPU on imports, per run; a fork shares them, and their memory. The host has one thread and
opens neither database nor connection, so that a fork is safe. Our own code and the programs are imported in the fork: what a run
executes is always what lies on disk. The one exception is `sandbox/sessions.py`, which keeps the descriptions of AWS' services.
"""

import ast
import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

SOCKET = "warm.sock"
PRELOADED = (
    "dagster", "dagster._cli.api", "dagster._core.execution.api", "dagster._core.executor.in_process", "dagster._grpc.types",
    "dagster._core.storage.sqlite_storage", "dagster._core.storage.legacy_storage", "dagster._core.storage.defs_state",
    "dagster._core.run_coordinator.queued_run_coordinator", "upath.implementations.local",
    "pulumi", "pulumi.automation", "pulumi_aws", "sqlalchemy.dialects.sqlite", "alembic", "pydantic_settings", "boto3", "yaml", "psutil",
    "tenacity", "httpx", "pygit2", "cryptography.fernet", "cryptography.hazmat.primitives.ciphers.aead",
)  # fmt: skip
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
            with connection:
                _answer(connection, listener)


def _end(_number: int, _frame: object) -> None:
    sys.exit(0)


def _answer(connection: socket.socket, listener: socket.socket) -> None:
    with suppress(OSError, ValueError, KeyError):
        run_id = json.loads(connection.makefile().readline())["run_id"]
        pid = os.fork()
        if pid == 0:
            listener.close()
            connection.close()
            _work(run_id)
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


def preload(root: Path) -> None:
    """Import what every run needs."""
    for name in PRELOADED:
        importlib.import_module(name)
    importlib.import_module("infra_assets.sandbox.sessions").preload(SERVICES)
    for module, attribute in sorted(used_classes(root.glob("pulumi_programs/**/*.py"))):
        # Submodules of pulumi_aws load on first use, and are by far the largest part of a program's start.
        with suppress(ImportError, AttributeError):
            getattr(importlib.import_module(f"pulumi_aws.{module}"), attribute)


def used_classes(files: Iterable[Path]) -> set[tuple[str, str]]:
    """Return what programs use of pulumi_aws, as (submodule, name), read from their source: `aws.ec2.Vpc`."""
    used: set[tuple[str, str]] = set()
    for file in files:
        try:
            tree = ast.parse(file.read_bytes())
        except SyntaxError:
            continue  # its run will say so
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Attribute)
                and isinstance(node.value.value, ast.Name)
                and node.value.value.id in ("aws", "pulumi_aws")
            ):
                used.add((node.value.attr, node.attr))
    return used


if __name__ == "__main__":
    serve(Path(os.environ["DAGSTER_HOME"]), Path(os.environ["INFRA_ROOT"]))
