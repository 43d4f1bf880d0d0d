"""What each kind of command does. There is no shell: this is all of it."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from edge.commands import diagnostics
from edge.commands.module import CommandFailed, Run
from edge.config.configuration import BadConfiguration, Configuration
from edge.home import Home
from edge.identity.credentials import Credentials
from edge.link.https import Contexts, Unreachable, request
from edge.protocol.commands import Command, CommandKind, Diagnostic

MOST_LINES = 10_000
MOST_LOG_BYTES = 1 << 20


def tail(home: Home, lines: int) -> bytes:
    """The last lines of the agent's log, the file before it included where it is needed."""
    content = b""
    for name in ("agent.log.1", "agent.log"):
        file = home.path / name
        if file.exists():
            content += file.read_bytes()[-MOST_LOG_BYTES:]
    return b"".join(content[-MOST_LOG_BYTES:].splitlines(keepends=True)[-lines:])


def runs(
    home: Home,
    configuration: Configuration,
    credentials: Credentials,
    contexts: Contexts,
    restart_inference: Callable[[], None],
    status: Callable[[], Awaitable[dict[str, Any]]],
    started: float,
) -> Mapping[CommandKind, Run]:
    """`started`: the monotonic time of the agent's start; `status`: what `edgewise-edge status`
    tells."""

    async def ping(_: Command) -> Mapping[str, Any]:
        return {"pong": True}

    async def collect_logs(command: Command) -> Mapping[str, Any]:
        lines = command.arguments.get("lines", 1_000)
        if isinstance(lines, bool) or not isinstance(lines, int) or not 1 <= lines <= MOST_LINES:
            raise CommandFailed(f"lines must be a whole number from 1 to {MOST_LINES:,}")
        content = await asyncio.to_thread(tail, home, lines)
        path = f"/devices/logs/{command.id}"
        plain = {"Content-Type": "text/plain; charset=utf-8"}
        headers = {**plain, **credentials.signed_call("PUT", path)}
        url = credentials.url(path)
        try:
            answer = await asyncio.to_thread(request, "PUT", url, contexts, content, headers)
        except Unreachable as error:
            raise CommandFailed(f"the logs could not be uploaded: {error}") from None
        if answer.status not in (200, 201, 204):
            raise CommandFailed(f"the logs were not taken: {answer.said}")
        sha256 = hashlib.sha256(content).hexdigest()
        return {"sha256": sha256, "bytes": len(content), "lines": content.count(b"\n")}

    async def restart_runtime(_: Command) -> Mapping[str, Any]:
        restart_inference()
        return {"restarted": "inference"}

    async def set_configuration(command: Command) -> Mapping[str, Any]:
        given = command.arguments.get("configuration")
        if not isinstance(given, Mapping):
            raise CommandFailed("configuration must be an object of settings by name")
        try:
            overruled = configuration.command(given)
        except BadConfiguration as error:
            raise CommandFailed(f"nothing was changed: {error}") from None
        return {"configuration": configuration.remote(), "overruled": overruled}

    async def diagnose(command: Command) -> Mapping[str, Any]:
        try:
            asked = Diagnostic(str(command.arguments.get("diagnostic")))
        except ValueError:
            raise CommandFailed(f"diagnostic must be one of {', '.join(Diagnostic)}") from None
        if asked is Diagnostic.SYSTEM:
            return diagnostics.system(started) | {"modules": (await status())["modules"]}
        if asked is Diagnostic.DISK:
            return await asyncio.to_thread(diagnostics.disk, home.path)
        if asked is Diagnostic.NETWORK:
            return diagnostics.network() | {"link": (await status())["link"]}
        if asked is Diagnostic.RUNTIMES:
            return {"installed": diagnostics.runtimes(), "model": (await status())["model"]}
        return {"queue": (await status())["queue"]}

    return {
        CommandKind.PING: ping,
        CommandKind.COLLECT_LOGS: collect_logs,
        CommandKind.RESTART_RUNTIME: restart_runtime,
        CommandKind.SET_CONFIGURATION: set_configuration,
        CommandKind.DIAGNOSE: diagnose,
    }
