"""The platform's side of HTTP: joins, renewals, artifacts with ranges, and uploads of logs."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cryptography import x509

from edge.protocol.calls import called, root_statement
from edge.protocol.signed import NotSigned, key_id
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from tests.edge.platform.platform import TestPlatform


class OverHttp:
    """`cut_after`: bytes after which the connection of an artifact or target is cut, once for each
    number."""

    def __init__(self, platform: "TestPlatform") -> None:
        self.platform = platform
        self.artifacts: dict[UUID, bytes] = {}
        self.uploads: list[bytes] = []
        self.ranges: list[str | None] = []
        self.cut_after: list[int] = []
        self.lose_join_answers = 0
        self.answers_uploads = threading.Event()
        self.answers_uploads.set()
        self._calls: set[str] = set()
        handler = type("Handler", (_Handler,), {"side": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def called(self, method: str, path: str, header: str | None) -> bool:
        """Whether a device made this call, now, and for the first time."""
        try:
            call, key = called(header or "")
        except NotSigned:
            return False
        device = self.platform.device
        leaf = x509.load_pem_x509_certificate(device.certificate.encode())
        if key_id(key) != key_id(leaf.public_key()):  # type: ignore[arg-type]
            return False
        fresh = abs(call.time - self.platform.now()) < 300 and call.id not in self._calls
        self._calls.add(call.id)
        named = (call.method, call.path, call.address) == (method, path, device.address)
        return fresh and named and int(call.serial, 16) == leaf.serial_number


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    side: OverHttp

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self._body())
        if self.path == "/devices/join":
            status, answer = self.side.platform.join(body["code"], body["csr"], body["facts"])
            if status == 200 and self.side.lose_join_answers:
                self.side.lose_join_answers -= 1
                self.close_connection = True
                return
            self._answer(status, answer)
        elif self.path == "/devices/certificate" and self._allowed():
            certificate = self.side.platform.renew(body["csr"])
            self._answer(200, {"certificate": certificate})
        else:
            self._answer(403, {"error": {"code": "FORBIDDEN", "message": "Not a device."}})

    def do_PUT(self) -> None:
        self.side.uploads.append(self._body())
        self.side.answers_uploads.wait(PATIENCE)
        self._answer(200 if self._allowed() else 403, {})

    def do_GET(self) -> None:
        content = self._asked()
        if not self._allowed():
            self._answer(403, {"error": {"code": "FORBIDDEN", "message": "Not a device."}})
        elif content is None:
            self._answer(404, {"error": {"code": "NOT_FOUND", "message": "There is none."}})
        else:
            self._send(content)

    def _asked(self) -> bytes | None:
        *_, kind, name = self.path.split("/")
        platform = self.side.platform
        match kind:
            case "artifacts":
                return self.side.artifacts.get(UUID(name))
            case "targets":
                return platform.releases.contents.get(name)
            case "tuf":
                return platform.releases.metadata(name)
            case "devices" if name == "trusted-root":
                root = platform.releases.repositories.root(platform.releases.tenant)
                statement = root_statement(platform.device.address, root, platform.key)
                return json.dumps(statement).encode()
        return None

    def _allowed(self) -> bool:
        return self.side.called(self.command, self.path, self.headers.get("Authorization"))

    def _send(self, content: bytes) -> None:
        asked = self.headers.get("Range")
        if "/tuf/" not in self.path and "trusted-root" not in self.path:
            self.side.ranges.append(asked)
        begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        cuts = self.side.cut_after if "/tuf/" not in self.path else []
        cut = cuts.pop(0) if cuts else None
        self.wfile.write(content[begin:] if cut is None else content[begin : begin + cut])
        self.close_connection = cut is not None

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
