"""The updates of one device without its link: the machine, its record, slots, downloads by HTTP and
TUF's word are the agent's own; offers come from a list, and windows and probation end at once.
"""

import hashlib
import json
import random
import ssl
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID, uuid4

from application.ports.trusted_targets import Target, TrustRole
from edge.link.download import Cut, Pace, Wanted, fetch
from edge.link.https import Unreachable
from edge.protocol.topics import Address
from edge.protocol.updates import (
    Action,
    Offer,
    OfferedComponent,
    OfferedDelta,
    OfferedFile,
    Problem,
    target_path,
)
from edge.update import events as e
from edge.update.carrying import Carrier, Limits
from edge.update.machine import step
from edge.update.record import Record, RecordFile
from edge.update.slots import Slots
from edge.update.targets import Word
from edge.update.trust import NotServed, Trust
from infrastructure.tuf.repositories import memory_repositories

TENANT, DEVICE = UUID(int=1), UUID(int=2)
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Published:
    """What a platform has published: bytes by sha256, TUF's metadata by name, releases by id."""

    contents: Mapping[str, bytes]
    metadata: Mapping[str, bytes]
    root: bytes
    releases: Mapping[str, tuple[OfferedFile, ...]]


def published(releases: int, files: int, size: int) -> Published:
    """Each release has these files of `size` random bytes; the first of several all share."""
    repositories = memory_repositories(lambda: NOW)
    shared, contents, made = random.randbytes(size), dict[str, bytes](), {}
    for number in range(releases):
        own = [random.randbytes(size) for _ in range(files)]
        if files > 1:
            own[0] = shared
        offered = []
        for place, content in enumerate(own):
            sha256 = hashlib.sha256(content).hexdigest()
            contents[sha256] = content
            path = f"folder/{place}.bin"
            offered.append(OfferedFile("files", path, target_path(sha256), sha256, size))
        made[hashlib.sha256(b"release %d" % number).hexdigest()] = tuple(offered)
    targets = [Target.of(sha256, len(content)) for sha256, content in contents.items()]
    repositories.publish(TENANT, targets)
    metadata = {}
    for role in (TrustRole.TIMESTAMP, TrustRole.SNAPSHOT, TrustRole.TARGETS):
        content = repositories.metadata(TENANT, role, None) or b""
        version = json.loads(content)["signed"]["version"]
        name = f"{role}.json" if role is TrustRole.TIMESTAMP else f"{version}.{role}.json"
        metadata[name] = content
    return Published(contents, metadata, repositories.root(TENANT), made)


class Serving(ThreadingHTTPServer):
    """The contents by sha256, with ranges."""

    daemon_threads = True

    def __init__(self, what: Published) -> None:
        self.contents = what.contents
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A device that is cut off in the middle is what this is about."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Serving

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        content = self.server.contents[self.path[1:]]
        asked = self.headers.get("Range")
        begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        try:
            self.wfile.write(content[begin:])
        except OSError:
            pass  # the device was cut off


class Mirror:
    """`edge.update.targets.Targets` from such a server."""

    def __init__(self, folder: Path, what: Published, url: str) -> None:
        self._folder, self._what, self._url = folder, what, url

    def word(self) -> Word:
        trust = Trust(self._folder, self._metadata, lambda: NOW.timestamp())
        if not trust.rooted:
            trust.install_root(self._what.root)
        return trust

    def _metadata(self, name: str, most: int) -> bytes:
        if name not in self._what.metadata:
            raise NotServed(name)
        return self._what.metadata[name][: most + 1]

    def fetch(self, file: OfferedFile | OfferedDelta, target: Path, pace: Pace) -> int:
        wanted = Wanted(file.sha256, file.bytes, target)
        url = f"{self._url}/{file.sha256}"
        return fetch(wanted, url, ssl.create_default_context, dict, pace)


class UpdatingDevice:
    """`unwell`: whether what was switched to is found unwell on probation."""

    def __init__(
        self, home: Path, what: Published, url: str, unwell: Callable[[], bool] = lambda: False
    ) -> None:
        self._what, self.unwell = what, unwell
        self.file, self.slots = RecordFile(home / "update.json"), Slots(home / "slots")
        self._carrier = Carrier(self.slots, Mirror(home / "trust", what, url), Limits)
        self.record = Record()
        self._happened: deque[e.Event] = deque()

    def start(self) -> None:
        """As the agent starts, to the end of what was under way."""
        self.record = self.file.read()
        damaged = self.slots.mend()
        current = self._carrier.running()
        self._happened = deque([e.PowerCameBack(current, damaged=damaged)])
        self._run()

    def follow(self, release: str | None, action: Action = Action.INSTALL) -> None:
        """A new offer, to its end."""
        other = self.slots.other()
        offer = self.offer(release, action)
        kept = other.manifest.release if other else None
        self._happened.append(e.OfferHeard(offer, str(offer.update), kept))
        self._run()

    def offer(self, release: str | None, action: Action) -> Offer:
        files = self._what.releases[release] if release else ()
        components = (OfferedComponent("FILES", "files"),) if release else ()
        at = NOW.timestamp()
        return Offer(
            Address(TENANT, DEVICE), uuid4(), uuid4(), 1, self.record.counter + 1, action, release,
            components, files, 0.99, at, at + 86_400,
        )  # fmt: skip

    def for_ever(self) -> Iterator[None]:
        """Updates to releases in turn, some of them taken back; yields after each."""
        self.start()
        while True:
            yield
            others = [one for one in self._what.releases if one != self.record.current]
            action = Action.REVERT if random.random() < 0.3 else Action.INSTALL
            self.follow(random.choice(others), action)

    def _run(self) -> None:
        while self._happened:
            record, actions = step(self.record, self._happened.popleft())
            if record != self.record:
                self.file.keep(record)
                self.record = record
            for action in actions:
                if found := self._done(action):
                    self._happened.append(found)

    def _done(self, action: e.Action) -> e.Event | None:
        carrier = self._carrier
        match action:
            case e.Download(offer):
                return self._downloaded(offer)
            case e.Verify(offer):
                return carrier.verify(offer)
            case e.AwaitWindow(offer):
                return e.WindowOpen(offer.counter)
            case e.CheckHealth(offer):
                return carrier.check_health(offer, lambda: True)
            case e.Switch(offer):
                return carrier.switch(offer)
            case e.RollBack(offer):
                return carrier.roll_back(offer)
            case e.Watch(offer, seconds) if seconds is not None:
                if self.unwell():
                    return e.Unwell(offer.release, Problem.CRASHED, "so it was asked for")
                return e.ProbationOver(offer.counter)
            case e.CleanUp(keep_other):
                self.slots.clean_up(keep_other)
        return None

    def _downloaded(self, offer: Offer) -> e.Event:
        while True:
            try:
                return self._carrier.download(offer, lambda: True)
            except (Cut, Unreachable):
                continue


def standing(home: Path, what: Published) -> tuple[bool, bool]:
    """Whether a slot can be booted, and whether something is switched to that is not, byte for
    byte, a release that was published."""
    slot = Slots(home / "slots").current()
    if slot is None:
        return False, False
    known = what.releases.get(slot.manifest.release)
    genuine = known == slot.manifest.files and all(
        slot.path(file).is_file() and slot.path(file).read_bytes() == what.contents[file.sha256]
        for file in known
    )
    return slot.sound(), not genuine
