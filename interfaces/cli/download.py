"""Downloading one file by its signed URL: resumed by Range, checked by sha256, then moved in place.

Until it is whole and right it is called `NAME.part`; a file under its own name is always good.
"""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from interfaces.cli import show
from interfaces.cli.client import Client, away, unreadable
from interfaces.cli.refused import CommandRefused, ServerAway
from interfaces.cli.session import Session

MOST_TRIES = 6
LONGEST_PAUSE = 5.0

Progress = Callable[[int], None]


def download_file(session: Session, file: dict[str, Any], path: Path) -> Path:
    """Downloads with a bar, none with --json. Raises CommandRefused."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if session.json:
            return fetch(session.client, file, path, lambda held: None)
        with show.progress(transfer=True) as bars:
            task = bars.add_task(show.text(path.name), total=file["bytes"])
            return fetch(session.client, file, path, lambda n: bars.update(task, completed=n))
    except OSError as error:
        raise unreadable(path, error) from error


def fetch(client: Client, file: dict[str, Any], path: Path, progress: Progress) -> Path:
    """`file` has `downloadUrl`, `sha256` and `bytes`."""
    part = path.with_name(f"{path.name}.part")
    url = urljoin(f"{client.server.url}/", file["downloadUrl"])
    tried = 0
    while _held(part) < file["bytes"]:
        before = _held(part)
        try:
            _advance(client, url, file, part, progress)
        except ServerAway:
            tried = 0 if _held(part) > before else tried + 1
            if tried >= MOST_TRIES:
                raise
            time.sleep(min(0.1 * 2**tried, LONGEST_PAUSE))
    if _sha256(part) != file["sha256"]:
        part.unlink()
        raise CommandRefused(
            "CHECKSUM", f"{path.name} did not arrive as it was sent. Download it again."
        )
    os.replace(part, path)
    return path


def _advance(
    client: Client, url: str, file: dict[str, Any], part: Path, progress: Progress
) -> None:
    """One request: all that is still missing. Raises ServerAway when it breaks off."""
    import httpx

    held = _held(part)
    # If-Range: should the bytes behind the address be others by now, they come whole.
    headers = {"Range": f"bytes={held}-", "If-Range": f'"{file["sha256"]}"'} if held else {}
    try:
        with client.http.stream("GET", url, headers=headers) as response:
            _check(response.status_code, file)
            mode = "ab" if response.status_code == 206 else "wb"
            with part.open(mode) as target:
                # As it comes: what is gathered to larger blocks is lost at a cut.
                for block in response.iter_raw():
                    target.write(block)
                    progress(target.tell())
    except httpx.TransportError as error:
        raise away(client.server.url, error) from error
    if _held(part) > file["bytes"]:
        part.unlink()


def _check(status: int, file: dict[str, Any]) -> None:
    if status in (200, 206):
        return
    if status >= 500:
        raise ServerAway(f"The server answered {status} for {file['path']}.")
    raise CommandRefused(
        f"HTTP_{status}", f"The server answered {status} for {file['path']}. Ask for it again."
    )


def _held(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
