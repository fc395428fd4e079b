"""A local server that behaves as Pulumi Cloud's published API of environments does, and misbehaves on demand."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

ORGANIZATION = "acme-corp"
TOKEN = "pul-0123456789abcdef"
SEALED = "ZXNjeAAAAAHsealed"
_ENVIRONMENT = re.compile(r"/api/esc/environments/([^/]+)/([^/]+)/([^/]+)(/.*)?")

Fault = Callable[["Handler"], bool]
"""Does something else than answer; returns whether the request is done with."""


@dataclass
class Draft:
    """A change request."""

    environment: str
    source: str
    status: str = "pending"
    created: str = "2026-10-01T00:00:00Z"
    base: int = 1


@dataclass
class Environment:
    """An environment, with all its revisions, oldest first."""

    revisions: list[str]
    modified: datetime
    tags: dict[str, int] = field(default_factory=dict)


class Cloud:
    """What the service holds, what it was asked, and how it is to fail."""

    def __init__(self) -> None:
        self.environments: dict[str, Environment] = {}
        self.drafts: dict[str, Draft] = {}
        self.referrers: dict[str, dict[str, list[dict[str, Any]]]] = {}
        """By environment, then by its revision or tag."""
        self.old = False
        """Knows neither drafts nor referrers."""
        self.requests: list[tuple[str, str]] = []
        self.faults: list[Fault] = []
        self.page_size = 100
        self.tokens_go_round = False
        self.url = ""

    def put(self, name: str, *revisions: str, tags: dict[str, int] | None = None, age: timedelta = timedelta(hours=1)) -> None:
        self.environments[name] = Environment(list(revisions), datetime.now(UTC) - age, tags or {})

    def edit(self, name: str, source: str) -> None:
        environment = self.environments[name]
        environment.revisions.append(source)
        environment.modified = max(environment.modified + timedelta(seconds=1), datetime.now(UTC))

    def asked(self) -> list[str]:
        """Return what was asked since the last time."""
        asked = [f"{method} {path}" for method, path in self.requests]
        self.requests.clear()
        return asked


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    cloud: Cloud

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def answer(self, status: int, body: bytes | str = b"", **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            with suppress(OSError):  # nobody waits for it any more
                self.wfile.write(content)

    def json(self, status: int, content: Any) -> None:
        self.answer(status, json.dumps(content), Content_Type="application/json")

    def handle_one(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        path, _, self.query = self.path.partition("?")
        self.cloud.requests.append((self.command, self.path.removeprefix("/api/esc/environments/")))
        if self.cloud.faults and self.cloud.faults.pop(0)(self):
            return
        if self.headers.get("Authorization") != f"token {TOKEN}":
            self.json(401, {"code": 401, "message": f"Unauthorized: {self.headers.get('Authorization')}"})
        elif path == f"/api/esc/environments/{ORGANIZATION}":
            self._organization()
        elif path == f"/api/change-requests/{ORGANIZATION}" and not self.cloud.old:
            self._requests()
        elif (found := _ENVIRONMENT.fullmatch(path)) and found[1] == ORGANIZATION:
            self._environment(f"{found[2]}/{found[3]}", found[4] or "")
        else:
            self.json(404, {"code": 404, "message": "Not Found"})

    do_GET = do_HEAD = do_POST = do_PATCH = handle_one  # noqa: N815  # names that http.server looks for

    def _organization(self) -> None:
        if self.command == "POST":
            new = json.loads(self.body)
            self.cloud.put(f"{new['project']}/{new['name']}", "", age=timedelta())
            self.json(200, {})
            return
        start = int(dict([self.query.split("=")]).get("continuationToken", 0)) if self.query else 0
        names = sorted(self.cloud.environments)
        end = start + self.cloud.page_size
        page: dict[str, Any] = {"environments": [self._entry(name) for name in names[start:end]]}
        if self.cloud.tokens_go_round or end < len(names):
            page["nextToken"] = "0" if self.cloud.tokens_go_round else str(end)
        self.json(200, page)

    def _entry(self, name: str) -> dict[str, Any]:
        project, environment = name.split("/")
        modified = self.cloud.environments[name].modified.isoformat()
        return {"organization": ORGANIZATION, "project": project, "name": environment, "created": modified, "modified": modified, "new": 1}

    def _environment(self, name: str, rest: str) -> None:
        environment = self.cloud.environments.get(name)
        if environment is None:
            self.json(404, {"code": 404, "message": f"Not Found: environment {name}"})
        elif self.command == "PATCH":
            self._update(environment)
        elif not self.cloud.old and (found := re.fullmatch(r"/drafts/([^/]+)(/status)?", rest)):
            self._draft(name, environment, found[1], status=bool(found[2]))
        elif not self.cloud.old and rest == "/referrers":
            self._referrers(name)
        elif rest == "/versions":
            created = environment.modified.isoformat()
            tags = {number: [tag for tag, tagged in environment.tags.items() if tagged == number] for number in environment.tags.values()}
            numbers = range(len(environment.revisions), 0, -1)
            self.json(200, [{"number": n, "created": created, "creatorLogin": "joe", "tags": tags.get(n)} for n in numbers])
        elif found := re.fullmatch(r"/versions/tags/(.+)", rest):
            number = environment.tags.get(found[1])
            self.json(200, {"name": found[1], "revision": number}) if number else self.json(404, {"code": 404, "message": "Not Found"})
        elif found := re.fullmatch(r"(?:/versions/(\d+))?(/decrypt)?", rest):
            self._definition(environment, int(found[1] or len(environment.revisions)), in_clear=bool(found[2]))
        else:
            self.json(404, {"code": 404, "message": "Not Found"})

    def _requests(self) -> None:
        each = [
            {
                "id": number, "status": draft.status, "createdAt": draft.created, "action": "update", "latestRevisionNumber": 1,
                "entity": {"entityType": "environment", **dict(zip(("project", "name"), draft.environment.split("/"), strict=True))},
            }
            for number, draft in self.cloud.drafts.items()
        ]  # fmt: skip
        page, token = self._page(each)
        self.json(200, {"changeRequests": page, "continuationToken": token})

    def _draft(self, name: str, environment: Environment, number: str, *, status: bool) -> None:
        draft = self.cloud.drafts.get(number)
        if draft is None or draft.environment != name:
            self.json(404, {"code": 404, "message": "Not Found"})
        elif status:
            self.json(200, {"baseRevision": draft.base, "environmentRevision": len(environment.revisions), "draftRevisionNumber": 1})
        else:
            self.answer(200, _sealed(draft.source), Content_Type="application/x-yaml", ETag='"draft"')

    def _referrers(self, name: str) -> None:
        flat = [(revision, each) for revision, group in self.cloud.referrers.get(name, {}).items() for each in group]
        page, token = self._page(flat)
        groups: dict[str, list[dict[str, Any]]] = {}
        for revision, each in page:
            groups.setdefault(revision, []).append(each)
        self.json(200, {"referrers": groups} | ({"continuationToken": token} if token else {}))

    def _page(self, each: list[Any]) -> tuple[list[Any], str]:
        """Return a page of a list, and the token for the next."""
        start = int(parse_qs(self.query).get("continuationToken", ["0"])[0])
        end = start + self.cloud.page_size
        token = "0" if self.cloud.tokens_go_round else str(end) if end < len(each) else ""
        return each[start:end], token

    def _definition(self, environment: Environment, number: int, *, in_clear: bool) -> None:
        if not 1 <= number <= len(environment.revisions):
            self.json(404, {"code": 404, "message": "Not Found"})
            return
        source = environment.revisions[number - 1]
        shown = source if in_clear else _sealed(source)
        self.answer(200, shown, Content_Type="application/x-yaml", ETag=_etag(environment, number), Pulumi_ESC_Revision=str(number))

    def _update(self, environment: Environment) -> None:
        precondition = self.headers.get("ETag")
        if precondition and precondition != _etag(environment, len(environment.revisions)):
            self.json(409, {"code": 409, "message": "Conflict: the environment has been modified"})
        elif b"fn::nope" in self.body:
            begin = {"line": 2, "column": 5, "byte": 12}
            self.json(400, {"code": 400, "diagnostics": [{"summary": "unknown function", "range": {"environment": "x", "begin": begin}}]})
        else:
            environment.revisions.append(self.body.decode())
            self.answer(200, "{}", Content_Type="application/json", Pulumi_ESC_Revision=str(len(environment.revisions)))


def _sealed(source: str) -> str:
    """Return a definition as it is shown to most: each secret with a ciphertext of its own."""
    return re.sub(r"fn::secret: (\w+)", lambda found: f"fn::secret: {{ciphertext: {SEALED}{found[1][::-1]}}}", source)


def _etag(environment: Environment, number: int) -> str:
    return f'"{number}-{hash(environment.revisions[number - 1])}"'


@contextmanager
def serve() -> Iterator[Cloud]:
    """Run the server for as long as the context lasts."""
    cloud = Cloud()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"cloud": cloud}))
    server.daemon_threads = True
    cloud.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def status(code: int, body: str = "{}", **headers: str) -> Fault:
    """Answer with this status."""

    def fault(handler: Handler) -> bool:
        handler.answer(code, body, **headers)
        return True

    return fault


def slow(seconds: float) -> Fault:
    """Wait before the answer."""

    def fault(_: Handler) -> bool:
        time.sleep(seconds)
        return False

    return fault


def trickle(seconds: float) -> Fault:
    """Send an answer byte by byte, without an end."""

    def fault(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        end = time.monotonic() + seconds
        with suppress(OSError):
            while time.monotonic() < end:
                handler.wfile.write(b"#")
                handler.wfile.flush()
                time.sleep(0.02)
        handler.close_connection = True
        return True

    return fault


def cut(promised: int = 1000) -> Fault:
    """Close the connection in the middle of the body."""

    def fault(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", str(promised))
        handler.send_header("ETag", '"x"')
        handler.send_header("Pulumi-ESC-Revision", "1")
        handler.end_headers()
        handler.wfile.write(b"values: {half: ")
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
        return True

    return fault
