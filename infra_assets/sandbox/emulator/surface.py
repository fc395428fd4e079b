"""The control surface under /sandbox/ : what the emulator says of itself, the call log, faults. The client's side is `control`."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qs, urlsplit

from infra_assets.sandbox.emulator.faults import Faults
from infra_assets.sandbox.emulator.journal import Journal
from infra_assets.sandbox.emulator.messages import Answer, Head
from infra_assets.sandbox.emulator.records import Fault


@dataclass(frozen=True)
class Question:
    """A request's query and body."""

    query: Mapping[str, list[str]]
    body: bytes


class Surface:
    """Answers under /sandbox/."""

    def __init__(self, generation: str, started: float, journal: Journal, faults: Faults) -> None:
        self._identity = {"generation": generation, "started": started, "pid": os.getpid(), "version": f"moto {version('moto')}"}
        self._started = started
        self._journal = journal
        self._faults = faults
        self._routes: Mapping[tuple[str, str], Callable[[Question], Any]] = {
            ("GET", "/sandbox/health"): self._health,
            ("GET", "/sandbox/calls"): self._calls,
            ("GET", "/sandbox/faults"): self._list_faults,
            ("POST", "/sandbox/faults"): self._add_faults,
            ("DELETE", "/sandbox/faults"): self._clear_faults,
        }

    def answer(self, head: Head, body: bytes) -> Answer:
        """Answer a request under /sandbox/ with JSON; 404 for an unknown path, 400 for what does not fit."""
        parts = urlsplit(head.target)
        route = self._routes.get((head.method, parts.path))
        if route is None:
            return _json(404, {"error": f"no {head.method} {parts.path}"})
        try:
            return _json(200, route(Question(parse_qs(parts.query), body)))
        except (ValueError, TypeError) as error:
            return _json(400, {"error": str(error)})

    def _health(self, _: Question) -> Any:
        return self._identity | {"uptime_s": time.time() - self._started}

    def _calls(self, question: Question) -> Any:
        calls = self._journal.since(int(question.query.get("since", ["0"])[0]))
        return {"generation": self._identity["generation"], "calls": [asdict(call) for call in calls]}

    def _list_faults(self, _: Question) -> Any:
        return {"faults": self._faults.listed()}

    def _add_faults(self, question: Question) -> Any:
        self._faults.add([Fault(**fault) for fault in json.loads(question.body)])
        return self._list_faults(question)

    def _clear_faults(self, _: Question) -> Any:
        self._faults.clear()
        return {"faults": []}


def _json(status: int, content: Any) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(content).encode())
