"""AWS' error answers, in the protocol that the caller speaks."""

import json
from typing import Any
from xml.sax.saxutils import escape

import cbor2
from botocore.exceptions import UnknownServiceError  # pyright: ignore[reportMissingTypeStubs]
from moto.core.utils import get_service_model

from infra_assets.sandbox.emulator.incoming import Incoming
from infra_assets.sandbox.emulator.messages import Answer
from infra_assets.sandbox.emulator.routes import boto3_name

REQUEST_ID = "00000000-0000-0000-0000-000000000000"
CBOR = "application/cbor"


def error_answer(call: Incoming, service: str, status: int, code: str, message: str) -> Answer:
    """Return an error as the SDK at the other end reads it: CBOR, JSON, EC2's XML or the others' XML."""
    if call.headers.get("smithy-protocol") == "rpc-v2-cbor":
        body = cbor2.dumps({"__type": code, "message": message})
        return Answer(status, {"Content-Type": CBOR, "smithy-protocol": "rpc-v2-cbor"}, body)
    kind = call.headers.get("content-type", "")
    if "x-amz-target" in call.headers or "json" in kind or _speaks_json(service):
        fields = {"__type": code, "message": message}
        return Answer(status, {"Content-Type": kind or "application/x-amz-json-1.1", "x-amzn-errortype": code}, json.dumps(fields).encode())
    return Answer(status, {"Content-Type": "text/xml"}, _xml(service, code, message).encode())


def _speaks_json(service: str) -> bool:
    """Return whether a service's REST calls are answered in JSON; a GET does not say it itself."""
    try:
        model: Any = get_service_model(boto3_name(service))
    except UnknownServiceError:
        return False
    return model.protocol == "rest-json"


def _xml(service: str, code: str, message: str) -> str:
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "ec2":
        return f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
    if service == "s3":
        return f"<Error>{inner}<RequestId>{REQUEST_ID}</RequestId></Error>"
    return f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
