"""Recording who was refused an owner's act, at a bounded rate.

The first refusal of an act to a principal in a minute is an event before the caller hears of it;
all processes write to one stream for it, so one of them wins. What follows within the minute is
counted, and told in one more event a process once the minute is over: a crash loses that count,
never the fact.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from uuid import UUID

from application.ports.event_log import ConcurrentChange, EventLog
from domain.audit import WINDOW, AccessRefused
from domain.cause import Cause, acting
from domain.principal import Principal, Role

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Counted:
    cause: Cause
    since: datetime
    times: int = 0
    target: UUID | None = None


class RefusedActs:
    """The refusals of one process."""

    def __init__(self, events: EventLog, now: Callable[[], datetime]) -> None:
        self._events, self._now = events, now
        self._counted: dict[UUID, _Counted] = {}
        self._lock = Lock()

    def note(
        self,
        principal: Principal,
        act: str,
        request_id: str,
        target: UUID | None = None,
        needed: Role = Role.OWNER,
    ) -> None:
        """Records a refusal, or counts it. What goes wrong here is logged: the caller is refused
        all the same."""
        now = self._now()
        tenant_id, actor = principal.tenant_id, principal.actor
        cause = Cause(tenant_id, actor, f"request:{request_id}", request_id)
        stream = AccessRefused.id_of(tenant_id, actor, act, now)
        with self._lock:
            known = self._counted.get(stream)
            if known is not None:
                known.times, known.target = known.times + 1, target
                return
            self._counted[stream] = _Counted(cause, now)
        try:
            self._record(stream, principal, act, target, needed, cause)
        except Exception:
            log.exception("a refusal of %s to %s could not be recorded", act, actor)

    def flush(self, *, everything: bool = False) -> bool:
        """Records the counts of the minutes that are over; False, as there is never more."""
        now = self._now()
        with self._lock:
            over = {
                stream: counted
                for stream, counted in self._counted.items()
                if everything or now - counted.since >= WINDOW
            }
            for stream in over:
                del self._counted[stream]
        for stream, counted in over.items():
            if counted.times:
                self._repeat(stream, counted)
        return False

    def _record(
        self,
        stream: UUID,
        principal: Principal,
        act: str,
        target: UUID | None,
        needed: Role,
        cause: Cause,
    ) -> None:
        with acting(cause):
            refused = AccessRefused.record(
                stream,
                act,
                target,
                role=principal.role,
                needed=needed,
                needs_platform=principal.role.includes(needed),
            )
            try:
                self._events.save(refused)
            except ConcurrentChange:  # another process was first: this one counts
                with self._lock:
                    self._counted[stream].times += 1

    def _repeat(self, stream: UUID, counted: _Counted) -> None:
        with acting(counted.cause):
            while True:
                refused = self._events.find(AccessRefused, stream)
                if refused is None:
                    return
                refused.repeat(counted.times, counted.target)
                try:
                    self._events.save(refused)
                    return
                except ConcurrentChange:
                    continue
