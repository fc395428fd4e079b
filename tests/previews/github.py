"""As much of GitHub's REST API as a comment needs, on a port of this machine."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BOT = {"login": "github-actions[bot]", "type": "Bot"}
ANN = {"login": "ann", "type": "User"}
LONGEST = 65_536


@dataclass
class GitHub:
    """What there is, and how it answers."""

    url: str = ""
    token: str = "ghs_canary0123456789"
    me: dict[str, Any] | None = None
    """Whose the token is; a workflow's is nobody's."""
    comments: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses and headers of the next answers, 0 is none at all; then it does what it is asked to."""
    requests: list[str] = field(default_factory=list)
    lost_answers: int = 0
    """How many comments are made without an answer to it."""
    delay_s: float = 0.0
    gone: bool = False
    """Whether comments are deleted between being seen and being changed."""

    def add(self, body: str, user: dict[str, Any], number: int = 12) -> int:
        self.comments.append({"id": 1000 + len(self.comments), "body": body, "user": user, "issue": number})
        return self.comments[-1]["id"]

    def bodies(self) -> list[str]:
        return [comment["body"] for comment in self.comments]

    def answer(self, method: str, path: str, headers: dict[str, str], content: Any) -> tuple[int, dict[str, str], Any]:
        self.requests.append(f"{method} {path}")
        if self.answers:
            status, extra = self.answers.pop(0)
            return status, extra, {"message": f"Bad things with {self.token}"}
        if headers.get("Authorization") != f"Bearer {self.token}":
            return 401, {}, {"message": "Bad credentials"}
        if path == "/user":
            return (200, {}, self.me) if self.me else (403, {}, {"message": "Resource not accessible by integration"})
        if content is not None and len(content["body"]) > LONGEST:
            return 422, {}, {"message": "Validation Failed"}
        return self._comment(method, path, content)

    def _comment(self, method: str, path: str, content: Any) -> tuple[int, dict[str, str], Any]:
        if found := re.fullmatch(r"/repos/acme/infra/issues/comments/(\d+)", path):
            comment = next((each for each in self.comments if each["id"] == int(found[1])), None)
            if comment is None or self.gone:
                return 404, {}, {"message": "Not Found"}
            comment["body"] = content["body"]
            return 200, {}, self._shown(comment)
        if not (found := re.fullmatch(r"/repos/acme/infra/issues/12/comments(?:\?per_page=(\d+)&page=(\d+))?", path)):
            return 404, {}, {"message": "Not Found"}
        if method == "POST":
            self.add(content["body"], self.me or BOT)
            if self.lost_answers:
                self.lost_answers -= 1
                return 0, {}, None
            return 201, {}, self._shown(self.comments[-1])
        size, page = int(found[1]), int(found[2])
        more = {"Link": f'<http://127.0.0.1:9/elsewhere?page={page + 1}>; rel="next"'} if len(self.comments) > page * size else {}
        return 200, more, [self._shown(each) for each in self.comments[(page - 1) * size : page * size]]

    def _shown(self, comment: dict[str, Any]) -> dict[str, Any]:
        return comment | {"html_url": f"https://github.com/acme/infra/pull/12#issuecomment-{comment['id']}"}


@contextmanager
def serving() -> Iterator[GitHub]:
    github = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._any()

        def do_POST(self) -> None:
            self._any()

        def do_PATCH(self) -> None:
            self._any()

        def _any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            content = json.loads(self.rfile.read(size)) if size else None
            time.sleep(github.delay_s)
            status, headers, said = github.answer(self.command, self.path, dict(self.headers), content)
            if not status:
                self.close_connection = True
                return
            text = json.dumps(said).encode()
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(text))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    github.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
