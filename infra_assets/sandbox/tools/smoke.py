"""Ask a program that was just built whether it works."""

import subprocess
import threading
from pathlib import Path
from typing import cast

from infra_assets.errors import InfraError
from infra_assets.sandbox.tools.official import environment, version_of

START_S = 60.0


def check_engine(program: Path, version: str) -> None:
    """Ask the engine for its version.

    Raises:
        InfraError: it gives another one, or none.
    """
    answer = version_of(program, "version")
    if answer != version:
        raise InfraError(f"the engine that was built says that it is {answer}, not {version}")


def check_provider(program: Path, version: str) -> None:
    """Start the provider as the engine does, and ask it for its version over gRPC.

    Raises:
        InfraError: it does not start, does not answer, or gives another version.
    """
    process = subprocess.Popen(
        [program], env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    limit = threading.Timer(START_S, process.kill)
    limit.start()
    try:
        assert process.stdout
        port = process.stdout.readline().strip()
        answer = _ask_version(port) if port.isdigit() else f"nothing ({port})"
    finally:
        limit.cancel()
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
    if answer != version:
        raise InfraError(f"the AWS provider that was built says that it is {answer}, not {version}")


def _ask_version(port: str) -> str:
    # Here and not above: they take longer to import than a command that finds everything in place may take.
    import grpc
    from google.protobuf.empty_pb2 import Empty
    from pulumi.runtime.proto.plugin_pb2 import PluginInfo
    from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

    # The loopback, whatever HTTPS_PROXY says: gRPC honours it.
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            info = cast("PluginInfo", ResourceProviderStub(channel).GetPluginInfo(Empty(), timeout=START_S))  # pyright: ignore[reportUnknownMemberType]
            return info.version.removeprefix("v")
        except grpc.RpcError as error:
            return f"nothing ({error})"
