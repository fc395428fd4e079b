"""One piece of work, done in the background whenever it is asked for, and not more often than is of use."""

import logging
import threading
import traceback
from collections.abc import Callable

from infra_assets.errors import InfraError

LOG = logging.getLogger(__name__)
PAUSE_S = 1.0
"""Between two times, so that what comes in a burst is done once at once and once afterwards."""


class Nudge:
    """Does its work soon after it was asked to. However often it is asked while it works, it does it once more afterwards."""

    def __init__(self, name: str, work: Callable[[], object], mask: Callable[[str], str], *, pause_s: float = PAUSE_S) -> None:
        self._name = name
        self._work = work
        self._mask = mask
        self._pause_s = pause_s
        self._asked = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"nudge-{name}", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def ask(self) -> None:
        """Ask for the work to be done; returns at once."""
        self._asked.set()

    def stop(self, *, grace_s: float) -> None:
        """Do it no more, and give what goes on some time to end. What was asked for is left to whoever polls."""
        self._over.set()
        self._asked.set()
        self._thread.join(grace_s)

    def _run(self) -> None:
        while True:
            self._asked.wait()
            if self._over.is_set():
                return
            self._asked.clear()
            self._do()
            self._over.wait(self._pause_s)

    def _do(self) -> None:
        if failure := self._failure():
            LOG.error("%s failed, the next tick makes up for it: %s", self._name, self._mask(failure))

    def _failure(self) -> str:
        """Do the work; returns what went wrong."""
        try:
            self._work()
        except InfraError as error:
            return str(error)
        except Exception:  # noqa: BLE001  # whatever it is, the next webhook is received
            return traceback.format_exc()
        return ""
