"""Webhooks as their senders see them: who is let in, what is done about it, and how often."""

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn

from infra_assets import settings
from infra_assets.errors import InfraError, UsageError
from infra_assets.fleet.database import connect, metadata, now
from infra_assets.orchestration.masking import masker
from infra_assets.orchestration.webhooks import address, serve, server
from infra_assets.orchestration.webhooks.nudge import Nudge
from infra_assets.orchestration.webhooks.server import LONGEST_BODY, Door, application
from infra_assets.orchestration.webhooks.signatures import GENERIC, GITHUB, PULUMI, STANDARD, SignatureError, check
from infra_assets.processes import wait_until
from infra_assets.rollouts.deliveries import KEPT, Deliveries, deliveries

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"ref": "refs/heads/prod"}'


class Work:
    """Counts how often it was done; can be held up, and can fail."""

    def __init__(self) -> None:
        self.done = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.error: Exception | None = None

    def __call__(self) -> None:
        self.done += 1
        self.go_on.wait(20)
        if self.error:
            raise self.error

    def is_done(self, times: int) -> bool:
        return wait_until(lambda: self.done >= times, seconds=5, poll_s=0.005)


class Control:
    """The server with both pieces of work."""

    def __init__(self, database: sa.Engine, pause_s: float) -> None:
        self.git, self.environments = Work(), Work()
        doors = [
            Door("/webhooks/git", (GITHUB, STANDARD, GENERIC), Nudge("git", self.git, str, pause_s=pause_s)),
            Door("/webhooks/environments", (PULUMI, GENERIC), Nudge("environments", self.environments, str, pause_s=pause_s)),
        ]
        self.application = application(SECRET, Deliveries(database), doors)


@contextmanager
def running(control: Control) -> Iterator[httpx.Client]:
    """Serve it for a moment; yields somebody who sends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = uvicorn.Server(uvicorn.Config(control.application, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=lambda: serving.run(sockets=[listener]), daemon=True)
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False, timeout=20) as client:
                yield client
        finally:
            control.git.go_on.set()
            serving.should_exit = True
            thread.join()


@pytest.fixture
def database(tmp_path: Path) -> sa.Engine:
    """Just the one table: alembic takes longer than a test."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'deliveries.db'}")
    metadata.create_all(engine, tables=[deliveries])
    return engine


@pytest.fixture
def control(database: sa.Engine) -> Control:
    return Control(database, pause_s=0.01)


@pytest.fixture
def client(control: Control) -> Iterator[httpx.Client]:
    with running(control) as client:
        yield client


def mac(body: bytes = BODY, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(body: bytes = BODY, delivery: str = "d1", event: str = "push", **kwargs: str) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={mac(body, **kwargs)}", "X-GitHub-Delivery": delivery, "X-GitHub-Event": event}


def pulumi(body: bytes = BODY, delivery: str = "p1", kind: str = "environment_revision") -> dict[str, str]:
    return {"Pulumi-Webhook-Signature": mac(body), "Pulumi-Webhook-ID": delivery, "Pulumi-Webhook-Kind": kind}


def generic(body: bytes = BODY, timestamp: str | None = None, delivery: str | None = None) -> dict[str, str]:
    signed = body if timestamp is None else timestamp.encode() + b"." + body
    given = {"X-Infra-Signature": f"sha256={mac(signed)}", "X-Infra-Timestamp": timestamp, "X-Infra-Delivery": delivery}
    return {name: value for name, value in given.items() if value is not None}


def ago(seconds: float) -> str:
    return str(int(time.time() - seconds))


def test_a_push_makes_us_look_at_the_branches(client: httpx.Client, control: Control) -> None:
    answer = client.post("/webhooks/git", content=BODY, headers=github())
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert control.git.is_done(1)
    assert control.environments.done == 0


def test_an_edit_in_pulumi_cloud_makes_us_look_at_the_environments(client: httpx.Client, control: Control) -> None:
    assert client.post("/webhooks/environments", content=BODY, headers=pulumi()).status_code == 202
    assert control.environments.is_done(1)
    assert control.git.done == 0


@pytest.mark.parametrize("route", ["/webhooks/git", "/webhooks/environments"])
def test_whoever_signs_generically_is_let_in_everywhere(client: httpx.Client, route: str) -> None:
    assert client.post(route, content=BODY, headers=generic(timestamp=ago(0))).status_code == 202


@pytest.mark.parametrize(
    ("route", "headers"),
    [
        ("git", {}),
        ("git", {"X-Hub-Signature-256": ""}),
        ("git", {"X-Hub-Signature-256": mac()}),
        ("git", {"X-Hub-Signature-256": "sha256="}),
        ("git", {"X-Hub-Signature-256": f"sha1={hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()}"}),
        ("git", {"X-Hub-Signature-256": f"sha256={mac()[:-1]}"}),
        ("git", {"X-Hub-Signature-256": f"sha256={mac()}é".encode().decode("latin-1")}),
        ("git", github(secret="another")),
        ("git", github(secret="")),
        ("git", github(body=BODY + b" ")),
        ("git", pulumi()),
        ("git", {**generic(), "X-Hub-Signature-256": "sha256=00"}),
        ("git", {**generic(timestamp=ago(0)), "X-Infra-Timestamp": ago(1)}),
        ("git", {**generic(), "X-Infra-Timestamp": ago(0)}),
        ("environments", github()),
        ("environments", {**pulumi(), "Pulumi-Webhook-Signature": f"sha256={mac()}"}),
        ("environments", {**pulumi(), "Pulumi-Webhook-Signature": mac(secret="another")}),
    ],
)
def test_whoever_does_not_know_the_secret_is_refused(client: httpx.Client, control: Control, route: str, headers: dict[str, str]) -> None:
    answer = client.post(f"/webhooks/{route}", content=BODY, headers={k: v.encode("latin-1") for k, v in headers.items()})
    assert answer.status_code == 401
    assert list(answer.json()) == ["error"]
    assert "refs/heads" not in answer.text
    assert mac() not in answer.text
    # Nor is it remembered: the true one still comes through.
    true = github() if route == "git" else pulumi()
    assert client.post(f"/webhooks/{route}", content=BODY, headers=true).status_code == 202


@pytest.mark.parametrize(("seconds", "status"), [(0, 202), (290, 202), (-290, 202), (320, 401), (-320, 401), (3e8, 401)])
def test_a_timestamp_is_signed_and_of_now(client: httpx.Client, seconds: float, status: int) -> None:
    assert client.post("/webhooks/git", content=BODY, headers=generic(timestamp=ago(seconds))).status_code == status


@pytest.mark.parametrize("timestamp", ["", "now", "-5", "1e9", "٣", "9" * 4000])
def test_what_is_no_timestamp_is_refused(client: httpx.Client, timestamp: str) -> None:
    headers = {name: value.encode("latin-1", "replace") for name, value in generic(timestamp=timestamp).items()}
    assert client.post("/webhooks/git", content=BODY, headers=headers).status_code == 401


def test_gitlabs_signatures_are_those_of_standard_webhooks() -> None:
    """The example of the standard's own specification."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert check([STANDARD], headers, b'{"test": 2432232314}', SECRET, 1614265330).source == "standard"
    for wrong in ({"webhook-id": "msg_other"}, {"webhook-timestamp": "1614265331"}, {"webhook-signature": "v1,AAAA"}):
        with pytest.raises(SignatureError, match="the signature is not good"):
            check([STANDARD], headers | wrong, b'{"test": 2432232314}', SECRET, 1614265330)
    with pytest.raises(SignatureError, match="300 s away"):
        check([STANDARD], headers, b'{"test": 2432232314}', SECRET, 1614265330 + 301)


def test_a_standard_webhook_needs_its_timestamp(client: httpx.Client) -> None:
    code = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), b"m1." + BODY, hashlib.sha256).digest()
    headers = {"webhook-id": "m1", "webhook-signature": f"v1,{base64.b64encode(code).decode()}"}
    assert client.post("/webhooks/git", content=BODY, headers=headers).status_code == 401


SEEN = (200, {"status": "seen before"})


def test_a_delivery_that_comes_again_does_nothing(client: httpx.Client, control: Control) -> None:
    client.post("/webhooks/git", content=BODY, headers=github())
    assert control.git.is_done(1)
    for headers in (github(), github(delivery="another-id"), github(delivery=""), generic(), generic(delivery="x")):
        answer = client.post("/webhooks/git", content=BODY, headers=headers)
        assert (answer.status_code, answer.json()) == SEEN
    # Nor through the other door.
    answer = client.post("/webhooks/environments", content=BODY, headers=pulumi(delivery="another-id"))
    assert (answer.status_code, answer.json()) == SEEN
    time.sleep(0.1)
    assert (control.git.done, control.environments.done) == (1, 0)


def test_a_known_id_does_nothing_whatever_comes_under_it(client: httpx.Client) -> None:
    assert client.post("/webhooks/git", content=b"1", headers=github(b"1", "same")).status_code == 202
    assert client.post("/webhooks/git", content=b"2", headers=github(b"2", "same")).json() == {"status": "seen before"}


def test_a_replay_under_a_new_id_does_not_use_that_id_up(client: httpx.Client) -> None:
    assert client.post("/webhooks/git", content=b"1", headers=github(b"1", "a")).status_code == 202
    assert client.post("/webhooks/git", content=b"1", headers=github(b"1", "b")).json() == {"status": "seen before"}
    assert client.post("/webhooks/git", content=b"2", headers=github(b"2", "b")).status_code == 202


def test_what_was_signed_with_a_timestamp_is_no_new_delivery_without_it(client: httpx.Client) -> None:
    timestamp = ago(0)
    headers = generic(timestamp=timestamp)
    assert client.post("/webhooks/git", content=BODY, headers=headers).status_code == 202
    body = timestamp.encode() + b"." + BODY
    assert client.post("/webhooks/git", content=body, headers={"X-Hub-Signature-256": headers["X-Infra-Signature"]}).json() == SEEN[1]


def test_the_same_body_at_another_time_is_another_delivery(client: httpx.Client) -> None:
    assert client.post("/webhooks/git", content=BODY, headers=generic(timestamp=ago(2))).status_code == 202
    assert client.post("/webhooks/git", content=BODY, headers=generic(timestamp=ago(1))).status_code == 202


def test_deliveries_are_taken_in_any_order(client: httpx.Client, control: Control) -> None:
    bodies = [b"3", b"1", b"2"]
    assert [client.post("/webhooks/git", content=body, headers=github(body, body.decode())).status_code for body in bodies] == [202] * 3
    assert control.git.is_done(1)


def test_memory_outlives_the_process(client: httpx.Client, database: sa.Engine) -> None:
    assert client.post("/webhooks/git", content=BODY, headers=github()).status_code == 202
    with running(Control(database, pause_s=0)) as restarted:
        assert restarted.post("/webhooks/git", content=BODY, headers=github()).json() == {"status": "seen before"}


def test_memory_lasts_a_week(database: sa.Engine) -> None:
    memory = Deliveries(database)
    assert memory.first("github", ["old", "older"])
    assert memory.first("github", ["new"])
    old = hashlib.sha256(b"old").hexdigest()
    with database.begin() as connection:
        connection.execute(sa.update(deliveries).where(deliveries.c.digest == old).values(received_at=now() - KEPT - timedelta(minutes=1)))
    assert not memory.first("github", ["old"])
    again = Deliveries(database)
    assert not again.first("github", ["new"])
    assert not again.first("github", ["older"])
    assert again.first("github", ["old"])


def test_of_many_at_once_one_is_the_first(tmp_path: Path) -> None:
    database = connect(f"sqlite:///{tmp_path / 'infra.db'}")
    with ThreadPoolExecutor(8) as pool:
        firsts = list(pool.map(lambda number: Deliveries(database).first("github", ["same", f"id {number}"]), range(16)))
    assert sum(firsts) == 1


def test_a_burst_is_done_once_at_once_and_once_afterwards(client: httpx.Client, control: Control) -> None:
    control.git.go_on.clear()
    client.post("/webhooks/git", content=b"0", headers=github(b"0", "0"))
    assert control.git.is_done(1)
    for number in range(1, 100):
        body = str(number).encode()
        assert client.post("/webhooks/git", content=body, headers=github(body, body.decode())).status_code == 202
    control.git.go_on.set()
    assert control.git.is_done(2)
    time.sleep(0.2)
    assert control.git.done == 2


def test_a_burst_of_quick_work_is_not_done_a_hundred_times(database: sa.Engine) -> None:
    control = Control(database, pause_s=2)
    with running(control) as client:
        for number in range(100):
            body = str(number).encode()
            client.post("/webhooks/git", content=body, headers=github(body, body.decode()))
        assert 1 <= control.git.done <= 2


@pytest.mark.parametrize("error", [InfraError("unreachable: https://infra:canary@example.com"), RuntimeError("canary"), KeyError("canary")])
def test_work_that_fails_is_logged_without_secrets_and_done_the_next_time(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def work() -> None:
        done.append(1)
        raise error

    done: list[int] = []
    given = settings.Settings(**{**settings.load().model_dump(), "webhook_secret": "canary", "database_url": "sqlite://"})
    nudge = Nudge("following the targets", work, masker(given).text, pause_s=0)
    nudge.start()
    nudge.ask()
    assert wait_until(lambda: "following the targets failed" in caplog.text, seconds=5)
    nudge.ask()
    assert wait_until(lambda: len(done) == 2, seconds=5)
    nudge.stop(grace_s=5)
    assert "[secret]" in caplog.text
    assert "canary" not in caplog.text


def test_the_server_goes_on_when_its_work_has_failed(client: httpx.Client, control: Control) -> None:
    control.git.error = RuntimeError("no such branch")
    client.post("/webhooks/git", content=b"1", headers=github(b"1", "1"))
    assert control.git.is_done(1)
    assert client.post("/webhooks/git", content=b"2", headers=github(b"2", "2")).status_code == 202
    assert control.git.is_done(2)


@pytest.mark.parametrize(
    ("event", "status"),
    [("push", "accepted"), ("create", "accepted"), ("delete", "accepted"), ("issues", "ignored"), ("ping", "pong"), ("", "accepted")],
)
def test_of_githubs_events_those_count_that_move_branches(client: httpx.Client, control: Control, event: str, status: str) -> None:
    assert client.post("/webhooks/git", content=BODY, headers=github(event=event)).json() == {"status": status}
    time.sleep(0.05)
    assert control.git.done == (status == "accepted")


def test_pulumis_ping_is_answered(client: httpx.Client, control: Control) -> None:
    assert client.post("/webhooks/environments", content=BODY, headers=pulumi(kind="ping")).json() == {"status": "pong"}
    assert control.environments.done == 0


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_long_is_refused(client: httpx.Client, announced: bool) -> None:
    longest = b"x" * LONGEST_BODY
    assert client.post("/webhooks/git", content=longest, headers=github(longest)).status_code == 202
    longer = longest + b"x"
    # As a generator it is sent in chunks, without its length.
    content: Any = longer if announced else iter([longer[:1000], longer[1000:]])
    assert client.post("/webhooks/git", content=content, headers=github(longer)).status_code == 413


def test_other_methods_and_places(client: httpx.Client) -> None:
    assert (client.get("/healthz").status_code, client.get("/healthz").json()) == (200, {"status": "ok"})
    for method in ("GET", "PUT", "DELETE", "PATCH", "HEAD"):
        assert client.request(method, "/webhooks/git").status_code == 405
    assert client.post("/healthz").status_code == 405
    for path in ("/", "/webhooks", "/webhooks/git/", "/webhooks/other", "/docs", "//webhooks/git"):
        assert client.post(path, content=BODY, headers=github()).status_code == 404


def test_without_its_memory_nothing_is_let_in(client: httpx.Client, control: Control, database: sa.Engine) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("DROP TABLE webhook_deliveries"))
    assert client.post("/webhooks/git", content=BODY, headers=github()).status_code == 503
    time.sleep(0.05)
    assert control.git.done == 0


def test_there_is_no_server_without_a_secret(tmp_path: Path) -> None:
    for secret in (None, ""):
        given = settings.load().model_copy(update={"webhook_secret": settings.SecretStr(secret) if secret is not None else None})
        with pytest.raises(UsageError, match="INFRA_WEBHOOK_SECRET"):
            serve(given, lambda: None, lambda: None)
    assert address(tmp_path) is None


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        given = {"home": tmp_path, "database_url": f"sqlite:///{tmp_path / 'infra.db'}", "webhook_secret": SECRET, "webhook_port": port}
        with pytest.raises(InfraError, match=f"port {port}: Address already in use"):
            serve(settings.Settings(**{**settings.load().model_dump(), **given}), lambda: None, lambda: None)


PROGRAM = """
import sys
from pathlib import Path
from infra_assets import settings
from infra_assets.orchestration.webhooks import serve

log = Path(sys.argv[1])
assert "dagster" not in sys.modules
serve(settings.load(), lambda: log.open("a").write("git\\n"), lambda: log.open("a").write("environments\\n"))
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    """The server as a process: it, its address, and what it has done."""
    log = tmp_path / "log"
    given = {"INFRA_HOME": str(tmp_path), "INFRA_DATABASE_URL": f"sqlite:///{tmp_path / 'infra.db'}", "INFRA_WEBHOOK_SECRET": SECRET}
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(log)], env={**os.environ, **given})
    try:
        assert wait_until(lambda: address(tmp_path) is not None and _healthy(str(address(tmp_path))), seconds=30)
        yield process, str(address(tmp_path)), log
    finally:
        process.kill()
        process.wait()


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_as_a_process(served: tuple[subprocess.Popen[bytes], str, Path]) -> None:
    """Over a real connection: a burst at once, a body that never ends, one that is too long, and the end."""
    process, url, log = served

    def post(number: int) -> int:
        body = json.dumps({"number": number}).encode()
        return httpx.post(f"{url}/webhooks/git", content=body, headers=github(body, str(number)), trust_env=False, timeout=30).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(post, range(100))) == {202}
    assert wait_until(lambda: log.exists() and log.read_text() != "", seconds=5)
    # What came within a second of the first look is one more look.
    assert 1 <= log.read_text().count("git") <= 4

    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = f"POST /webhooks/git HTTP/1.1\r\nHost: x\r\nContent-Length: {LONGEST_BODY + 1}\r\n\r\n"
        connection.sendall(head.encode())
        assert b" 413 " in connection.recv(100)
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        slow.sendall(b"POST /webhooks/git HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1")
        assert _healthy(url)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=server.GRACE_S * 2 + 5)
    assert not _healthy(url)


def test_a_body_that_never_comes_is_not_waited_for(database: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from starlette.requests import Request

    async def never() -> Any:
        await asyncio.sleep(60)

    monkeypatch.setattr(server, "BODY_S", 0.05)
    request = Request({"type": "http", "method": "POST", "headers": []}, never)
    door = Door("/webhooks/git", (GITHUB,), Nudge("git", lambda: None, str))
    answer = asyncio.run(server._receive(request, door, SECRET, Deliveries(database)))
    assert answer.status_code == 408
