"""Downloads from servers that cut, crawl, and send something else than they said."""

import hashlib
import random
import resource
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.link.download import Cut, NotFetched, Pace, Wanted, fetch
from edge.protocol.updates import Problem

CONTENT = random.Random(1).randbytes(200_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()

Answer = Callable[[int | None], bytes]
"""What is sent for a range from that byte (None: for all), head and body; then it hangs up."""


class Server:
    """Answers as it is told to."""

    def __init__(self) -> None:
        self.answer: Answer = honest
        self.asked: list[int | None] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/file"

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as source:
                begin = None
                while (line := source.readline().strip()) != b"":
                    name, _, value = line.partition(b": ")
                    if name.lower() == b"range":
                        begin = int(value.removeprefix(b"bytes=").removesuffix(b"-"))
                self.asked.append(begin)
                try:
                    connection.sendall(self.answer(begin))
                except OSError:
                    pass  # the device has heard enough


def head(begin: int | None, size: int = len(CONTENT), length: bool = True) -> bytes:
    at = begin or 0
    lines = ["HTTP/1.1 200 OK" if begin is None else "HTTP/1.1 206 Partial Content"]
    if length:
        lines.append(f"Content-Length: {size - at}")
    if begin is not None:
        lines.append(f"Content-Range: bytes {at}-{size - 1}/{size}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode()


def honest(begin: int | None) -> bytes:
    return head(begin) + CONTENT[begin or 0 :]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    return Wanted(SHA256, len(CONTENT), tmp_path / "incoming" / SHA256)


def fetched(server: Server, wanted: Wanted, pace: Pace | None = None) -> int:
    return fetch(wanted, server.url, ssl.create_default_context, dict, pace or Pace())


def refused(server: Server, wanted: Wanted) -> Problem:
    with pytest.raises(NotFetched) as error:
        fetched(server, wanted)
    assert not wanted.target.exists()
    assert not wanted.part.exists()
    return error.value.problem


def test_a_file_is_fetched_once(server: Server, wanted: Wanted) -> None:
    assert fetched(server, wanted) == len(CONTENT)
    assert wanted.target.read_bytes() == CONTENT
    assert fetched(server, wanted) == 0
    assert server.asked == [None]


def test_a_download_that_is_cut_at_every_tenth_of_it_goes_on_each_time(
    server: Server, wanted: Wanted
) -> None:
    tenth = len(CONTENT) // 10
    server.answer = lambda begin: head(begin) + CONTENT[begin or 0 : (begin or 0) + tenth]
    came = 0
    for number in range(1, 10):
        with pytest.raises(Cut):
            fetched(server, wanted)
        came = wanted.part.stat().st_size
        assert came == number * tenth
    fetched(server, wanted)
    assert wanted.target.read_bytes() == CONTENT
    assert server.asked == [None, *(number * tenth for number in range(1, 10))]


def test_more_than_was_said_is_thrown_away(server: Server, wanted: Wanted) -> None:
    server.answer = lambda begin: head(begin, length=False) + CONTENT + b"more"
    assert refused(server, wanted) is Problem.WRONG_SIZE


@pytest.mark.parametrize("size", [len(CONTENT) + 1, len(CONTENT) - 1])
def test_another_size_is_refused_before_it_comes(server: Server, wanted: Wanted, size: int) -> None:
    server.answer = lambda begin: head(begin, size)
    assert refused(server, wanted) is Problem.WRONG_SIZE


def test_another_file_is_thrown_away(server: Server, wanted: Wanted) -> None:
    server.answer = lambda begin: head(begin) + bytes(reversed(CONTENT))
    assert refused(server, wanted) is Problem.WRONG_HASH


def test_another_range_than_was_asked_for_is_refused(server: Server, wanted: Wanted) -> None:
    server.answer = lambda begin: (head(begin) + CONTENT)[:50_000]
    with pytest.raises(Cut):
        fetched(server, wanted)
    server.answer = lambda _: head(7) + CONTENT[7:]
    assert refused(server, wanted) is Problem.WRONG_SIZE


def test_what_was_kept_and_does_not_fit_the_rest_begins_anew(
    server: Server, wanted: Wanted
) -> None:
    """As after a power cut that lost what was written last."""
    wanted.part.parent.mkdir()
    wanted.part.write_bytes(b"\0" * 50_000)
    with pytest.raises(Cut, match="anew"):
        fetched(server, wanted)
    fetched(server, wanted)
    assert wanted.target.read_bytes() == CONTENT


def test_a_server_without_ranges_is_read_from_the_beginning(server: Server, wanted: Wanted) -> None:
    wanted.part.parent.mkdir()
    wanted.part.write_bytes(CONTENT[:70_000])
    server.answer = lambda _: honest(None)
    fetched(server, wanted)
    assert wanted.target.read_bytes() == CONTENT


def test_one_that_comes_slower_and_slower_is_cut_and_goes_on(
    server: Server, wanted: Wanted
) -> None:
    """The clock of the device stands for the waiting: each piece takes longer."""
    moment, step = 0.0, 1.0

    def clock() -> float:
        nonlocal moment, step
        moment, step = moment + step, step * 2
        return moment

    with pytest.raises(Cut, match="too slowly"):
        fetched(server, wanted, Pace(clock=clock))
    kept = wanted.part.stat().st_size
    assert kept > 0
    fetched(server, wanted)
    assert server.asked == [None, kept]
    assert wanted.target.read_bytes() == CONTENT


def test_a_download_keeps_within_its_bandwidth(server: Server, wanted: Wanted) -> None:
    """Time passes only while it sleeps."""
    moment = 0.0

    def sleep(seconds: float) -> None:
        nonlocal moment
        moment += seconds

    fetched(server, wanted, Pace(lambda: 50_000, clock=lambda: moment, sleep=sleep))
    assert len(CONTENT) / moment <= 50_000


def test_one_that_is_not_wanted_any_more_is_cut(server: Server, wanted: Wanted) -> None:
    with pytest.raises(Cut, match="not wanted"):
        fetched(server, wanted, Pace(go_on=lambda: False))


def test_a_full_disk_is_told_by_name(server: Server, wanted: Wanted) -> None:
    """The file may not grow: what a full disk looks like to a program."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(NotFetched) as error:
            fetched(server, wanted)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.value.problem is Problem.DISK_FULL
    fetched(server, wanted)
    assert wanted.target.read_bytes() == CONTENT


def test_a_file_that_is_not_published_is_told_by_name(server: Server, wanted: Wanted) -> None:
    server.answer = lambda _: b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    assert refused(server, wanted) is Problem.UNKNOWN_TARGET
