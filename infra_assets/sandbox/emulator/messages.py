"""HTTP/1.1 messages, read and written: just what AWS' SDKs send, and quicker than the standard library's server."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO

LONGEST_LINE = 65_536
MOST_HEADERS = 200
NO_BODY = (204, 304)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class BadMessageError(Exception):
    """What came is not HTTP as this reads it; the connection is closed."""


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body. Header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]

    @property
    def keep_alive(self) -> bool:
        """Whether the client wants to send more over this connection."""
        said = self.headers.get("connection", "") + self.headers.get("proxy-connection", "")
        return "close" not in said.lower()

    @property
    def awaits_continue(self) -> bool:
        """Whether the client holds the body back until it is asked for."""
        return self.headers.get("expect", "").lower() == "100-continue"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. Content-Length and Connection are set when it is written."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def read_head(stream: BinaryIO) -> Head | None:
    """Read a request's first line and headers; None when the client has closed the connection.

    Raises:
        BadMessageError: it is not HTTP, or too long.
    """
    line = stream.readline(LONGEST_LINE)
    if line in (b"\r\n", b"\n"):
        line = stream.readline(LONGEST_LINE)
    if not line:
        return None
    parts = line.decode("latin-1").split()
    if len(parts) != 3:
        raise BadMessageError(f"not a request line: {line[:80]!r}")
    return Head(parts[0], parts[1], _read_headers(stream))


def _read_headers(stream: BinaryIO) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for _ in range(MOST_HEADERS):
        line = stream.readline(LONGEST_LINE)
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise BadMessageError("a header without a colon, or a connection that ended within the headers")
        key = name.strip().lower()
        headers[key] = f"{headers[key]},{value.strip()}" if key in headers else value.strip()
    raise BadMessageError(f"more than {MOST_HEADERS} headers")


def read_body(stream: BinaryIO, head: Head) -> bytes:
    """Read the body that belongs to `head`.

    Raises:
        BadMessageError: it ends before its length.
    """
    if "chunked" in head.headers.get("transfer-encoding", "").lower():
        return _read_chunks(stream)
    return _exactly(stream, int(head.headers.get("content-length") or 0))


def _exactly(stream: BinaryIO, length: int) -> bytes:
    body = stream.read(length) if length else b""
    if len(body) != length:
        raise BadMessageError(f"a body of {len(body)} bytes, {length} were announced")
    return body


def _read_chunks(stream: BinaryIO) -> bytes:
    chunks: list[bytes] = []
    while length := int(stream.readline(LONGEST_LINE).split(b";")[0] or b"0", 16):
        chunks.append(_exactly(stream, length))
        stream.readline(LONGEST_LINE)
    # Trailing headers (checksums) end with an empty line; moto does not look at them.
    while stream.readline(LONGEST_LINE) not in (b"\r\n", b"\n", b""):
        pass
    return b"".join(chunks)


def to_bytes(answer: Answer, method: str, *, keep_alive: bool) -> bytes:
    """Return `answer` as it goes over the wire, in one piece so that it is one packet where it can be."""
    body = b"" if method == "HEAD" or answer.status in NO_BODY else answer.body
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Unknown')}"]
    own = ("content-length", "transfer-encoding", "connection")
    lines += [f"{name}: {value}" for name, value in answer.headers.items() if name.lower() not in own]
    if answer.status not in NO_BODY:
        lines.append(f"Content-Length: {_length(answer, method)}")
    lines.append("Connection: keep-alive" if keep_alive else "Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + body


def _length(answer: Answer, method: str) -> str:
    if method == "HEAD":
        lengths = [value for name, value in answer.headers.items() if name.lower() == "content-length"]
        if lengths:
            return lengths[0]
    return str(len(answer.body))
