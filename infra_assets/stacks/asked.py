"""`environmentVariables` and `files` for the one run that asked for them; gone with it, and never on disk."""

import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress

from infra_assets.environments.resolution import CellConfiguration


@contextmanager
def asked(configuration: CellConfiguration) -> Generator[dict[str, str]]:
    """Set what a program asked for in this process' environment, and return it for the engine's.

    A file is memory that has a path (`/proc/PID/fd/N`) while this process has it open; its variable holds that path, as with `esc run`.
    """
    with ExitStack() as stack:
        given = {name: str(value.plain(reveal=True)) for name, value in configuration.variables.items()}
        for name, value in configuration.files.items():
            given[name] = stack.enter_context(_in_memory(name, str(value.plain(reveal=True))))
        before = {name: os.environ.get(name) for name in given}
        os.environ.update(given)
        try:
            yield given
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


@contextmanager
def _in_memory(name: str, content: str) -> Generator[str]:
    number = os.memfd_create(name, os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(number), "wb") as file:
            file.write(content.encode())
        os.lseek(number, 0, os.SEEK_SET)
        yield f"/proc/{os.getpid()}/fd/{number}"
    finally:
        with suppress(OSError):
            os.close(number)
