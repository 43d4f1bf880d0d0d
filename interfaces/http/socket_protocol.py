"""How much a WebSocket may cost: a peer that does not read is told and dropped, never buffered for.

uvicorn makes a sender wait once 64 KB are unsent. What it leaves open is settled here:
- when nothing could be sent for 10 s, the last words of the application and a close frame (4420) go
  behind what is unsent, every sender is released, and the connection is cut 20 s later;
- closing does not wait for the peer to read either;
- pings of a peer that does not read are not answered, and pile up nothing;
- after a frame that is too large (1009) the rest is read and dropped, so that the close frame
  arrives instead of a reset.
"""

import socket
from asyncio import BaseTransport, TimerHandle
from collections.abc import Callable, Iterable
from typing import cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import get_client_addr
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

RESTARTING = 1012
SLOW = 4420
SLOW_SECONDS = 10.0
GRACE_SECONDS = 20.0
CLOSING_SECONDS = 2.0
SYSTEM_BUFFER = 2**18  # else the system keeps megabytes for a peer that does not read
LAST_WORDS = "edgewise.last_words"
LONGEST_REASON = 123
_TOO_SLOW = "You read too slowly. Subscribe again, after the last position you have."

LastWords = Callable[[], Iterable[str]]
"""What an application has to say to a peer that is dropped; it puts this function into the
extensions of its scope under the name LAST_WORDS."""


def clipped(reason: str) -> str:
    """What fits into a close frame."""
    return reason.encode()[:LONGEST_REASON].decode(errors="ignore")


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection."""

    _slow_timer: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.close_timeout = CLOSING_SECONDS
        if (raw := self.transport.get_extra_info("socket")) is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SYSTEM_BUFFER)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_slowness()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._slow_timer is None and not self.close_sent:
            self._slow_timer = self.loop.call_later(SLOW_SECONDS, self._drop_slow)

    def resume_writing(self) -> None:
        self._forget_slowness()
        super().resume_writing()

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # the pong is dropped

    def handle_parser_exception(self) -> None:
        if self.close_sent:
            return
        close = self.conn.close_sent
        assert close is not None
        self._end(close.code, close.reason, CLOSING_SECONDS)

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self.loop.call_later(CLOSING_SECONDS, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.loop.call_later(CLOSING_SECONDS, self.transport.abort)

    def shutdown(self) -> None:
        if self.handshake_complete and not self.close_sent:
            self._close(RESTARTING, "The server is going away. Connect again.")
        super().shutdown()

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] != "websocket.close" or not self.handshake_complete:
            await super().send(message)
        elif not (self.close_sent or self.disconnected or self.transport.is_closing()):
            self._close(message.get("code", 1000), clipped(message.get("reason") or ""))

    def _drop_slow(self) -> None:
        self._slow_timer = None
        if self.close_sent or self.transport.is_closing() or not self.handshake_complete:
            self.transport.abort()
            return
        self.logger.warning("%s reads too slowly and is dropped", get_client_addr(self.scope))
        words = cast(LastWords, self.scope["extensions"].get(LAST_WORDS, tuple))
        for text in words():
            self.conn.send_text(text.encode())
        self._close(SLOW, _TOO_SLOW, GRACE_SECONDS)

    def _close(self, code: int, reason: str, seconds: float = CLOSING_SECONDS) -> None:
        self.conn.send_close(code, reason)
        self._end(code, reason, seconds)

    def _end(self, code: int, reason: str, seconds: float) -> None:
        """Says what is left to say, releases the application, and cuts the connection when the
        peer has not closed it within these seconds."""
        self._forget_slowness()
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = self.disconnected = True
        self.writable.set()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(seconds, self.transport.abort)

    def _forget_slowness(self) -> None:
        if self._slow_timer is not None:
            self._slow_timer.cancel()
            self._slow_timer = None
