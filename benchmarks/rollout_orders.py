"""`rollout_orders`: a million random orders of what may happen to rollouts and to updates, on every
processor.

Each twentieth order is a whole rollout: one to four devices in random waves, a random plan, and
twelve random acts of devices, clocks and people (`benchmarks.rollout_world`). The others are one
update each, and twelve random reports and commands. Seeded: an order's number is its seed.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from uuid import uuid5

from benchmarks.figure import Better, Figure, Target
from benchmarks.rollout_fleet import BEGIN, SOMEBODY, TENANT
from benchmarks.rollout_laws import Violation, followed
from benchmarks.rollout_world import PEOPLE, World
from domain.cause import acting
from domain.refusal import Refusal
from domain.rollout_plan import OnStop, Plan, StopRule, StopRuleKind, Wave
from domain.update import Update
from domain.update_state import Outcome, Stage

ORDERS, PORTION, ACTS = 1_000_000, 5_000, 12
STAGES, OUTCOMES = (
    tuple(Stage),
    tuple(
        Outcome(one)
        for one in ("CONFIRMED", "SKIPPED", "REJECTED", "FAILED", "LOCAL_ROLLED_BACK", "REVERTED")
    ),
)
"""What a device may report."""
COMMANDS: tuple[Callable[[Update], None], ...] = (
    lambda update: update.expire(BEGIN),
    lambda update: update.cancel(),
    lambda update: update.retry(),
    lambda update: update.force(),
    lambda update: update.revert(update.counter + 1, None, BEGIN),
)
SOME_DEVICE = uuid5(TENANT, "device")
LIKELY = (Outcome.CONFIRMED, Outcome.CONFIRMED, Outcome.FAILED, Outcome.REVERTED)


def measure() -> Iterable[Figure]:
    begun = time.monotonic()
    seen: Counter[str] = Counter()
    violations: list[str] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for counted, found in pool.map(orders, range(0, ORDERS, PORTION)):
            seen += counted
            violations += found
    ended = ", ".join(f"{count:,} {status}" for status, count in sorted(seen.items()))
    yield Figure(
        "rollout_orders",
        len(violations),
        "violations",
        target=Target(0, better=Better.LESS),
        note=f"of {ORDERS:,} orders in {time.monotonic() - begun:.0f} s; they ended {ended}. "
        + " ".join(violations[:3]),
    )


def orders(first: int, count: int = PORTION) -> tuple[Counter[str], list[str]]:
    """How so many orders ended, and those in which something went wrong."""
    seen: Counter[str] = Counter()
    violations = []
    with acting(SOMEBODY):
        for seed in range(first, first + count):
            try:
                seen[order(seed)] += 1
            except Exception as error:  # whatever it is, it must not happen
                violations.append(f"order {seed}: {type(error).__name__}: {error}")
    return seen, violations


def order(seed: int) -> str:
    """How one order ended. Raises Violation."""
    draw = random.Random(seed)
    return whole_rollout(draw) if seed % 20 == 0 else one_update(draw)


def whole_rollout(draw: random.Random) -> str:
    world = World(plan(draw), draw.randint(1, 4))
    world.tick()
    for _ in range(ACTS):
        act(world, draw)
        if draw.random() < 0.7:
            world.tick()
    return f"rollouts {world.rollout.status}"


def one_update(draw: random.Random) -> str:
    update = Update.queue(TENANT, SOME_DEVICE, 1, "")
    for _ in range(ACTS):
        before, was = update.state, (update.attempt, update.counter, update.ignored)
        attempt = update.attempt + draw.choice((0, 0, 0, 0, -1, 1))
        chance = draw.random()
        try:
            if chance < 0.35:
                update.settle(
                    attempt, draw.choice(OUTCOMES), None, None, None,
                    attempts=draw.randint(1, 3), retryable=draw.random() < 0.5,
                )  # fmt: skip
            elif chance < 0.6:
                update.advance(attempt, draw.choice(STAGES), None)
            elif chance < 0.8:
                update.offer(update.counter + draw.randint(0, 1), None, BEGIN)
            else:
                draw.choice(COMMANDS)(update)
        except Refusal:
            if update.state is not before:
                raise Violation("what was refused changed something") from None
        for _event in followed(update, before):
            pass
        if (update.attempt, update.counter, update.ignored) < was or update.attempt > was[0] + 1:
            raise Violation(f"attempt, counter and ignored were {was}")
        if chance < 0.6 and attempt != was[0] and update.state is not before:
            raise Violation(f"a report of attempt {attempt} changed attempt {was[0]}")
    return f"updates {update.state}"


def plan(draw: random.Random) -> Plan:
    percentage = draw.random() < 0.3
    return Plan(
        waves=tuple(
            Wave(count=draw.randint(1, 3)) if draw.random() < 0.5 else Wave(share=draw.random())
            for _ in range(draw.randint(1, 3))
        ),
        soak_seconds=draw.choice((0.0, 60.0)),
        automatic=draw.random() < 0.8,
        min_success=draw.choice((0.5, 0.95)),
        stop_rule=StopRule(StopRuleKind.PERCENTAGE, min_count=draw.randint(1, 3))
        if percentage
        else StopRule(),
        on_stop=draw.choice((OnStop.PAUSE, OnStop.REVERT)),
        max_per_minute=draw.choice((None, 1)),
        max_at_once=draw.choice((None, 1, 2)),
        attempts=draw.randint(1, 3),
        watch_seconds=draw.choice((0.0, 120.0)),
        offer_seconds=100.0,
    )


def act(world: World, draw: random.Random) -> None:
    """Mostly what devices do in earnest; and a good part of what they should not."""
    device, chance = draw.choice(world.ids), draw.random()
    if chance < 0.55:
        update = world.updates.get(device)
        attempt = update.attempt if update is not None else 1
        if draw.random() < 0.1:
            attempt += draw.choice((-1, 1))
        known = draw.random() < 0.75
        said = draw.choice(LIKELY) if known else draw.choice(STAGES + OUTCOMES)
        world.report(device, attempt, said, draw.random() < 0.3)
    elif chance < 0.62:
        world.again(draw.randrange(1_000))
    elif chance < 0.80:
        world.pass_time(draw.choice((1.0, 61.0, 101.0)))
    elif chance < 0.88:
        world.toggle(device)
    elif chance < 0.92:
        world.retry(device)
    elif chance < 0.94:
        world.force(device)
    else:
        world.person(draw.choice(PEOPLE))
