"""From a request to its answer: faults, moto, the call log."""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any, cast

from moto.core.routing import get_service_router
from werkzeug.exceptions import HTTPException

from infra_assets.sandbox.emulator.accounts import account_of
from infra_assets.sandbox.emulator.errors import error_answer
from infra_assets.sandbox.emulator.faults import Faults
from infra_assets.sandbox.emulator.incoming import Incoming, action_of, incoming, reads_only, to_moto
from infra_assets.sandbox.emulator.journal import Journal
from infra_assets.sandbox.emulator.messages import Answer, Head
from infra_assets.sandbox.emulator.records import Fault
from infra_assets.sandbox.emulator.routes import boto3_name, handler_of, host_of, service_of
from infra_assets.sandbox.emulator.surface import Surface

LOG = logging.getLogger(__name__)


class Dispatcher:
    """What the server asks for answers."""

    def __init__(self, journal: Journal, faults: Faults, surface: Surface) -> None:
        self._journal = journal
        self._faults = faults
        self._surface = surface
        # moto keeps AWS in plain dictionaries and iterates over them unguarded. One call at a time costs nothing: the interpreter has
        # one lock as well.
        self._moto = threading.Lock()

    def local(self, head: Head, body: bytes) -> Answer:
        """Answer a plain request to the loopback: the control surface, moto's own, or an AWS call sent to an endpoint URL."""
        path = head.target.partition("?")[0]
        if path.startswith("/sandbox/"):
            return self._surface.answer(head, body)
        host = head.headers.get("host", "127.0.0.1")
        call = incoming(head, "http", host, body)
        if path.startswith("/moto-api"):
            return self._ask_moto(call, "moto_api")
        return self.aws(head, "http", host_of(call.signing_name, call.region), body)

    def aws(self, head: Head, scheme: str, host: str, body: bytes) -> Answer:
        """Answer an AWS API call, and note it."""
        at, begun = time.time(), time.perf_counter()
        call = incoming(head, scheme, host, body)
        backend = service_of(scheme, host)
        if backend is None:
            return error_answer(call, "", 400, "UnknownServiceInSandbox", f"the sandbox's emulator has no service at {host}")
        service, account, action = boto3_name(backend), account_of(call.key), action_of(call) or _routed_action(backend, call)
        answer = self._with_fault(call, backend, self._faults.strike(service, action, account))
        self._journal.add(
            at=at,
            duration_s=time.perf_counter() - begun,
            service=service,
            action=action,
            account=account,
            access_key_id=call.key,
            region=call.region,
            read_only=reads_only(service, action, call.method),
            status=answer.status,
        )
        return answer

    def _with_fault(self, call: Incoming, backend: str, fault: Fault | None) -> Answer:
        if fault is None:
            return self._ask_moto(call, backend)
        error = error_answer(call, backend, fault.status, fault.code, fault.message) if fault.status else None
        if fault.when == "before":
            self._faults.wait(fault)
            return error or self._ask_moto(call, backend)
        answer = self._ask_moto(call, backend)
        self._faults.wait(fault)
        return error or answer

    def _ask_moto(self, call: Incoming, backend: str) -> Answer:
        handler = handler_of(backend, call.path)
        if handler is None:
            return _lacking(call, backend, f"{call.method} {call.path}")
        request = to_moto(call)
        try:
            with self._moto:
                return _answer(handler(request, request.raw_url, request.headers))
        except HTTPException as error:
            return _answer((error.code or 400, dict(error.get_headers()), error.get_body()))
        except NotImplementedError as error:
            return _lacking(call, backend, str(error))
        except Exception:
            # A defect in moto must read as one: a 500 would be retried by the provider for minutes.
            LOG.exception("%s %s of %s failed", call.method, action_of(call) or call.path, backend)
            return error_answer(call, backend, 400, "EmulatorDefect", f"the sandbox's emulator failed at {backend}; its log says where")


def _lacking(call: Incoming, backend: str, what: str) -> Answer:
    LOG.warning("%s lacks %s", backend, what)
    return error_answer(call, backend, 400, "NotInSandbox", f"the sandbox's emulator has no such {backend} call: {what}")


def _routed_action(backend: str, call: Incoming) -> str:
    """Return the operation that method and path of a REST call mean; "" where moto's models do not know."""
    try:
        operation, _ = get_service_router(boto3_name(backend)).match(to_moto(call))
    except (HTTPException, NotImplementedError, ValueError):
        return ""
    return cast("Any", operation).name


def _answer(result: Any) -> Answer:
    """Bring what moto's handlers return into one form: a body alone, or (status, headers, body)."""
    status, headers, body = cast("tuple[Any, Any, Any]", result if isinstance(result, tuple) else (200, {}, result))
    return Answer(int(status), _texts(headers), body.encode() if isinstance(body, str) else bytes(body or b""))


def _texts(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in headers.items()}
