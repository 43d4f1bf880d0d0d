"""Waits again and again for as long as a setting says; a change of it holds at once."""

import asyncio
from collections.abc import AsyncIterator

from edge.config.configuration import Configuration


async def every(configuration: Configuration, name: str) -> AsyncIterator[None]:
    """`name`: of a setting in seconds."""
    changed = asyncio.Event()
    end = configuration.on_change(changed.set)
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        while True:
            left = began + float(configuration[name]) - loop.time()
            changed.clear()
            try:
                async with asyncio.timeout(max(0.0, left)):
                    await changed.wait()
            except TimeoutError:
                began = loop.time()
                yield
    finally:
        end()
