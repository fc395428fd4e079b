"""An emulator that lacks one mend, so that a test can show what the real provider makes of moto's own answer."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra_assets.sandbox import emulator
from infra_assets.sandbox.emulator import Emulator

PROGRAM = """
import sys
from pathlib import Path
from infra_assets.sandbox.emulator import __main__, mends
mends.MENDS[:] = [each for each in mends.MENDS if each.name != sys.argv[2]]
__main__.main(Path(sys.argv[1]))
"""


@contextmanager
def without(mend: str, folder: Path) -> Iterator[Emulator]:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder), mend])
    try:
        yield _wait_for(folder)
    finally:
        process.kill()
        process.wait()


def _wait_for(folder: Path) -> Emulator:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = emulator.find(folder)
        if found and emulator.healthy(found):
            return found
        time.sleep(0.05)
    raise TimeoutError("the emulator did not come up")
