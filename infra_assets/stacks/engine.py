"""One operation of the engine on one stack, with a project's program running in this process.

This is what the Automation API's `Stack.up` does for an inline program, with nothing around it: the SDK's stack would call the
CLI four times more, for outputs and history (0.6 s a stack); both are in the engine's events.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import grpc
from pulumi.automation._server import LanguageServer  # pyright: ignore[reportPrivateImportUsage]
from pulumi.automation.errors import CommandError, ConcurrentUpdateError
from pulumi.runtime.proto import language_pb2_grpc

from infra_assets.stacks.outcome import Outcome, from_events, read_events
from infra_assets.stacks.workspace import StackWorkspace

Program = Callable[[], None]

UP = ("up", "--yes", "--skip-preview")
UP_REFRESH = (*UP, "--refresh")
PREVIEW = ("preview",)
PREVIEW_REFRESH = ("preview", "--refresh")
DESTROY = ("destroy", "--yes", "--skip-preview")

# As the SDK has it: a state or a diff may be larger than gRPC's 4 MiB.
MAX_MESSAGE = 1024 * 1024 * 400
LANGUAGE_THREADS = 4


def operate(workspace: StackWorkspace, arguments: tuple[str, ...], program: Program) -> Outcome:
    """Run one of the operations above to its end and say what it did; a failed one is an outcome, not an exception.

    Raises:
        BaseException: what interrupted us (a signal's exception), after the engine has ended.
    """
    began = time.monotonic()
    message = ""
    server = grpc.server(
        ThreadPoolExecutor(max_workers=LANGUAGE_THREADS),
        options=[("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)],
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageServer(program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        workspace.run(
            *arguments, f"--client=127.0.0.1:{port}", "--exec-kind", "auto.inline", "--event-log", str(workspace.event_log),
            "--suppress-outputs", "--color", "never",
        )  # fmt: skip
    except CommandError as error:
        message = explain(error)
    finally:
        server.stop(0)
    stopped = workspace.command.stopped
    events = read_events(workspace.event_log)
    found = from_events(arguments[0], events, ok=not (message or stopped), duration_s=time.monotonic() - began, message=message)
    return replace(found, message=_told(stopped, found)) if stopped else found


def _told(stopped: str, found: Outcome) -> str:
    """Return why an operation was stopped, and what else went wrong: the engine itself says no more than that it was canceled."""
    return "\n".join([stopped, *(line for line in found.message.splitlines() if not line.endswith("canceled"))])


def explain(error: CommandError) -> str:
    """Return what the CLI said, without its banners."""
    if isinstance(error, ConcurrentUpdateError):
        return "the stack is locked: another operation runs on it, or one was killed"
    lines = [line for line in str(error).splitlines() if line.strip()]
    telling = [line.strip() for line in lines if "error:" in line]
    return "\n".join(telling or lines[-5:])
