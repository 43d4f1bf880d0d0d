"""A caller who speaks tus by hand, down to the socket."""

import base64
import socket
from collections.abc import Iterator
from uuid import uuid4

import httpx

from tests.patience import PATIENCE
from tests.upload_services import Server

CHUNK = "application/offset+octet-stream"
MB = 1 << 20


class Caller:
    """A caller of a new tenant who speaks tus by hand."""

    def __init__(self, server: Server, role: str = "OPERATOR") -> None:
        self.server, self.tenant = server, uuid4()
        self.token = f"{role}@{self.tenant}"
        self.headers = {"Authorization": f"Bearer {self.token}", "Tus-Resumable": "1.0.0"}
        self.client = httpx.Client(base_url=server.url, headers=self.headers, timeout=PATIENCE)

    def create(self, length: int | str, **metadata: str) -> httpx.Response:
        metadata = {"filename": "model.onnx", "purpose": "MODEL", **metadata}
        return self.client.post(
            "/uploads",
            headers={"Upload-Length": str(length), "Upload-Metadata": encoded(metadata)},
        )

    def created(self, length: int, **metadata: str) -> str:
        answer = self.create(length, **metadata)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["Location"])

    def patch(
        self, url: str, offset: int, content: bytes | Iterator[bytes], **headers: str
    ) -> httpx.Response:
        sent = {"Content-Type": CHUNK, "Upload-Offset": str(offset), **headers}
        return self.client.patch(url, headers=sent, content=content)

    def offset(self, url: str) -> int:
        return int(self.client.head(url).headers["Upload-Offset"])

    def open_patch(self, url: str, offset: int, length: int) -> socket.socket:
        """A PATCH whose body is still to be sent."""
        connection = socket.create_connection(("127.0.0.1", self.server.port))
        lines = [f"PATCH {url} HTTP/1.1", "Host: x", f"Content-Type: {CHUNK}"]
        lines += [f"Content-Length: {length}", f"Upload-Offset: {offset}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return connection


def encoded(metadata: dict[str, str]) -> str:
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in metadata.items()
    )


def error(answer: httpx.Response) -> tuple[int, str, str | None]:
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    body = answer.json()["error"]
    assert body["message"]
    return answer.status_code, body["code"], body["field"]
