"""What each plan allows. A limit of None means unlimited."""

from dataclasses import dataclass
from enum import StrEnum

MB = 1_000_000
GB = 1_000_000_000


class Plan(StrEnum):
    """The plans a tenant can be on."""

    FREE = "FREE"
    STARTER = "STARTER"
    PRO = "PRO"
    ENTERPRISE = "ENTERPRISE"


class QuotaKind(StrEnum):
    """What is counted. Models count while they live; the others per calendar month, UTC."""

    MODELS = "models"
    OPTIMIZATIONS = "optimizations"
    BENCHMARKS = "benchmarks"

    @property
    def monthly(self) -> bool:
        return self is not QuotaKind.MODELS


@dataclass(frozen=True, slots=True)
class Limits:
    """Counts, and the size in bytes of the largest model or artifact."""

    models: int | None
    optimizations: int | None
    benchmarks: int | None
    largest_model_bytes: int

    def of(self, kind: QuotaKind) -> int | None:
        limits = {
            QuotaKind.MODELS: self.models,
            QuotaKind.OPTIMIZATIONS: self.optimizations,
            QuotaKind.BENCHMARKS: self.benchmarks,
        }
        return limits[kind]


LIMITS = {
    Plan.FREE: Limits(3, 5, 10, 100 * MB),
    Plan.STARTER: Limits(20, 50, 100, 500 * MB),
    Plan.PRO: Limits(100, 500, 1_000, 2 * GB),
    Plan.ENTERPRISE: Limits(None, None, None, 10 * GB),
}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What API operations may cost: a bucket of so many points, refilled by so many a second, and
    at most so many for one operation. What an object costs is in `interfaces/graphql/cost.py`."""

    size: int
    refill: int
    largest: int


ALLOWANCES = {
    Plan.FREE: Allowance(20_000, 200, 10_000),
    Plan.STARTER: Allowance(50_000, 500, 10_000),
    Plan.PRO: Allowance(200_000, 2_000, 20_000),
    Plan.ENTERPRISE: Allowance(1_000_000, 10_000, 20_000),
}
