"""Smithy's RPC v2 CBOR, translated to and from the JSON protocol that moto speaks."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import cbor2
from moto.core.request import Request
from moto.core.utils import get_service_model

Handler = Callable[[Any, str, Any], Any]
CBOR = "application/cbor"
JSON = "application/x-amz-json-1.0"
PROTOCOL = {"smithy-protocol": "rpc-v2-cbor"}


def cbor_handler(service: str, json_handler: Handler) -> Handler:
    """Return a handler for CBOR requests to `service`, which asks `json_handler` as the same caller."""

    def handle(request: Request, *_: Any) -> Any:
        target, operation = request.path.split("/")[2], request.path.rsplit("/", 1)[-1]
        translated = _to_json(request, f"{target}.{operation}")
        status, answered, body = json_handler(translated, translated.raw_url, translated.headers)
        content = json.loads(body or "{}")
        if int(status) >= 400:
            return status, _headers(answered), cbor2.dumps(_error(content, answered))
        model: Any = get_service_model(service).operation_model(operation)
        return status, _headers(answered), cbor2.dumps(shaped(content, model.output_shape), datetime_as_timestamp=True, timezone=UTC)

    return handle


def _to_json(request: Request, target: str) -> Request:
    fields: Any = cbor2.loads(request.data) if request.data else {}
    body = json.dumps(fields, default=_plain).encode()
    environ = request.environ | {
        "PATH_INFO": "/",
        "RAW_URI": "/",
        "CONTENT_TYPE": JSON,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_X_AMZ_TARGET": target,
        "wsgi.input": BytesIO(body),
    }
    # werkzeug keeps the request that it has made of an environment in it.
    environ.pop("werkzeug.request", None)
    return Request(environ)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"a {type(value).__name__} in a CBOR request")


def _headers(answered: Any) -> dict[str, str]:
    kept = {name: str(value) for name, value in dict(answered).items() if name.lower().startswith("x-amz")}
    return kept | PROTOCOL | {"Content-Type": CBOR}


def _error(content: dict[str, Any], answered: Any) -> dict[str, Any]:
    kind = str(content.get("__type") or dict(answered).get("x-amzn-errortype") or "InternalFailure")
    return {"__type": kind, "message": content.get("message") or content.get("Message") or ""}


def shaped(value: Any, shape: Any) -> Any:
    """Return JSON content as its model types it: JSON has one kind of number and no times, CBOR tells them apart."""
    if value is None or shape is None:
        return value
    if shape.type_name == "structure":
        return {name: shaped(value[name], member) for name, member in shape.members.items() if value.get(name) is not None}
    if shape.type_name == "list":
        return [shaped(item, shape.member) for item in value]
    if shape.type_name == "map":
        return {name: shaped(item, shape.value) for name, item in value.items()}
    if shape.type_name in ("float", "double"):
        return float(value)
    if shape.type_name == "timestamp":
        return _time(value)
    return value


def _time(value: Any) -> datetime:
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    return datetime.fromisoformat(str(value)).astimezone(UTC)
