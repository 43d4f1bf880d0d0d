"""How a rollout goes: who is meant, in which waves, and what stops it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.device_query import DeviceQuery
from domain.refusal import invalid

MOST_WAVES = 50
MOST_NAMED = 1_000
MOST_RATIO = 1_000
MOST_COUNTED = 100_000
MINUTES_OF_A_DAY = 1_440
LEAST_RATE = 1e-6
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Target:
    """Devices by their ids, or all that a query means, or a saved one; exactly one is given.
    `dynamic`: devices that come to be meant later are added to the last wave; else who is meant is
    fixed at approval."""

    device_ids: tuple[UUID, ...] = ()
    query: DeviceQuery | None = None
    group_id: UUID | None = None
    dynamic: bool = False

    def checked(self) -> "Target":
        given = (bool(self.device_ids), self.query is not None, self.group_id is not None)
        if sum(given) != 1:
            raise invalid("target", "Give devices, a query or a group: one of them.")
        if len(self.device_ids) > MOST_NAMED:
            raise invalid(
                "target.deviceIds",
                f"Name at most {MOST_NAMED:,} devices one by one. Give more of them a label, and "
                "target that.",
            )
        if self.dynamic and self.device_ids:
            raise invalid("target.dynamic", "Devices that are named one by one stay the same.")
        return self


@dataclass(frozen=True, slots=True)
class Wave:
    """How many devices it has: a share of all of them, 0 to 1, or a count. The last wave takes the
    rest, whatever it says."""

    share: float | None = None
    count: int | None = None

    def checked(self, field: str) -> "Wave":
        by_share = self.share is not None and 0 < self.share <= 1
        by_count = self.count is not None and self.count >= 1
        if by_share == by_count or (self.share is not None and self.count is not None):
            raise invalid(field, "Give each wave a share above 0 % and up to 100 %, or a count.")
        return self


class StopRuleKind(StrEnum):
    """E_PROCESS: an anytime-valid sequential test. PERCENTAGE: the plain share of failures."""

    E_PROCESS = "E_PROCESS"
    PERCENTAGE = "PERCENTAGE"


@dataclass(frozen=True, slots=True)
class StopRule:
    """E_PROCESS: `healthy_rate` is the failure rate that is still healthy, `alpha` how often a
    healthy rollout may be stopped. PERCENTAGE: stop above `max_rate` after `min_count` outcomes."""

    kind: StopRuleKind = StopRuleKind.E_PROCESS
    healthy_rate: float = 0.02
    alpha: float = 0.05
    max_rate: float = 0.10
    min_count: int = 20

    def checked(self, field: str = "stopRule") -> "StopRule":
        """Raises Refusal naming what is wrong inside of `field`."""
        for name in ("healthy_rate", "alpha", "max_rate"):
            if not LEAST_RATE <= getattr(self, name) <= 1 - LEAST_RATE:
                raise invalid(
                    f"{field}.{name}", f"Give a rate between {LEAST_RATE:f} and {1 - LEAST_RATE:f}."
                )
        if self.min_count < 1:
            raise invalid(f"{field}.min_count", "Give a whole number from 1 on.")
        return self


class HealthMetric(StrEnum):
    """LATENCY: p95 of inference, ms. ERROR_RATE: of inferences. CRASH_RATE: starts of the agent a
    device and hour. MEMORY: of the agent, bytes."""

    LATENCY = "LATENCY"
    ERROR_RATE = "ERROR_RATE"
    CRASH_RATE = "CRASH_RATE"
    MEMORY = "MEMORY"


@dataclass(frozen=True, slots=True)
class HealthGate:
    """The devices on the new release may have at most `max_ratio` times the median of those that
    still run the old one, once `min_devices` of each have reported."""

    metric: HealthMetric
    max_ratio: float = 1.25
    min_devices: int = 3

    def checked(self, field: str) -> "HealthGate":
        if not 0 < self.max_ratio <= MOST_RATIO:
            raise invalid(f"{field}.max_ratio", f"Give a ratio above 0 and up to {MOST_RATIO:,}.")
        if not 1 <= self.min_devices <= MOST_COUNTED:
            raise invalid(f"{field}.min_devices", f"Give a number from 1 to {MOST_COUNTED:,}.")
        return self


class OnStop(StrEnum):
    PAUSE = "PAUSE"
    REVERT = "REVERT"


@dataclass(frozen=True, slots=True)
class Window:
    """In the device's local time (its fact `utc_offset_minutes`): from minute to minute of the day;
    `days` are ISO weekdays, 1 is Monday. One that ends before it begins goes over midnight."""

    from_minute: int
    to_minute: int
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)

    def checked(self) -> "Window":
        for name, most in (("from_minute", MINUTES_OF_A_DAY - 1), ("to_minute", MINUTES_OF_A_DAY)):
            if not 0 <= getattr(self, name) <= most:
                raise invalid(f"window.{name}", f"Give minutes from 0 to {most:,}.")
        if self.from_minute == self.to_minute:
            raise invalid("window.to_minute", "The window is empty. Let it end later.")
        if not self.days or not set(self.days) <= set(range(1, 8)):
            raise invalid("window.days", "Give days from 1 (Monday) to 7 (Sunday), one at least.")
        return self


@dataclass(frozen=True, slots=True)
class Plan:
    """Times in seconds. `min_success` of the wave's outcomes must be good to be promoted. Offers
    are limited to `max_per_minute`, and `max_at_once` updates under way. `offer_seconds` is how
    long a device has from the offer to the end; silence after that counts against the rollout.
    `watch_seconds` after completion a failure still stops it. `reference_id` is the artifact whose
    outputs the model on the device has to give; None for the one that it was made from."""

    waves: tuple[Wave, ...] = (Wave(share=0.2), Wave(share=1.0))
    soak_seconds: float = 300.0
    automatic: bool = True
    min_success: float = 0.95
    stop_rule: StopRule = StopRule()
    gates: tuple[HealthGate, ...] = ()
    on_stop: OnStop = OnStop.REVERT
    window: Window | None = None
    max_per_minute: int | None = None
    max_at_once: int | None = None
    starts_at: datetime | None = None
    needs_approval: bool = False
    attempts: int = 2
    offer_seconds: float = 3_600.0
    probation_seconds: float = 60.0
    watch_seconds: float = 0.0
    bandwidth: int | None = None
    reference_id: UUID | None = None

    def checked(self) -> "Plan":
        """Raises Refusal naming the field."""
        if not 1 <= len(self.waves) <= MOST_WAVES:
            raise invalid("waves", f"Give 1 to {MOST_WAVES} waves.")
        for number, wave in enumerate(self.waves):
            wave.checked(f"waves.{number}")
        self.stop_rule.checked()
        for number, gate in enumerate(self.gates):
            gate.checked(f"gates.{number}")
        if len({gate.metric for gate in self.gates}) < len(self.gates):
            raise invalid("gates", "Give one gate for each metric.")
        if self.window is not None:
            self.window.checked()
        if self.starts_at is not None and self.starts_at.tzinfo is None:
            raise invalid("starts_at", "Give the time with its offset.")
        for name, least, most in (
            ("soak_seconds", 0, 90 * DAY),
            ("offer_seconds", 10, 90 * DAY),
            ("probation_seconds", 0, DAY),
            ("watch_seconds", 0, 90 * DAY),
            ("min_success", 0, 1),
            ("attempts", 1, 10),
        ):
            if not least <= getattr(self, name) <= most:
                raise invalid(name, f"Give a number from {least:g} to {most:g}.")
        for name in ("max_per_minute", "max_at_once", "bandwidth"):
            given = getattr(self, name)
            if given is not None and given < 1:
                raise invalid(name, "Give a whole number from 1 on.")
        return self
