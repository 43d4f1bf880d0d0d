"""A rollout over 10,000 devices: how long until its first wave, 2,000 devices, has its offers.

From the command that starts it until the last of them is offered, with everything in between: the
list of devices is fixed, 10,000 updates are queued, the wave starts, and each offer takes its
device's slot and its own event. Projector and worker are processes of their own.
"""

import time
from collections.abc import Iterable

from benchmarks.figure import Better, Figure, Target
from benchmarks.live_fleet import fleet, wait_for
from domain.rollout_plan import Plan

DEVICES, FIRST_WAVE = 10_000, 2_000
_OFFERED = "SELECT count(*) AS n FROM updates WHERE rollout_id = %s AND state = 'OFFERED'"
_EVENTS = """
SELECT topic, count(*) AS n FROM events
WHERE topic LIKE 'update.%%' OR topic LIKE 'rollout.%%' OR topic LIKE 'device.update-%%'
GROUP BY topic ORDER BY topic
"""
_TWICE = """
SELECT count(*) AS n FROM (SELECT originator_id FROM events WHERE topic = 'update.offered'
                           GROUP BY 1 HAVING count(*) > 1) twice
"""


def measure() -> Iterable[Figure]:
    with fleet(DEVICES) as found:
        began = time.perf_counter()
        id = found.rollout(found.devices, Plan(), {"rate": 1})
        wait_for(lambda: found.ask("SELECT 1 FROM rollout_waves WHERE rollout_id = %s", id))
        prepared = time.perf_counter() - began
        most = 0

        def offered() -> bool:
            nonlocal most
            most = max(most, found.worker.memory_info().rss)
            return bool(found.ask(_OFFERED, id)[0]["n"] >= FIRST_WAVE)

        wait_for(offered)
        took = time.perf_counter() - began
        events = ", ".join(f"{row['n']:,} {row['topic']}" for row in found.ask(_EVENTS))
        twice = found.ask(_TWICE)[0]["n"]
        followed = found.projector.memory_info().rss
    yield Figure(
        "rollout_10k_offers",
        took,
        "s",
        target=Target(gate=60.0, better=Better.LESS),
        note=f"{FIRST_WAVE:,} offers, {twice} of them twice; {DEVICES:,} devices queued and the "
        f"wave started after {prepared:.1f} s; worker {most / 2**20:.0f} MiB, projector "
        f"{followed / 2**20:.0f} MiB; {events}",
    )
