"""AWS for the sandbox: moto, mended, as one background process that everything reaches as `*.amazonaws.com`.

Importing this loads neither moto nor boto3: it is the client's side, which every `infra` command imports.
The process itself starts in `__main__`; what it answers is in `server`, `dispatch` and `mends`.
"""

from infra_assets.sandbox.emulator.control import add_faults, calls, clear_faults, health, healthy, list_faults
from infra_assets.sandbox.emulator.process import find, start, stop
from infra_assets.sandbox.emulator.records import Call, Emulator, Fault, environment

__all__ = [
    "Call",
    "Emulator",
    "Fault",
    "add_faults",
    "calls",
    "clear_faults",
    "environment",
    "find",
    "health",
    "healthy",
    "list_faults",
    "start",
    "stop",
]
