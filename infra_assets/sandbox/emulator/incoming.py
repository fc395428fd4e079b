"""An AWS request as it came, and what can be said of it before it is answered: whose, which service, which action."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes

from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, Request, environ_key_for_header, should_preserve_original_header_name

from infra_assets.sandbox.emulator.messages import Head

CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/(?P<day>\d+)/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
RPC_PATH = re.compile(r"^/service/[^/]+/operation/(\w+)$")
# What AWS' service authorization reference lists as access levels Read and List begins so.
READING = (
    "Describe", "Get", "List", "Head", "BatchGet", "BatchDescribe", "Search", "Lookup", "Query", "Scan", "Select", "Simulate",
    "Validate", "Test", "Check", "Filter", "View", "Estimate", "Preview", "AssumeRole", "Decode",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request to an AWS host. `target` is path and query, still encoded; `key` is the caller's access key id, "" when unsigned."""

    method: str
    scheme: str
    host: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    key: str
    region: str
    signing_name: str

    @property
    def path(self) -> str:
        """The target without its query, still encoded."""
        return self.target.partition("?")[0]

    @property
    def form(self) -> bool:
        """Whether the body is an HTML form: AWS' query protocols."""
        return self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


def incoming(head: Head, scheme: str, host: str, body: bytes) -> Incoming:
    """Return the request with what its signature says of the caller (the signature itself is not checked)."""
    said = CREDENTIAL.search(head.headers.get("authorization", ""))
    key, region, service = (said["key"], said["region"], said["service"]) if said else ("", "us-east-1", "")
    return Incoming(head.method, scheme, host, head.target, head.headers, body, key, region, service)


def to_moto(call: Incoming) -> Request:
    """Return the request as moto takes it. Built by hand: werkzeug's builder takes longer than many an answer."""
    path, _, query = call.target.partition("?")
    name, _, port = call.host.partition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": call.method,
        "SCRIPT_NAME": "",
        # PEP 3333: the decoded path's bytes, as latin-1.
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": call.target,
        "REQUEST_URI": call.target,
        "SERVER_NAME": name,
        "SERVER_PORT": port or ("443" if call.scheme == "https" else "80"),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": call.scheme,
        "wsgi.input": BytesIO(call.body),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ |= {environ_key_for_header(key): value for key, value in call.headers.items() if key != "transfer-encoding"}
    environ |= {"HTTP_HOST": call.host, "CONTENT_LENGTH": str(len(call.body))}
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {
        environ_key_for_header(key): key for key in call.headers if should_preserve_original_header_name(key)
    }
    return Request(environ)


def action_of(call: Incoming) -> str:
    """Return the API action that the request names: header, path or form; "" for a REST protocol, where only method and path say it."""
    target = call.headers.get("x-amz-target")
    if target:
        return target.rsplit(".", 1)[-1]
    rpc = RPC_PATH.match(call.path)
    if rpc:
        return rpc[1]
    text = call.body.decode("latin-1") if call.form else call.target.partition("?")[2]
    return parse_qs(text[: _end_of_action(text)]).get("Action", [""])[0]


def _end_of_action(text: str) -> int:
    """Forms can be long, and the action stands at their start with all SDKs but Python's own order: look no further than it ends."""
    at = text.find("Action=")
    end = text.find("&", at) if at >= 0 else 0
    return end if end >= 0 else len(text)


def reads_only(service: str, action: str, method: str) -> bool:
    """Return whether an action changes nothing in AWS, by its name; for an action without a name by the HTTP method."""
    if service == "sts":
        return True
    return action.startswith(READING) if action else method in ("GET", "HEAD")
