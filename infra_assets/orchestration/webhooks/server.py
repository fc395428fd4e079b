"""The server that receives webhooks: small, on the loopback, behind whatever the outside reaches it through."""

import asyncio
import json
import logging
import os
import socket
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra_assets.errors import InfraError, UsageError
from infra_assets.fleet.database import connect
from infra_assets.orchestration.masking import masker
from infra_assets.orchestration.webhooks.nudge import Nudge
from infra_assets.orchestration.webhooks.signatures import GENERIC, GITHUB, PULUMI, STANDARD, Scheme, SignatureError, check
from infra_assets.rollouts.deliveries import Deliveries
from infra_assets.settings import Settings

LOG = logging.getLogger(__name__)
HOST = "127.0.0.1"
ADDRESS = "webhooks-address.json"
LONGEST_BODY = 1024 * 1024
BODY_S = 10.0
"""Seconds that a sender gets for its body."""
CONNECTIONS = 200
GRACE_S = 3
"""Seconds that connections, and then work, get to end."""
MOVING_EVENTS = {"github": ("push", "create", "delete")}
"""The events that can mean something new, for senders that send others too."""


@dataclass(frozen=True, slots=True)
class Door:
    """A route: who may send there, and what is done then."""

    path: str
    schemes: Sequence[Scheme]
    nudge: Nudge


def serve(settings: Settings, on_git: Callable[[], object], on_environments: Callable[[], object]) -> None:
    """Receive webhooks until terminated, and do in the background what they are about; the address is written to `HOME/run`.

    Raises:
        UsageError: there is no secret.
        InfraError: the port is taken, or the database cannot be opened.
    """
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
    if not secret:
        raise UsageError("webhooks cannot be received without a secret", remedy="Set INFRA_WEBHOOK_SECRET.")
    deliveries = Deliveries(connect(settings.database_url))
    mask = masker(settings).text
    doors = [
        Door("/webhooks/git", (GITHUB, STANDARD, GENERIC), Nudge("following the targets", on_git, mask)),
        Door("/webhooks/environments", (PULUMI, GENERIC), Nudge("following the environments", on_environments, mask)),
    ]
    config = uvicorn.Config(
        application(secret, deliveries, doors), log_level=logging.WARNING, access_log=False, server_header=False,
        limit_concurrency=CONNECTIONS, timeout_graceful_shutdown=GRACE_S,
    )  # fmt: skip
    with _listen(settings.webhook_port) as listener:
        _write_address(settings.home, listener.getsockname()[1])
        uvicorn.Server(config).run(sockets=[listener])


def address(home: Path) -> str | None:
    """Return where webhooks are received, or were last; None where they never were."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return f"http://{HOST}:{int(json.loads((home / 'run' / ADDRESS).read_text(encoding='utf-8'))['port'])}"
    return None


def application(secret: str, deliveries: Deliveries, doors: Sequence[Door]) -> Starlette:
    """Return what answers; `serve` runs it."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        for door in doors:
            door.nudge.start()
        yield
        await asyncio.gather(*(run_in_threadpool(door.nudge.stop, grace_s=GRACE_S) for door in doors))

    def route(door: Door) -> Route:
        async def receive(request: Request) -> Response:
            return await _receive(request, door, secret, deliveries)

        return Route(door.path, receive, methods=["POST"])

    application = Starlette(routes=[Route("/healthz", _health), *map(route, doors)], lifespan=lifespan)
    application.router.redirect_slashes = False
    return application


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _receive(request: Request, door: Door, secret: str, deliveries: Deliveries) -> Response:
    try:
        body = await _body(request)
    except ClientDisconnect:
        return _refusal(HTTPStatus.BAD_REQUEST, "the body broke off")
    except TimeoutError:
        return _refusal(HTTPStatus.REQUEST_TIMEOUT, f"the body did not come in {BODY_S:g} s")
    if body is None:
        return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is longer than {LONGEST_BODY} bytes")
    try:
        delivery = check(door.schemes, request.headers, body, secret, time.time())
    except SignatureError as error:
        return _refusal(HTTPStatus.UNAUTHORIZED, str(error))
    if delivery.event == "ping":
        return JSONResponse({"status": "pong"})
    if delivery.event and delivery.event not in MOVING_EVENTS.get(delivery.source, (delivery.event,)):
        return JSONResponse({"status": "ignored"})
    try:
        first = await run_in_threadpool(deliveries.first, delivery.source, delivery.names)
    except SQLAlchemyError as error:
        # Without a memory it could be a replay; its sender or the next tick makes up for it.
        LOG.warning("a webhook was turned away, the database does not answer (%s)", type(error).__name__)
        return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "try again later")
    if not first:
        return JSONResponse({"status": "seen before"})
    door.nudge.ask()
    return JSONResponse({"status": "accepted"}, HTTPStatus.ACCEPTED)


async def _body(request: Request) -> bytes | None:
    """Return the body, None if it is too long: then no more of it is read.

    Raises:
        TimeoutError: it did not come in time.
        ClientDisconnect: its sender went away.
    """
    announced = request.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > LONGEST_BODY:
        return None
    body = bytearray()
    async with asyncio.timeout(BODY_S):
        async for part in request.stream():
            body += part
            if len(body) > LONGEST_BODY:
                return None
    return bytes(body)


def _refusal(status: HTTPStatus, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise InfraError(
            f"webhooks cannot be received on port {port}: {error.strerror}", remedy="Set another INFRA_WEBHOOK_PORT."
        ) from None
    listener.listen(CONNECTIONS)
    return listener


def _write_address(home: Path, port: int) -> None:
    path = home / "run" / ADDRESS
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps({"port": port}), encoding="utf-8")
    partial.replace(path)
