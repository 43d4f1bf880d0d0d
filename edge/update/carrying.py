"""Carries out what `edge.update.machine` asks for: files and processes, in a thread. Each may be
cut off anywhere and begun again.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.home import HomeError, is_full, reason, sync_folder
from edge.link.download import NotFetched, Pace, holds
from edge.link.https import Unreachable
from edge.protocol.updates import Action, Offer, OfferedDelta, OfferedFile, Problem, Reported
from edge.update import delta, firmware, health
from edge.update.events import Downloaded, HealthFound, RolledBack, Switched, Verified, WentWrong
from edge.update.fitting import model_of, window_wait
from edge.update.sealed import Damaged
from edge.update.slots import Slots
from edge.update.targets import Targets, Word

TRIES_AGAIN = (Problem.WRONG_HASH, Problem.WRONG_SIZE, Problem.DISK_FULL, Problem.UNREACHABLE)
"""What another try may find better. Where the word of TUF is against it, it is REJECTED."""

GoOn = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Limits:
    """As the settings say at that moment."""

    bytes_per_second: int = 0
    spare_bytes: int = 0
    health_seconds: float = 120.0
    threads: int = 0
    firmware_installer: str = ""


class Carrier:
    """`now`: the platform's time; `utc_offset`: minutes that local time is ahead of UTC."""

    def __init__(
        self,
        slots: Slots,
        targets: Targets,
        limits: Callable[[], Limits],
        now: Callable[[], float] = time.time,
        utc_offset: Callable[[], int] = lambda: 0,
    ) -> None:
        self.slots, self._targets, self._limits = slots, targets, limits
        self._now, self._utc_offset = now, utc_offset

    def download(self, offer: Offer, go_on: GoOn) -> Downloaded | WentWrong:
        """Raises Cut, Unreachable: to be tried again."""
        from edge.update.trust import Untrusted

        pace = Pace(lambda: self._rate(offer), go_on)
        try:
            word = self._targets.word()
            word.refresh()
            for file in offer.files:
                self._agree(word, file)
            self.slots.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._make_room(offer)
            fetched = sum(self._bring(word, file, pace) for file in offer.files)
        except Untrusted as error:
            if error.problem is Problem.UNREACHABLE:
                raise Unreachable(error.why) from None
            later = error.problem is Problem.EXPIRED_METADATA
            state = Reported.FAILED if later else Reported.REJECTED
            return WentWrong(offer.counter, state, error.problem, error.why, retryable=later)
        except NotFetched as error:
            return _wrong(offer, error.problem, str(error))
        except OSError as error:
            return _wrong(offer, _of_disk(error), reason(error))
        return Downloaded(offer.counter, {"bytes": offer.bytes, "bytes_fetched": fetched})

    def _rate(self, offer: Offer) -> int:
        rates = (offer.bandwidth or 0, self._limits().bytes_per_second)
        return min((rate for rate in rates if rate), default=0)

    def _agree(self, word: Word, file: OfferedFile | OfferedDelta) -> None:
        """The offer says the same of it as the platform's signed list. Raises Untrusted."""
        from edge.update.trust import Untrusted

        facts = word.facts(file.target)
        if facts.sha256 != file.sha256:
            why = f"the offer names another file than the one published as {file.target}"
            raise Untrusted(Problem.WRONG_HASH, why)
        if facts.bytes != file.bytes:
            why = f"the offer names another size than the one published of {file.target}"
            raise Untrusted(Problem.WRONG_SIZE, why)

    def _make_room(self, offer: Offer) -> None:
        """What ran before goes for it, where there is no other way. Raises NotFetched."""
        missing = {one.sha256: one.bytes for one in offer.files if not self._there(one)}
        for sha256 in missing:
            part = self.slots.incoming / f"{sha256}.part"
            missing[sha256] -= part.stat().st_size if part.exists() else 0
        needed, spare = sum(missing.values()), self._limits().spare_bytes
        free = shutil.disk_usage(self.slots.folder).free
        if needed and free < needed + spare:
            self.slots.drop_other()
            free = shutil.disk_usage(self.slots.folder).free
        if needed and free < needed + spare:
            why = f"{needed:,} bytes are needed beside {spare:,} to spare, and {free:,} are free"
            raise NotFetched(Problem.DISK_FULL, why)

    def _there(self, file: OfferedFile) -> bool:
        incoming = self.slots.incoming / file.sha256
        return incoming.exists() or self.slots.having(file.sha256) is not None

    def _bring(self, word: Word, file: OfferedFile, pace: Pace) -> int:
        """Bytes that came over the network for it."""
        target = self.slots.incoming / file.sha256
        if holds(target, file.sha256, file.bytes):
            return 0
        target.unlink(missing_ok=True)
        here = self.slots.having(file.sha256)
        if here is not None and holds(here, file.sha256, file.bytes):
            target.hardlink_to(here)
            sync_folder(target.parent)
            return 0
        came = self._by_delta(word, file, target, pace)
        return came if target.exists() else came + self._targets.fetch(file, target, pace)

    def _by_delta(self, word: Word, file: OfferedFile, target: Path, pace: Pace) -> int:
        """The target is there afterwards, or the whole file must be fetched."""
        one = file.delta
        old = self.slots.having(one.from_sha256) if one else None
        if one is None or old is None or one.bytes >= file.bytes:
            return 0
        self._agree(word, one)
        patch, new = target.with_name(f"{one.sha256}.patch"), target.with_name("patched")
        came = self._targets.fetch(one, patch, pace)
        try:
            delta.apply(old, patch, new, file.bytes, lambda _: None)
            if holds(new, file.sha256, file.bytes):
                new.replace(target)
                sync_folder(target.parent)
        except delta.BadPatch:
            pass  # then the whole of it
        patch.unlink(missing_ok=True)
        new.unlink(missing_ok=True)
        return came

    def verify(self, offer: Offer) -> Verified | WentWrong:
        """All of it is read back; the slot is made ready beside the others."""
        try:
            if not self.slots.prepare(offer).sound():
                why = "what was downloaded does not read back as it was written"
                return _wrong(offer, Problem.WRONG_HASH, why)
        except HomeError as error:
            return _wrong(offer, _of_words(error), str(error))
        return Verified(offer.counter, self.window_wait(offer) <= 0)

    def window_wait(self, offer: Offer) -> float:
        """Seconds until it may be installed."""
        return window_wait(offer.window, self._now(), self._utc_offset())

    def check_health(self, offer: Offer, go_on: GoOn) -> HealthFound:
        try:
            slot = self.slots.prepare(offer)
        except HomeError as error:
            return HealthFound(offer.counter, {}, _of_words(error), str(error))
        model = model_of(offer.components, offer.files)
        if model is None:
            return HealthFound(offer.counter, {})
        component, file = model
        golden = next((slot.path(one) for one in offer.files if not one.component), None)
        limits = self._limits()
        request: dict[str, Any] = {
            "model": str(slot.path(file)),
            "format": component.format,
            "golden": str(golden) if golden else None,
            "min_cosine": offer.min_cosine,
            "threads": limits.threads,
        }
        return health.check(offer.counter, request, limits.health_seconds, go_on)

    def switch(self, offer: Offer) -> Switched | WentWrong:
        """REVERT to what the other slot has is no more than that."""
        installer = self._limits().firmware_installer
        slots = self.slots
        try:
            if offer.release is None:
                slots.take_away()
                return Switched(offer.counter, None)
            other = slots.other()
            back = offer.action is Action.REVERT and other is not None
            if back and other is not None and other.manifest.release == offer.release:
                firmware.install(installer, other, rolls_back=True)
                if slots.switch_to_other(offer.release):
                    return Switched(offer.counter, offer.release)
                slots.drop_other()
                why = "what was kept of it is damaged; it must be installed anew"
                return WentWrong(
                    offer.counter, Reported.FAILED, Problem.WRONG_HASH, why, retryable=True
                )
            firmware.install(installer, slots.prepare(offer))
            slots.install(offer)
        except firmware.NotInstalled as error:
            return _wrong(offer, Problem.LOAD_FAILED, str(error))
        except Damaged as error:
            return _wrong(offer, Problem.WRONG_HASH, str(error))
        except HomeError as error:
            return _wrong(offer, _of_words(error), str(error))
        return Switched(offer.counter, offer.release)

    def roll_back(self, offer: Offer) -> RolledBack:
        """To what ran before this release; to nothing where that is gone. Raises HomeError."""
        current = self.slots.current()
        if current is not None and current.manifest.release == offer.release:
            other = self.slots.other()
            if other is not None:
                try:
                    firmware.install(self._limits().firmware_installer, other, rolls_back=True)
                except firmware.NotInstalled:
                    pass  # the rest goes back nevertheless
            if not self.slots.switch_to_other(None):
                self.slots.take_away()
        return RolledBack(offer.counter, self.running())

    def running(self) -> str | None:
        """The release that is switched to."""
        current = self.slots.current()
        return current.manifest.release if current else None


def _wrong(offer: Offer, problem: Problem, why: str) -> WentWrong:
    later = problem in TRIES_AGAIN
    return WentWrong(offer.counter, Reported.FAILED, problem, why, retryable=later)


def _of_disk(error: OSError) -> Problem:
    return Problem.DISK_FULL if is_full(error) else Problem.INTERNAL


def _of_words(error: HomeError) -> Problem:
    return Problem.DISK_FULL if "the disk is full" in str(error) else Problem.INTERNAL
