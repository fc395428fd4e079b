"""Faults on order: calls made slow or made to fail, so that a test can stop a deployment in the middle or let AWS say no."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from infra_assets.sandbox.emulator.records import Fault


class Faults:
    """The faults that are set. Threads of many connections ask at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set: list[Fault] = []
        self._struck: dict[int, int] = {}
        self._cleared = threading.Event()

    def add(self, faults: Sequence[Fault]) -> None:
        """Set further faults; where several fit a call the one that was set first strikes."""
        with self._lock:
            self._set += faults

    def clear(self) -> None:
        """Remove all; what is being delayed goes on at once."""
        with self._lock:
            self._set, self._struck = [], {}
            self._cleared.set()
            self._cleared = threading.Event()

    def listed(self) -> Sequence[Mapping[str, Any]]:
        """Return the faults with how often each has struck."""
        with self._lock:
            return [asdict(fault) | {"struck": self._struck.get(id(fault), 0)} for fault in self._set]

    def strike(self, service: str, action: str, account: str) -> Fault | None:
        """Return the fault that this call meets, and count it; None mostly."""
        if not self._set:
            return None
        with self._lock:
            for fault in self._set:
                if self._fits(fault, service, action, account):
                    self._struck[id(fault)] = self._struck.get(id(fault), 0) + 1
                    return fault
        return None

    def wait(self, fault: Fault) -> None:
        """Delay the calling thread as the fault says, or until the faults are cleared."""
        if fault.delay_s:
            self._cleared.wait(fault.delay_s)

    def _fits(self, fault: Fault, service: str, action: str, account: str) -> bool:
        return (
            fault.service == service
            and fault.action in (action, "*")
            and fault.account in (account, None)
            and (fault.times is None or self._struck.get(id(fault), 0) < fault.times)
        )
