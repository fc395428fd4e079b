"""The client's side of the control surface under /sandbox/ : health, the call log, faults."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from infra_assets.errors import NotRunningError
from infra_assets.sandbox.emulator.records import Call, Emulator, Fault

TIMEOUT_S = 5.0


def health(emulator: Emulator) -> Mapping[str, Any]:
    """Return what the emulator says of itself: generation, started (epoch s), version, uptime_s.

    Raises:
        NotRunningError: it does not answer.
    """
    return _ask(emulator, "GET", "/sandbox/health")


def healthy(emulator: Emulator) -> bool:
    """Return whether this very emulator, and not a later one on the same port, answers."""
    try:
        return health(emulator).get("generation") == emulator.generation
    except NotRunningError:
        return False


def calls(emulator: Emulator, since: int = 0) -> Sequence[Call]:
    """Return the AWS calls that were answered after call number `since`, oldest first. The oldest of very many are forgotten.

    Raises:
        NotRunningError: the emulator does not answer.
    """
    return [Call(**call) for call in _ask(emulator, "GET", f"/sandbox/calls?since={since}")["calls"]]


def add_faults(emulator: Emulator, faults: Sequence[Fault]) -> None:
    """Make calls slow or fail, from now on. See `Fault`.

    Raises:
        NotRunningError: the emulator does not answer.
    """
    _ask(emulator, "POST", "/sandbox/faults", [asdict(fault) for fault in faults])


def list_faults(emulator: Emulator) -> Sequence[Mapping[str, Any]]:
    """Return the faults that are set, each with how often it has struck (`struck`).

    Raises:
        NotRunningError: the emulator does not answer.
    """
    return _ask(emulator, "GET", "/sandbox/faults")["faults"]


def clear_faults(emulator: Emulator) -> None:
    """Remove all faults; calls that are being delayed go on at once.

    Raises:
        NotRunningError: the emulator does not answer.
    """
    _ask(emulator, "DELETE", "/sandbox/faults")


def reachable_by_proxy(emulator: Emulator) -> bool:
    """Return whether AWS answers through the proxy to one who trusts the bundle alone."""
    import ssl
    from http.client import HTTPException, HTTPSConnection

    proxy = urlsplit(emulator.proxy_url)
    trust = ssl.create_default_context(cafile=str(emulator.ca_bundle))
    connection = HTTPSConnection(str(proxy.hostname), proxy.port, timeout=TIMEOUT_S, context=trust)
    try:
        connection.set_tunnel("sts.amazonaws.com", 443)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", form)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _ask(emulator: Emulator, method: str, path: str, body: object = None) -> Any:
    # http.client and not httpx: every command asks for health, and httpx alone takes longer to import than all of the rest here.
    from http.client import HTTPConnection, HTTPException

    address = urlsplit(emulator.server_url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
    except (OSError, HTTPException) as error:
        raise NotRunningError(f"the AWS emulator at {emulator.server_url} does not answer: {error}", remedy="infra sandbox up") from None
    finally:
        connection.close()
    if response.status != 200:
        raise NotRunningError(f"the AWS emulator answers {response.status} to {method} {path}: {text.decode(errors='replace')}")
    return json.loads(text)
