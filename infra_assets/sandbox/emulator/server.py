"""One listener that is both: the proxy (CONNECT, then TLS as any AWS host) and the server (plain requests to the loopback)."""

import logging
import socket
import socketserver
import ssl
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlsplit

from infra_assets.sandbox.emulator.authority import Authority
from infra_assets.sandbox.emulator.messages import CONTINUE, Answer, BadMessageError, Head, read_body, read_head, to_bytes

LOG = logging.getLogger(__name__)
# Longer than any SDK keeps an idle connection, so that it is always the client who closes: no request is lost to a closing one.
IDLE_S = 600.0
AWS_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws")


class Application(Protocol):
    """What answers."""

    def aws(self, head: Head, scheme: str, host: str, body: bytes) -> Answer:
        """Answer a request to an AWS host."""
        ...

    def local(self, head: Head, body: bytes) -> Answer:
        """Answer a request to the loopback."""
        ...


class Server(socketserver.ThreadingTCPServer):
    """A thread per connection: connections are few and long-lived, what they carry is bound by the interpreter anyhow."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, address: tuple[str, int], application: Application, authority: Authority) -> None:
        self.application = application
        self.authority = authority
        super().__init__(address, Connection)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # the signature is socketserver's
        """Log a connection that failed. A client that went away is none: killed deployments are everyday here."""
        LOG.exception("connection from %s failed", client_address)


class Connection(socketserver.BaseRequestHandler):
    """Requests over one connection, one after the other."""

    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]  # socketserver's documented way to reach one's own server

    def handle(self) -> None:
        """Answer until the client closes, falls silent or sends something else than HTTP."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request.settimeout(IDLE_S)
        self.connection: socket.socket = self.request
        self.host = ""
        try:
            self._serve()
        except BadMessageError as error:
            LOG.warning("closed a connection: %s", error)
        except (ssl.SSLError, ConnectionError, TimeoutError) as error:
            LOG.debug("a connection ended: %s", error)
        finally:
            self.connection.close()

    def _serve(self) -> None:
        stream: BinaryIO = self.connection.makefile("rb")
        while head := read_head(stream):
            if head.method == "CONNECT":
                if not self._tunnel(head):
                    return
                stream = self.connection.makefile("rb")
                continue
            if head.awaits_continue:
                self.connection.sendall(CONTINUE)
            body = read_body(stream, head)
            self.connection.sendall(to_bytes(self._answer(head, body), head.method, keep_alive=head.keep_alive))
            if not head.keep_alive:
                return

    def _tunnel(self, head: Head) -> bool:
        """Become the host that the client wants to reach; False for one that is not AWS."""
        host = head.target.rsplit(":", 1)[0].lower()
        if not host.endswith(AWS_SUFFIXES):
            refusal = Answer(403, {"Content-Type": "text/plain"}, f"{host} is not an AWS host: the sandbox reaches nothing else\n".encode())
            self.connection.sendall(to_bytes(refusal, head.method, keep_alive=False))
            return False
        context = self.server.authority.context(host)
        self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.host = host
        return True

    def _answer(self, head: Head, body: bytes) -> Answer:
        application = self.server.application
        if self.host:
            return application.aws(head, "https", head.headers.get("host", self.host), body)
        if head.target.startswith("http://"):
            parts = urlsplit(head.target)
            path = head.target[len("http://") + len(parts.netloc) :] or "/"
            return application.aws(Head(head.method, path, head.headers), "http", parts.netloc, body)
        return application.local(head, body)
