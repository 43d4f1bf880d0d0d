"""What was refused, for those who watch over a tenant.

A refusal of what only an owner may do is an event. So that nobody can fill the log by being
refused, there is one stream for each principal, act and minute: its first event says that it was
refused, and a few more say how often it was tried again. No text of the caller is in them.
"""

from dataclasses import field
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, CreatedEvent
from domain.principal import Role

WINDOW = timedelta(minutes=1)


class AccessRefused(Aggregate):
    """The refusals of one act to one principal within one minute."""

    TOPIC = "access-refused"
    act: str = field(init=False)
    times: int = field(init=False)

    class Event(Aggregate.Event):
        pass

    class Recorded(Event, CreatedEvent):
        """`target` is what the act was aimed at, `role` what the principal has; some acts need a
        key of the installation's operator besides."""

        TOPIC = "access-refused.recorded"
        act: str
        target: UUID | None
        role: Role
        needed: Role
        needs_platform: bool

        def apply(self, aggregate: "AccessRefused") -> None:
            aggregate.act = self.act
            aggregate.times = 1

    class Repeated(Event):
        """It was refused so many more times within the minute; `target` is the last one's."""

        TOPIC = "access-refused.repeated"
        times: int
        target: UUID | None

        def apply(self, aggregate: "AccessRefused") -> None:
            aggregate.times += self.times

    @staticmethod
    def id_of(tenant_id: UUID, actor: str, act: str, now: datetime) -> UUID:
        minute = int(now.timestamp() // WINDOW.total_seconds())
        return uuid5(tenant_id, f"access-refused:{actor}:{act}:{minute}")

    @classmethod
    def record(
        cls,
        stream: UUID,
        act: str,
        target: UUID | None,
        *,
        role: Role,
        needed: Role,
        needs_platform: bool,
    ) -> "AccessRefused":
        return cls._create(
            cls.Recorded,
            id=stream,
            request_hash="",
            act=act,
            target=target,
            role=role,
            needed=needed,
            needs_platform=needs_platform,
        )

    def repeat(self, times: int, target: UUID | None) -> None:
        self.trigger_event(AccessRefused.Repeated, times=times, target=target)


class SignInsBlocked(Aggregate):
    """Somebody has tried so many passwords of a member that no more are looked at for a while."""

    TOPIC = "sign-ins-blocked"

    class Event(Aggregate.Event):
        pass

    class Recorded(Event, CreatedEvent):
        TOPIC = "sign-ins-blocked.recorded"
        user_id: UUID

        def apply(self, aggregate: "SignInsBlocked") -> None:
            pass

    @staticmethod
    def id_of(tenant_id: UUID, user_id: UUID, now: datetime) -> UUID:
        """One stream an hour."""
        return uuid5(tenant_id, f"sign-ins-blocked:{user_id}:{now:%Y-%m-%dT%H}")

    @classmethod
    def record(cls, stream: UUID, user_id: UUID) -> "SignInsBlocked":
        return cls._create(cls.Recorded, id=stream, request_hash="", user_id=user_id)
