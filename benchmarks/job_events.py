"""Events of jobs as a busy platform writes them: several at once, stages, retries, results."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

from domain.cause import Cause, acting
from domain.job import Failure, Fault, Job

AT_ONCE = 8
STAGES = ("prepare", "graph", "fp16", "static-int8")
RETRIED = 0.05


def job_events(count: int, tenant_id: UUID, seed: int = 1) -> list[Job.Event]:
    """So many events, in an order in which `AT_ONCE` jobs run side by side."""
    dice = random.Random(seed)
    running = [_job(tenant_id, dice) for _ in range(AT_ONCE)]
    found: list[Job.Event] = []
    while len(found) < count:
        place = dice.randrange(AT_ONCE)
        step = next(running[place], None)
        if step is None:
            running[place] = _job(tenant_id, dice)
        else:
            found += step
    return found[:count]


def _job(tenant_id: UUID, dice: random.Random) -> Iterator[list[Job.Event]]:
    cause = Cause(tenant_id, f"key:{uuid4()}", str(uuid4()), str(uuid4()))
    with acting(cause):
        job = Job.request(uuid4(), "optimize", uuid4(), _input(), "0" * 64)
    yield _collected(job)
    attempt = _claimed(job, cause)
    yield _collected(job)
    if dice.random() < RETRIED:
        failure = Failure("ENGINE_ERROR", "The process ended with code 137.", Fault.PLATFORM, True)
        with acting(cause):
            job.fail(attempt, failure, datetime.now(UTC))
        yield _collected(job)
        attempt = _claimed(job, cause)
        yield _collected(job)
    for stage in STAGES:
        for report in (job.start_stage, job.finish_stage):
            with acting(cause):
                report(attempt, stage)
            yield _collected(job)
    with acting(cause):
        job.succeed(attempt, _result(dice))
    yield _collected(job)


def _claimed(job: Job, cause: Cause) -> int:
    with acting(cause):
        return job.claim("worker-3:4711:4712")


def _collected(job: Job) -> list[Job.Event]:
    events = job.collect_events()
    assert all(isinstance(event, Job.Event) for event in events)
    return list(events)  # type: ignore[arg-type]


def _input() -> dict[str, object]:
    return {
        "source": {"id": str(uuid4()), "sha256": uuid4().hex * 2, "version": 1},
        "spec": {"level": "BALANCED", "passes": ["GRAPH", "FP16", "STATIC_INT8"], "max_drop": 0.01},
        "evaluation": {"dataset_id": str(uuid4()), "number": 1, "sha256": uuid4().hex * 2},
        "calibration": None,
    }


def _result(dice: random.Random) -> dict[str, object]:
    """About 3 kB: three variants with their proof."""
    return {
        "outcome": {"choice": {"name": "static_int8", "reason": "smallest that lost no more"}},
        "artifacts": [
            {
                "id": str(uuid4()),
                "variant": variant,
                "files": [{"path": "model.onnx", "sha256": uuid4().hex * 2, "bytes": 123_456}],
                "proof": {"samples_ms": [round(dice.uniform(1, 2), 4) for _ in range(60)]},
            }
            for variant in ("graph", "fp16", "static_int8")
        ],
        "too_large_for_plan": [],
    }
