"""Notifications as those get them who receive them: over HTTP, from receivers that are well, slow, broken or not there."""

import hashlib
import hmac
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import run
from sys import executable
from typing import Any

import pytest

from infra_assets import settings
from infra_assets.orchestration.notifications import Delivery, Notifier, problems
from infra_assets.rollouts.announcements import Announcement, as_json
from infra_assets.settings import Settings

TOKEN = "xoxb-0123456789-canary"
KEY = "canary0123456789abcdef0123456789"
SECRET = "canary-of-the-signature"
PATH = "/services/T0/canary-in-the-path?token=canary-in-the-query"
HALTED = Announcement(
    rollout_id="060beef53818",
    kind="halted",
    title="prod: halted <!channel> & more",
    lines=["3 of 40 cells failed"],
    counts={"failed": 3},
    links={"runs": "https://dagster.example.com/runs"},
    severity="error",
    dedup_key="rollout/060beef53818",
    at=datetime(2026, 11, 21, 16, 44, tzinfo=UTC),
)


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """A server that takes what it is sent and answers as a test wants it to."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    """The next ones, `ECHO` in them what was sent; then 200 and `{"ok": true}`."""
    before: Callable[[Any], None] = lambda handler: None


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append(Request(self.path, dict(self.headers), body))
            receiver.before(self)
            status, text = receiver.answers.pop(0) if receiver.answers else (200, '{"ok": true}')
            text = text.replace("ECHO", f"{self.headers['Authorization']} {self.path} {body.decode()}")
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who hangs up is everyday here
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def made(tmp_path: Path, **values: Any) -> Settings:
    return Settings(**{**settings.load().model_dump(), "home": tmp_path, "database_url": f"sqlite:///{tmp_path / 'infra.db'}", **values})


def slack(tmp_path: Path, url: str, **values: Any) -> Notifier:
    return Notifier(made(tmp_path, slack_token=TOKEN, slack_channel="#deployments", slack_url=url), **values)


def pagerduty(tmp_path: Path, url: str, **values: Any) -> Notifier:
    return Notifier(made(tmp_path, pagerduty_key=KEY, pagerduty_url=url), **values)


def webhook(tmp_path: Path, url: str, **values: Any) -> Notifier:
    return Notifier(made(tmp_path, notify_url=f"{url}{PATH}", notify_secret=SECRET), **values)


CHANNELS = [slack, pagerduty, webhook]
every_channel = pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.__name__)


@pytest.fixture
def _nothing_leaks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No secret in any log, down to the clients' debugging."""
    with caplog.at_level(logging.DEBUG):
        yield
        logged = "\n".join(f"{record.getMessage()} {record.exc_text or record.exc_info or ''}" for record in caplog.get_records("call"))
        assert "canary" not in logged


nothing_leaks = pytest.mark.usefixtures("_nothing_leaks")


@nothing_leaks
def test_slack_gets_a_message_in_its_channel(tmp_path: Path, receiver: Receiver) -> None:
    assert slack(tmp_path, f"{receiver.url}/api").send(HALTED) == [Delivery("slack", ok=True)]
    (request,) = receiver.requests
    assert request.path == "/api/chat.postMessage"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.json["channel"] == "#deployments"
    assert request.json["text"] == "prod: halted &lt;!channel&gt; &amp; more"
    texts = [block.get("text", {}).get("text") or block["elements"][0]["text"] for block in request.json["blocks"]]
    assert texts == [
        "*prod: halted &lt;!channel&gt; &amp; more*",
        "3 of 40 cells failed",
        "3 failed",
        "<https://dagster.example.com/runs|runs>",
    ]
    assert "<!channel>" not in request.body.decode()


@nothing_leaks
@pytest.mark.parametrize(("kind", "action"), [("halted", "trigger"), ("failed", "trigger"), ("done", "resolve")])
def test_pagerduty_opens_an_incident_and_resolves_the_same(tmp_path: Path, receiver: Receiver, kind: Any, action: str) -> None:
    receiver.answers = [(202, '{"status": "success", "message": "Event processed"}')]
    assert pagerduty(tmp_path, receiver.url).send(replace(HALTED, kind=kind)) == [Delivery("pagerduty", ok=True)]
    (request,) = receiver.requests
    assert request.path == "/v2/enqueue"
    assert "Authorization" not in request.headers
    assert request.json["routing_key"] == KEY
    assert request.json["event_action"] == action
    assert request.json["dedup_key"] == "rollout/060beef53818"
    payload = request.json["payload"]
    assert (payload["summary"], payload["severity"]) == ("prod: halted <!channel> & more", "error")
    assert payload["custom_details"]["failed"] == 3
    assert "runs: https://dagster.example.com/runs" in payload["custom_details"]["message"]


@pytest.mark.parametrize("kind", ["started", "waiting"])
def test_pagerduty_wakes_nobody_where_nothing_is_wrong(tmp_path: Path, receiver: Receiver, kind: Any) -> None:
    # Taken, so that nobody tries again to deliver it.
    assert pagerduty(tmp_path, receiver.url).send(replace(HALTED, kind=kind)) == [Delivery("pagerduty", ok=True)]
    assert receiver.requests == []


@nothing_leaks
def test_a_plain_webhook_gets_json_that_is_signed(tmp_path: Path, receiver: Receiver) -> None:
    assert webhook(tmp_path, receiver.url).send(HALTED) == [Delivery("webhook", ok=True)]
    (request,) = receiver.requests
    assert request.path == PATH
    assert request.json == as_json(HALTED)
    assert request.headers["X-Infra-Signature"] == f"sha256={hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()}"
    assert request.headers["Content-Type"] == "application/json"


def test_a_plain_webhook_without_a_secret_is_not_signed(tmp_path: Path, receiver: Receiver) -> None:
    assert Notifier(made(tmp_path, notify_url=receiver.url)).send(HALTED)[0].ok
    assert "X-Infra-Signature" not in receiver.requests[0].headers


def test_a_delivery_can_be_told_from_others_and_known_again(tmp_path: Path, receiver: Receiver) -> None:
    notifier = webhook(tmp_path, receiver.url)
    later = replace(HALTED, at=datetime(2026, 11, 21, 17, 44, tzinfo=UTC))
    for announcement in (HALTED, HALTED, replace(HALTED, kind="done"), later):
        notifier.send(announcement)
    first, again, done, halted_again = [request.headers["X-Infra-Delivery"] for request in receiver.requests]
    assert first.startswith("rollout/060beef53818/halted/")
    assert first == again
    assert len({first, done, halted_again}) == 3


def test_channels_are_those_that_are_set_up(tmp_path: Path) -> None:
    assert Notifier(made(tmp_path)).channels == []
    assert Notifier(made(tmp_path)).send(HALTED) == []
    assert Notifier(made(tmp_path, slack_token=TOKEN)).channels == []
    assert Notifier(made(tmp_path, slack_token=TOKEN, slack_channel="x", pagerduty_key=KEY)).channels == ["slack", "pagerduty"]
    assert Notifier(made(tmp_path, slack_token="", slack_channel="", pagerduty_key="", notify_url="")).channels == []


def test_some_channels_can_be_left_out(tmp_path: Path, receiver: Receiver) -> None:
    given = made(tmp_path, slack_token=TOKEN, slack_channel="x", slack_url=receiver.url, notify_url=f"{receiver.url}/plain")
    assert Notifier(given).send(HALTED, channels=["webhook"]) == [Delivery("webhook", ok=True)]
    assert [request.path for request in receiver.requests] == ["/plain"]


def test_a_channel_that_is_set_up_no_more_is_told_of(tmp_path: Path) -> None:
    assert Notifier(made(tmp_path)).send(HALTED, channels=["slack"]) == [Delivery("slack", ok=False, error="is not set up")]


@nothing_leaks
def test_one_that_fails_keeps_the_others_from_nothing(tmp_path: Path, receiver: Receiver) -> None:
    given = made(
        tmp_path, slack_token=TOKEN, slack_channel="x", slack_url=_nobody(), pagerduty_key=KEY, pagerduty_url=receiver.url,
        notify_url=f"{receiver.url}/plain",
    )  # fmt: skip
    deliveries = {delivery.channel: delivery for delivery in Notifier(given).send(HALTED)}
    assert {channel: delivery.ok for channel, delivery in deliveries.items()} == {"slack": False, "pagerduty": True, "webhook": True}
    assert deliveries["slack"].error == "cannot be reached (ConnectionRefusedError)"


@nothing_leaks
@every_channel
def test_an_error_of_the_receiver_is_tried_twice_and_said(
    tmp_path: Path, receiver: Receiver, channel: Any, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [(500, "oops ECHO")] * 3
    (delivery,) = channel(tmp_path, receiver.url).send(HALTED)
    assert (delivery.ok, delivery.error) == (False, "HTTP 500")
    assert len(receiver.requests) == 2
    assert "did not take the announcement halted of rollout 060beef53818: HTTP 500" in caplog.text


@every_channel
@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_is_well_again_gets_it_at_the_second_try(tmp_path: Path, receiver: Receiver, channel: Any, status: int) -> None:
    receiver.answers = [(status, "{}")]
    assert channel(tmp_path, receiver.url).send(HALTED)[0].ok
    assert receiver.requests[0].body == receiver.requests[1].body


@nothing_leaks
@every_channel
@pytest.mark.parametrize("status", [400, 403, 404, 302])
def test_a_refusal_is_not_tried_again(tmp_path: Path, receiver: Receiver, channel: Any, status: int) -> None:
    receiver.answers = [(status, "no ECHO")] * 2
    assert channel(tmp_path, receiver.url).send(HALTED) == [Delivery(channel.__name__, ok=False, error=f"HTTP {status}")]
    assert len(receiver.requests) == 1


@nothing_leaks
def test_slacks_own_refusals_are_said(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [(200, '{"ok": false, "error": "invalid_auth"}')]
    assert slack(tmp_path, receiver.url).send(HALTED) == [Delivery("slack", ok=False, error="invalid_auth")]
    assert len(receiver.requests) == 1


@nothing_leaks
@pytest.mark.parametrize(
    "answer", ["<html>log in first</html>", '{"ok": false}', '{"ok": false, "error": "' + TOKEN + ' is bad"}', "[]", ""]
)
def test_what_is_no_answer_of_slacks_is_no_success(tmp_path: Path, receiver: Receiver, answer: str) -> None:
    receiver.answers = [(200, answer)]
    (delivery,) = slack(tmp_path, receiver.url).send(HALTED)
    assert not delivery.ok
    assert "canary" not in delivery.error


@nothing_leaks
@every_channel
def test_nobody_there(tmp_path: Path, channel: Any) -> None:
    started = time.monotonic()
    (delivery,) = channel(tmp_path, _nobody()).send(HALTED)
    assert not delivery.ok
    assert delivery.error.startswith("cannot be reached")
    assert time.monotonic() - started < 5


@nothing_leaks
@every_channel
def test_a_receiver_that_never_answers_is_given_up(tmp_path: Path, receiver: Receiver, channel: Any) -> None:
    over = threading.Event()
    receiver.before = lambda _: over.wait(20)
    started = time.monotonic()
    (delivery,) = channel(tmp_path, receiver.url, timeout_s=1).send(HALTED)
    assert (delivery.ok, delivery.error) == (False, "no answer in 1 s")
    assert time.monotonic() - started < 3
    # It may have been taken: a second try could say it twice.
    assert len(receiver.requests) == 1
    over.set()


@nothing_leaks
@every_channel
def test_a_receiver_that_answers_byte_by_byte_is_left_to_itself(tmp_path: Path, receiver: Receiver, channel: Any) -> None:
    over = threading.Event()

    def trickle(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not over.wait(0.05):
            handler.wfile.write(b"x")

    receiver.before = trickle
    started = time.monotonic()
    assert channel(tmp_path, receiver.url, timeout_s=0.4).send(HALTED) == [
        Delivery(channel.__name__, ok=False, error="it is still on its way")
    ]
    assert time.monotonic() - started < 5
    # Nor does it gather threads: the next one does not even begin.
    started = time.monotonic()
    assert channel(tmp_path, receiver.url).send(HALTED) == [
        Delivery(channel.__name__, ok=False, error="an earlier announcement is still on its way")
    ]
    assert time.monotonic() - started < 0.5
    assert len(receiver.requests) == 1
    over.set()


@nothing_leaks
@pytest.mark.parametrize(
    "url",
    [
        "no-scheme.example.com/canary-in-the-path",
        "http://[oops/canary-in-the-path",
        "ftp://example.com/canary-in-the-path",
        "http://127.0.0.1:99999999/canary-in-the-path",
    ],
)
def test_an_address_that_is_none_is_an_error_and_no_crash(tmp_path: Path, url: str) -> None:
    given = made(
        tmp_path, notify_url=url, slack_token=TOKEN, slack_channel="x", slack_url=url.replace("canary", "no"), pagerduty_key=KEY,
        pagerduty_url=url.replace("canary", "no"),
    )  # fmt: skip
    deliveries = Notifier(given).send(HALTED)
    assert [delivery.ok for delivery in deliveries] == [False, False, False]
    assert "canary" not in str(deliveries)


@nothing_leaks
def test_what_else_a_client_raises_is_an_error_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"a defect with {TOKEN} at {PATH}")

    monkeypatch.setattr("infra_assets.orchestration.notifications.webhook.send", broken)
    (delivery,) = Notifier(made(tmp_path, notify_url=f"http://a{PATH}", slack_token=TOKEN)).send(HALTED)
    assert delivery.error.startswith("RuntimeError: a defect with [secret] at ")
    assert "canary" not in delivery.error


@every_channel
def test_receivers_are_reached_past_the_proxy_where_no_proxy_says_so(
    tmp_path: Path, channel: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, _nobody())
    assert channel(tmp_path, receiver.url).send(HALTED)[0].ok


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, []),
        ({"slack_token": TOKEN}, ["INFRA_SLACK_TOKEN and INFRA_SLACK_CHANNEL belong together: nothing is told on Slack"]),
        ({"slack_channel": "#x"}, ["INFRA_SLACK_TOKEN and INFRA_SLACK_CHANNEL belong together: nothing is told on Slack"]),
        ({"notify_secret": "x"}, ["INFRA_NOTIFY_SECRET without INFRA_NOTIFY_URL: nothing is posted"]),
        ({"notify_url": "example.com/canary-in-the-path"}, ["INFRA_NOTIFY_URL is no address: it begins with neither https:// nor http://"]),
    ],
)
def test_what_is_set_up_by_halves_is_said(tmp_path: Path, values: dict[str, str], said: list[str]) -> None:
    assert list(problems(made(tmp_path, **values))) == said


def test_the_clients_are_not_loaded_before_they_are_needed() -> None:
    code = (
        "import sys, infra_assets.orchestration.notifications;"
        "print([name for name in ('dagster_slack', 'dagster_pagerduty', 'slack_sdk', 'pypd') if name in sys.modules])"
    )
    assert run([executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def _nobody() -> str:
    """Return an address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
