"""Pushing a file by tus 1.0.0: resumable after a cut, a restart of the server, or of this process.

The file goes in requests of 64 MB, each streamed from disk. After a lost connection the server is
asked where it stands (HEAD) and the push goes on from there, with growing pauses; it gives up
after some tries in a row that brought no byte. The file is hashed while it is sent, and a push has
succeeded when the server has found the same sha256.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import httpx

from interfaces.cli.interrupted_pushes import InterruptedPushes, PushKey

REQUEST_BYTES = 64 << 20
BLOCK_BYTES = 1 << 20
MOST_TRIES = 10
LONGEST_PAUSE = 10.0

_RETRYABLE = {408, 409, 423, 425, 500, 502, 503, 504}
_GONE = {403, 404, 410}

Progress = Callable[[int, int], None]
"""Called with the bytes sent so far and the size of the file."""


class PushRefused(Exception):
    """The server said no: its code, message and field, and the HTTP status."""

    def __init__(self, status: int, code: str, message: str, field: str | None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field


class PushLost(Exception):
    """The server could not be reached any more. Pushing again goes on where this one stopped."""


class FileChanged(Exception):
    """The file was written to while it was pushed, or its bytes were damaged on the way."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A finished upload; `resumed_at` is the byte at which an earlier push had stopped."""

    upload_id: UUID
    sha256: str
    bytes: int
    resumed_at: int


def push(
    base_url: str,
    token: str,
    path: Path,
    purpose: str,
    *,
    state_folder: Path,
    progress: Progress = lambda sent, size: None,
    request_bytes: int = REQUEST_BYTES,
    most_tries: int = MOST_TRIES,
    transport: httpx.BaseTransport | None = None,
) -> Pushed:
    """Uploads the file and gives its upload id. Raises PushRefused, PushLost and FileChanged.

    `state_folder` keeps the address of an unfinished push, by server, path, size and time.
    """
    base_url = base_url.rstrip("/")
    headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    # Finishing a large upload in S3 copies it once: the last answer may take minutes.
    timeout = httpx.Timeout(30, read=600)
    with httpx.Client(headers=headers, timeout=timeout, transport=transport) as client:
        key = PushKey.of(base_url, path, purpose)
        pushes = InterruptedPushes(state_folder)
        return _Push(client, path, key, pushes, progress, request_bytes, most_tries).run()


class _Push:
    def __init__(
        self,
        client: httpx.Client,
        path: Path,
        key: PushKey,
        pushes: InterruptedPushes,
        progress: Progress,
        request_bytes: int,
        most_tries: int,
    ) -> None:
        self._client, self._path, self._key, self._pushes = client, path, key, pushes
        self._progress, self._request_bytes = progress, request_bytes
        self._most_tries = most_tries
        self._tried = 0

    def run(self) -> Pushed:
        with ThreadPoolExecutor(1) as beside:
            return self._run(beside.submit(_sha256_of, self._path))

    def _run(self, sha256: "Future[str]") -> Pushed:
        url, offset = self._resume() or (self._create(), 0)
        resumed_at = offset
        self._progress(offset, self._key.size)
        found = ""
        while offset < self._key.size or not found:
            offset, found = self._advance(url, offset)
            self._progress(offset, self._key.size)
        self._pushes.forget(self._key)
        if found != sha256.result():
            raise FileChanged(
                f"The server received other bytes than {self._path} has now. Push it again."
            )
        return Pushed(UUID(url.rsplit("/", 1)[-1]), found, self._key.size, resumed_at)

    def _resume(self) -> tuple[str, int] | None:
        """Where an earlier push of the same file stands, if the server still knows it."""
        url = self._pushes.find(self._key)
        if url is None:
            return None
        response = self._asked(lambda: self._client.head(url))
        if response.status_code in _GONE:
            self._pushes.forget(self._key)
            return None
        self._check(response)
        return url, int(response.headers["Upload-Offset"])

    def _create(self) -> str:
        metadata = {"filename": self._path.name, "purpose": self._key.purpose}
        pairs = (
            f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in metadata.items()
        )
        headers = {"Upload-Length": str(self._key.size), "Upload-Metadata": ",".join(pairs)}
        address = f"{self._key.server}/uploads"
        response = self._asked(lambda: self._client.post(address, headers=headers))
        self._check(response)
        url = urljoin(address, response.headers["Location"])
        if urlsplit(url).netloc != urlsplit(address).netloc:
            # The token belongs to one server; no answer may send it to another.
            raise PushLost("The server gave an upload address on another host.")
        self._pushes.remember(self._key, url)
        return url

    def _advance(self, url: str, offset: int) -> tuple[int, str]:
        """One request more: the new offset, and the sha256 when that was all."""
        try:
            if offset < self._key.size:
                response = self._patch(url, offset)
            else:
                response = self._client.head(url)
        except httpx.TransportError as error:
            return self._after_failure(url, offset, str(error))
        if response.status_code in _RETRYABLE:
            return self._after_failure(url, offset, _refusal(response).message)
        self._check_and_forget(response)
        self._tried = 0
        reached = int(response.headers["Upload-Offset"])
        found = response.headers.get("Upload-Sha256", "")
        if reached == self._key.size and not found:
            self._pause("the server is still finishing the upload")
        return reached, found

    def _after_failure(self, url: str, offset: int, reason: str) -> tuple[int, str]:
        self._pause(reason)
        response = self._asked(lambda: self._client.head(url))
        self._check_and_forget(response)
        reached = int(response.headers["Upload-Offset"])
        if reached > offset:
            self._tried = 0
        return reached, response.headers.get("Upload-Sha256", "")

    def _patch(self, url: str, offset: int) -> httpx.Response:
        if PushKey.of(self._key.server, self._path, self._key.purpose) != self._key:
            self._pushes.forget(self._key)
            raise FileChanged(f"{self._path} changed while it was pushed. Push it again.")
        size = min(self._request_bytes, self._key.size - offset)
        headers = {
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(size),
            "Upload-Offset": str(offset),
        }
        return self._client.patch(url, headers=headers, content=self._blocks(offset, size))

    def _blocks(self, offset: int, size: int) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(offset)
            end = offset + size
            while offset < end:
                block = file.read(min(BLOCK_BYTES, end - offset))
                if not block:
                    raise FileChanged(f"{self._path} became shorter while it was pushed.")
                offset += len(block)
                yield block
                self._progress(offset, self._key.size)

    def _asked(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer to a small request, asked again while the server is away."""
        while True:
            try:
                response = ask()
            except httpx.TransportError as error:
                self._pause(str(error))
                continue
            if response.status_code not in _RETRYABLE:
                return response
            self._pause(_refusal(response).message)

    def _pause(self, reason: str) -> None:
        self._tried += 1
        if self._tried >= self._most_tries:
            raise PushLost(
                f"Gave up after {self._tried} tries: {reason}. Push again to go on from here."
            )
        time.sleep(min(0.1 * 2**self._tried, LONGEST_PAUSE))

    def _check_and_forget(self, response: httpx.Response) -> None:
        if response.status_code in _GONE or response.status_code == 460:
            self._pushes.forget(self._key)
        self._check(response)

    def _check(self, response: httpx.Response) -> None:
        if not response.is_success:
            raise _refusal(response)


def _refusal(response: httpx.Response) -> PushRefused:
    status = response.status_code
    try:
        error: dict[str, Any] = response.json()["error"]
        return PushRefused(status, error["code"], error["message"], error.get("field"))
    except (ValueError, KeyError, TypeError):
        # HEAD has no body, and a proxy between may answer in its own words.
        return PushRefused(status, f"HTTP_{status}", f"The server answered {status}.", None)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
