"""Whoever may no longer sign in is not kept connected: an open socket ends with its principal.

Word of ended access (a key revoked, a session ended, a member removed) closes the sockets that it
names, in every process, at once. Word may be missed, and a view may have been behind when a
principal signed in: so each is asked for again 2 s and 4 s later, and every 30 s from then on.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from application.ports.listening import ACCESS, Listener
from application.ports.reads import EventRow
from domain.principal import Principal
from domain.refusal import Refusal
from domain.tenant import Tenant
from interfaces.graphql.tail import Bell, Tails

FIRST_LOOKS, LOOK_AGAIN, ROUND = 2, 30.0, 1.0
PAUSE = 2.0
ENDED = "Your access has ended. Sign in again."

_OF_MEMBERS = (
    Tenant.MemberJoined.TOPIC,
    Tenant.MemberRoleChanged.TOPIC,
    Tenant.MemberLeft.TOPIC,
)
log = logging.getLogger(__name__)


@dataclass(eq=False)
class OpenSocket:
    """`again` asks who the peer is by what it signed in with; it raises Refusal where that is
    good for nothing any more. `close` ends the socket, giving a reason."""

    principal: Principal
    again: Callable[[], Awaitable[Principal]]
    close: Callable[[str], Awaitable[None]]
    due: float = field(default_factory=lambda: time.monotonic() + PAUSE)
    looks: int = 0

    def looked(self) -> None:
        self.looks += 1
        self.due = time.monotonic() + (PAUSE if self.looks < FIRST_LOOKS else LOOK_AGAIN)


class SignedIn:
    """The sockets of this process whose peer has signed in."""

    def __init__(self, tails: Tails, listener: Listener) -> None:
        self._tails, self._listener = tails, listener
        self._sockets: dict[UUID, set[OpenSocket]] = {}
        self._watching: dict[UUID, asyncio.Task[None]] = {}

    def add(self, socket: OpenSocket) -> None:
        tenant_id = socket.principal.tenant_id
        self._sockets.setdefault(tenant_id, set()).add(socket)
        if tenant_id not in self._watching:
            self._watching[tenant_id] = asyncio.create_task(self._watch(tenant_id))

    def remove(self, socket: OpenSocket) -> None:
        tenant_id = socket.principal.tenant_id
        sockets = self._sockets.get(tenant_id, set())
        sockets.discard(socket)
        if not sockets and tenant_id in self._watching:
            self._watching.pop(tenant_id).cancel()
            del self._sockets[tenant_id]

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Looks after the sockets as long as the context is open."""
        bell = Bell()
        words: list[str | None] = []

        def heard(word: str | None) -> None:
            words.append(word)
            bell.ring()

        unsubscribe = self._listener.subscribe(ACCESS, heard)
        task = asyncio.create_task(self._look(bell, words))
        try:
            yield
        finally:
            unsubscribe()
            for running in (task, *self._watching.values()):
                running.cancel()

    async def _look(self, bell: Bell, words: list[str | None]) -> None:
        while True:
            await bell.wait(ROUND)
            bell.hush()
            said, words[:] = set(words), []
            now = time.monotonic()
            due = [
                one
                for one in self._all()
                if one.due <= now or (said and _named(one.principal, said))
            ]
            try:
                await self._ask_again(due)
            except Exception as error:  # the database is away: all of them stay due
                log.warning("open sockets wait for the database: %s", error)

    async def _ask_again(self, sockets: Iterable[OpenSocket]) -> None:
        """Asks once for each principal, however many sockets it has."""
        found: dict[Principal, str | None] = {}
        for socket in sockets:
            if socket.principal not in found:
                found[socket.principal] = await _reason_to_close(socket)
            reason = found[socket.principal]
            socket.looked()
            if reason is not None:
                await socket.close(reason)

    async def _watch(self, tenant_id: UUID) -> None:
        """Hears of revoked keys from the log itself, ahead of every view."""
        async with self._tails.of(tenant_id) as tail:
            position = tail.end
            while True:
                await tail.beyond(position)
                rows = tail.after(position)
                position = tail.end
                if rows is None:  # more came at once than is kept
                    self._make_due(tenant_id)
                for row in rows or ():
                    await self._heard(tenant_id, row)

    async def _heard(self, tenant_id: UUID, row: EventRow) -> None:
        if row.topic == Tenant.ApiKeyRevoked.TOPIC:
            for socket in list(self._sockets.get(tenant_id, ())):
                if str(socket.principal.key_id) == row.data["key_id"]:
                    await socket.close("The API key was revoked.")
        elif row.topic in _OF_MEMBERS:
            self._make_due(tenant_id)

    def _make_due(self, tenant_id: UUID) -> None:
        for socket in self._sockets.get(tenant_id, ()):
            socket.due, socket.looks = 0.0, 0

    def _all(self) -> list[OpenSocket]:
        return [socket for sockets in self._sockets.values() for socket in sockets]


async def _reason_to_close(socket: OpenSocket) -> str | None:
    try:
        now = await socket.again()
    except Refusal:
        return ENDED
    return None if now == socket.principal else "Your role has changed. Sign in again."


def _named(principal: Principal, words: set[str | None]) -> bool:
    """Whether the principal is meant; None means that a word may have been missed."""
    return not words.isdisjoint(
        {
            None,
            f"session {principal.session_id}",
            f"user {principal.user_id} {principal.tenant_id}",
        }
    )
