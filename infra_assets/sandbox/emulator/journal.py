"""The call log: who called what, bounded. It holds names and numbers, never a parameter, a header or a secret key."""

import threading
from collections import deque
from collections.abc import Sequence
from itertools import islice

from infra_assets.sandbox.emulator.records import Call

KEPT = 100_000


class Journal:
    """The last `kept` calls, numbered from 1."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=kept)
        self._last = 0

    def add(
        self,
        *,
        at: float,
        duration_s: float,
        service: str,
        action: str,
        account: str,
        access_key_id: str,
        region: str,
        read_only: bool,
        status: int,
    ) -> None:
        """Note a call that was answered."""
        with self._lock:
            self._last += 1
            call = Call(self._last, at, duration_s, service, action, account, access_key_id, region, read_only, status)
            self._calls.append(call)

    def since(self, n: int) -> Sequence[Call]:
        """Return the calls after number `n`, oldest first."""
        with self._lock:
            wanted = min(max(self._last - n, 0), len(self._calls))
            return list(islice(self._calls, len(self._calls) - wanted, None))
