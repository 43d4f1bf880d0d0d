"""The local module: answers programs on this machine over a unix socket in the home (mode 0600)."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from edge.agent.frames import BadFrame, framed, framed_json, length_of, short_name

log = logging.getLogger("edge.local")

Reply = tuple[Mapping[str, Any], bytes]
Do = Callable[[Mapping[str, Any], bytes], Awaitable[Reply]]


class LocalModule:
    """`does`: what may be asked, by name. What it raises as ValueError or RuntimeError is told to
    who asked."""

    def __init__(self, socket: Path, does: Mapping[str, Do]) -> None:
        self._socket, self._does = socket, does

    async def run(self) -> None:
        self._socket.unlink(missing_ok=True)
        with short_name(self._socket) as name:
            server = await asyncio.start_unix_server(self._serve, name)
        self._socket.chmod(0o600)
        try:
            async with server:
                await server.serve_forever()
        finally:
            self._socket.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = json.loads(await _frame(reader))
                payload = await _frame(reader) if asked.get("payload") else b""
                answer, content = await self._done(asked, payload)
                writer.write(framed_json({**answer, "payload": bool(content)}))
                if content:
                    writer.write(framed(content))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # who asked has gone
        except (BadFrame, ValueError, AttributeError) as error:
            log.warning("a local program was refused: %s", error)
        finally:
            writer.close()

    async def _done(self, asked: Mapping[str, Any], payload: bytes) -> Reply:
        do = self._does.get(str(asked.get("do")))
        if do is None:
            return {"error": f"nothing is called {str(asked.get('do'))[:100]!r} here"}, b""
        try:
            return await do(asked, payload)
        except (ValueError, RuntimeError) as error:
            return {"error": str(error)[:2_000]}, b""


async def _frame(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(length_of(await reader.readexactly(4)))
