"""People in memory: for tests, and for trying a thing without a database."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from application.ports.identity_provider import Away
from application.ports.people import EmailTaken, IdentityTaken, Invitee
from application.ports.sessions import IDLE, Session
from application.ports.throttle import Rate
from domain.user import Identity, Membership, User, email_key


class MemoryInvitees:
    """Implements `application.ports.people.Invitees`."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Invitee] = {}

    def keep(self, invitee: Invitee) -> bool:
        return self.rows.setdefault(invitee.invitation_id, invitee) is invitee

    def by_secret(self, sha256: str) -> Invitee | None:
        return next((row for row in self.rows.values() if row.sha256 == sha256), None)

    def named(self, invitation_ids: Collection[UUID]) -> Mapping[UUID, Invitee]:
        return {id: row for id, row in self.rows.items() if id in invitation_ids}

    def forget(self, invitation_id: UUID) -> None:
        self.rows.pop(invitation_id, None)


class MemorySessions:
    """Implements `application.ports.sessions.Sessions`. `told` is what NOTIFY would say."""

    def __init__(self) -> None:
        self._rows: dict[str, Session] = {}
        self._lock = Lock()
        self.told: list[str] = []
        self.memberships: Callable[[UUID], Sequence[Membership]] = lambda _: ()

    def start(self, session: Session, sha256: str, instead_of: UUID | None = None) -> None:
        if instead_of is not None:
            self.end(session.user_id, instead_of)
        with self._lock:
            self._rows[sha256] = session

    def find(self, sha256: str, now: datetime) -> Session | None:
        with self._lock:
            session = self._rows.get(sha256)
            if session is None or not _lasts(session, now):
                return None
            self._rows[sha256] = replace(session, seen_at=max(now, session.seen_at))
        return self._with_role(session)

    def of_user(self, user_id: UUID, now: datetime) -> Sequence[Session]:
        with self._lock:
            own = [row for row in self._rows.values() if row.user_id == user_id]
        lasting = [self._with_role(row) for row in own if _lasts(row, now)]
        return sorted(lasting, key=lambda row: row.started_at, reverse=True)

    def end(self, user_id: UUID, session_id: UUID | None = None, but: UUID | None = None) -> int:
        with self._lock:
            over = [
                (sha256, row.id)
                for sha256, row in self._rows.items()
                if row.user_id == user_id and row.id != but and session_id in (None, row.id)
            ]
            for sha256, id in over:
                del self._rows[sha256]
                self.told.append(f"session {id}")
        return len(over)

    def _with_role(self, session: Session) -> Session:
        roles = {row.tenant_id: row.role for row in self.memberships(session.user_id)}
        role = None if session.acting_in is None else roles.get(session.acting_in)
        return replace(session, role=role)


class MemoryPeople:
    """Implements `application.ports.people.PeopleTable`; erases in the others as well."""

    def __init__(self, sessions: MemorySessions, invitees: MemoryInvitees) -> None:
        self._sessions, self._invitees = sessions, invitees
        self._users: dict[UUID, User] = {}
        self._identities: dict[Identity, UUID] = {}
        self.memberships: dict[UUID, list[Membership]] = {}
        self._lock = Lock()

    def add(self, user: User) -> None:
        with self._lock:
            if any(email_key(row.email) == email_key(user.email) for row in self._users.values()):
                raise EmailTaken
            self._users[user.id] = user

    def by_email(self, email: str) -> User | None:
        rows = list(self._users.values())
        return next((row for row in rows if email_key(row.email) == email_key(email)), None)

    def named(self, user_ids: Collection[UUID]) -> Mapping[UUID, User]:
        return {id: row for id, row in self._users.items() if id in user_ids}

    def set_password(self, user_id: UUID, password_hash: str) -> None:
        with self._lock:
            if user_id in self._users:
                changed = replace(self._users[user_id], password_hash=password_hash)
                self._users[user_id] = changed

    def erase(self, user_id: UUID) -> bool:
        self._sessions.end(user_id)
        with self._lock:
            user = self._users.pop(user_id, None)
            for identity in [i for i, owner in self._identities.items() if owner == user_id]:
                del self._identities[identity]
        for invitee in list(self._invitees.rows.values()):
            if user is not None and email_key(invitee.email) == email_key(user.email):
                self._invitees.forget(invitee.invitation_id)
        return user is not None

    def link(self, user_id: UUID, identity: Identity) -> None:
        with self._lock:
            if self._identities.setdefault(identity, user_id) != user_id:
                raise IdentityTaken

    def user_of(self, identity: Identity) -> User | None:
        owner = self._identities.get(identity)
        return None if owner is None else self._users.get(owner)

    def of(self, user_id: UUID) -> Sequence[Membership]:
        return self.memberships.get(user_id, [])


class MemoryThrottle:
    """Implements `application.ports.throttle.Throttle`."""

    def __init__(self) -> None:
        self._paid_at: dict[str, datetime] = {}
        self._lock = Lock()

    def take(self, rates: Mapping[str, Rate], now: datetime) -> timedelta | None:
        with self._lock:
            after = {
                key: max(self._paid_at.get(key, now), now) + rate.every
                for key, rate in rates.items()
            }
            waits = [
                after[key] - rate.slack - now
                for key, rate in rates.items()
                if after[key] > now + rate.slack
            ]
            if not waits:
                self._paid_at.update(after)
        return max(waits, default=None)

    def forget(self, key: str) -> None:
        with self._lock:
            self._paid_at.pop(key, None)


def _lasts(session: Session, now: datetime) -> bool:
    return session.expires_at > now and session.seen_at > now - IDLE


class MemoryFlows:
    """Implements `application.ports.identity_provider.Flows`."""

    def __init__(self) -> None:
        self._rows: dict[str, Away] = {}

    def keep(self, away: Away) -> None:
        self._rows[away.flow.state] = away

    def take(self, state: str, now: datetime) -> Away | None:
        away = self._rows.pop(state, None)
        return away if away is not None and now < away.expires_at else None
