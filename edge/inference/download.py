"""Fetches an artifact: a signed call, going on where it was cut, and nothing kept that is not what
its sha256 says."""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from edge.home import reason, sync_folder
from edge.inference.wish import Wish
from edge.link.https import Answer, Contexts, Unreachable, pieces

Headers = Callable[[], Mapping[str, str]]
"""The Authorization of a call that is signed just now."""


class Cut(RuntimeError):
    """Not all of it came; it goes on from there at the next try."""


class NotFetched(RuntimeError):
    """It will not come by trying at once again; the message says why."""


def fetch(
    wish: Wish,
    url: str,
    folder: Path,
    contexts: Contexts,
    headers: Headers,
    go_on: Callable[[], bool] = lambda: True,
) -> Path:
    """The file, whole and checked. Raises Cut, NotFetched. `go_on` is asked between two pieces."""
    target = folder / wish.file_name
    if target.exists() and target.stat().st_size == wish.bytes and _sha256(target) == wish.sha256:
        return target
    part = folder / f"{wish.sha256}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not part.exists() or part.stat().st_size < wish.bytes:
            _receive(wish, url, part, contexts, headers, go_on)
        if part.stat().st_size < wish.bytes:
            raise Cut(f"{part.stat().st_size:,} of {wish.bytes:,} bytes came")
        if part.stat().st_size != wish.bytes or _sha256(part) != wish.sha256:
            part.unlink()
            raise NotFetched("what was sent is not what its sha256 says; it was thrown away")
        os.replace(part, target)
        sync_folder(folder)
    except OSError as error:
        raise NotFetched(f"the model cannot be kept: {reason(error)}") from None
    return target


def _receive(
    wish: Wish,
    url: str,
    part: Path,
    contexts: Contexts,
    headers: Headers,
    go_on: Callable[[], bool],
) -> None:
    have = part.stat().st_size if part.exists() else 0
    asked = dict(headers()) | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with part.open("ab") as file:
            for piece in pieces(url, contexts, asked):
                if isinstance(piece, Answer):
                    if _accepted(piece) == 200 and have:
                        file.truncate(0)
                    continue
                file.write(piece)
                if file.tell() > wish.bytes:
                    raise NotFetched("more was sent than the artifact has")
                if not go_on():
                    raise Cut("another model is wanted by now")
            file.flush()
            os.fsync(file.fileno())
    except Unreachable as error:
        raise Cut(str(error)) from None
    except NotFetched:
        part.unlink(missing_ok=True)
        raise


def _accepted(answer: Answer) -> int:
    if answer.status in (200, 206):
        return answer.status
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise Cut(f"the platform answered {answer.status}: {answer.said}")
    raise NotFetched(f"the platform refused: {answer.said}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_others(folder: Path, kept: set[str]) -> None:
    """All files of models but these."""
    for file in folder.glob("*"):
        if file.is_file() and file.name not in kept:
            file.unlink(missing_ok=True)
