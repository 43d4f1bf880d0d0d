"""`join` and `run`."""

import argparse
import asyncio
import logging
import os
import signal
from logging.handlers import RotatingFileHandler

from edge.cli.printing import say
from edge.home import Home, HomeError, reason
from edge.identity.join import join as join_platform

LOG_BYTES, LOG_FILES = 1 << 20, 2
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def join(given: argparse.Namespace) -> int:
    from edge.commands.diagnostics import facts

    authorities = None
    if given.authorities is not None:
        try:
            authorities = given.authorities.read_text()
        except OSError as error:
            raise HomeError(f"{given.authorities} cannot be read: {reason(error)}") from None
    home = Home.at(given.home)
    with home.locked():
        identity = join_platform(home, given.code, given.server, facts(), authorities)
    say(f"Joined as {identity.name} ({identity.device}). Now: edgewise-edge run")
    return 0


def run(given: argparse.Namespace) -> int:
    home = Home.at(given.home)
    with home.locked():
        _log_to(home)
        asyncio.run(_agent(home))
    return 0


async def _agent(home: Home) -> None:
    from edge.agent.agent import Agent

    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    agent = Agent(home, os.environ)

    def follow_level() -> None:
        logging.getLogger().setLevel(str(agent.configuration["log.level"]))

    follow_level()
    agent.configuration.on_change(follow_level)
    await agent.run(stop)


def _log_to(home: Home) -> None:
    try:
        to_file = RotatingFileHandler(home.log, maxBytes=LOG_BYTES, backupCount=LOG_FILES)
        home.log.chmod(0o600)
    except OSError as error:
        raise HomeError(f"{home.log} cannot be written: {reason(error)}") from None
    handlers: list[logging.Handler] = [to_file, logging.StreamHandler()]
    logging.basicConfig(level=logging.INFO, format=FORMAT, handlers=handlers)
    logging.raiseExceptions = False  # a full disk must not fill the terminal
