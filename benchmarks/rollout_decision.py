"""How long a rollout takes to decide: from the report that decides until the decision is durable,
by the database's clock.

Failures are reported one by one until the stop rule stops the rollout, in several rollouts, beside
one that has 10,000 updates. Projector and worker are processes of their own.
"""

from collections.abc import Iterable
from uuid import UUID

from application.commands.command import Request
from application.commands.update_reports import report_update
from benchmarks.figure import Better, Figure, Target
from benchmarks.live_fleet import Fleet, fleet, wait_for
from domain.principal import device
from domain.rollout_plan import Plan, Wave
from domain.update import update_id
from edge.protocol.updates import Problem, Report, Reported

BESIDE, ROLLOUTS, EACH = 10_000, 20, 20
_OPEN = "SELECT count(*) AS n FROM updates WHERE rollout_id = %s AND state = 'OFFERED'"
_DECIDED = "SELECT 1 FROM events WHERE originator_id = %s AND topic = 'rollout.rollback-started'"
_TOOK = """
SELECT extract(epoch FROM d.recorded_at - r.recorded_at) AS seconds
FROM events d JOIN events r
  ON r.originator_id::text || '/' || r.originator_version =
     convert_from(d.state, 'UTF8')::jsonb -> 'cause' ->> 'causation_id'
WHERE d.originator_id = %s AND d.topic = 'rollout.rollback-started'
"""


def measure() -> Iterable[Figure]:
    with fleet(BESIDE + ROLLOUTS * EACH) as found:
        big = found.rollout(found.devices[:BESIDE], Plan(), {"rate": 0})
        wait_for(lambda: found.ask(_OPEN, big)[0]["n"] >= BESIDE // 5)
        took = sorted(
            _decision(found, found.devices[BESIDE + n * EACH : BESIDE + (n + 1) * EACH], n)
            for n in range(ROLLOUTS)
        )
    yield Figure(
        "rollout_decision",
        took[-1] * 1_000,
        "ms",
        target=Target(gate=1_000.0, better=Better.LESS),
        note=f"the slowest of {ROLLOUTS}; median {took[len(took) // 2] * 1_000:.0f} ms",
    )


def _decision(found: Fleet, devices: list[UUID], number: int) -> float:
    """Seconds."""
    plan = Plan(waves=(Wave(share=1.0),), soak_seconds=3_600)
    id = found.rollout(devices, plan, {"rate": number + 1})
    wait_for(lambda: found.ask(_OPEN, id)[0]["n"] == EACH)
    for one in devices:
        report = Report(1, 1, Reported.LOCAL_ROLLED_BACK, None, Problem.CRASHED)
        request = Request(device(found.tenant, one))
        report_update(
            found.installation.platform,
            request,
            update_id=update_id(id, one),
            report=report,
        )
        if found.ask(_DECIDED, id):
            break
    wait_for(lambda: found.ask(_DECIDED, id))
    return float(found.ask(_TOOK, id)[0]["seconds"])
