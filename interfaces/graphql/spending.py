"""What a tenant may still spend on operations: one bucket a tenant, filled as its plan says.

The plan is looked up again after 30 s, so a change of plan takes as long to apply. An operation
that could not be read costs as much as the smallest one.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from graphql import GraphQLError

from application.ports.buckets import Buckets, Filling, seconds_until
from application.ports.reads import Reads
from application.views.tenant import TenantRow
from domain.plan import ALLOWANCES, Allowance, Plan

LEAST = 1
PLAN_SECONDS = 30.0
MOST_TENANTS = 10_000
COST_TOO_HIGH, RATE_LIMITED = "COST_TOO_HIGH", "RATE_LIMITED"


@dataclass(frozen=True, slots=True)
class Bill:
    """What an operation costs and what is left, as `extensions.cost` tells it."""

    requested: int
    allowance: Allowance
    remaining: float
    granted: bool

    def told(self) -> dict[str, Any]:
        missing = seconds_until(self.allowance.size, self.remaining, self._filling)
        full_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=missing)
        return {
            "requested": self.requested,
            "maximum": self.allowance.largest,
            "remaining": int(self.remaining),
            "restoreRate": self.allowance.refill,
            "resetAt": full_at.isoformat(),
        }

    def refusal(self) -> GraphQLError | None:
        """Why the operation may not run; None when it may."""
        if self.requested > self.allowance.largest:
            return GraphQLError(
                f"This operation costs {self.requested:,}; {self.allowance.largest:,} is the most. "
                "Ask for smaller pages (`first`), or for fewer lists within lists, in several "
                "operations.",
                extensions={"code": COST_TOO_HIGH},
            )
        if self.granted:
            return None
        wait = max(1, seconds_until(self.requested, self.remaining, self._filling))
        return GraphQLError(
            f"This operation costs {self.requested:,} and {int(self.remaining):,} is left. "
            f"Try again in {wait} s; {self.allowance.refill:,} comes back every second.",
            extensions={"code": RATE_LIMITED, "retryAfter": wait},
        )

    @property
    def _filling(self) -> Filling:
        return Filling(self.allowance.size, self.allowance.refill)


class Spending:
    """What all tenants spend."""

    def __init__(self, buckets: Buckets, reads: Reads) -> None:
        self._buckets, self._reads = buckets, reads
        self._allowances: OrderedDict[UUID, tuple[Allowance, float]] = OrderedDict()

    async def bill(self, tenant_id: UUID, cost: int) -> Bill:
        """Takes what the operation costs; LEAST of it when it costs more than any may."""
        allowance = await self._allowance(tenant_id)
        amount = max(LEAST, cost) if cost <= allowance.largest else LEAST
        filling = Filling(allowance.size, allowance.refill)
        taken = await self._buckets.take(f"cost:{tenant_id}", amount, filling)
        return Bill(cost, allowance, taken.remaining, taken.granted)

    async def _allowance(self, tenant_id: UUID) -> Allowance:
        known, now = self._allowances.get(tenant_id), time.monotonic()
        if known is not None and now < known[1]:
            return known[0]
        rows = await self._reads.within(tenant_id).find(TenantRow, "id", [tenant_id])
        plan = Plan(rows[0].plan) if rows else Plan.FREE
        self._allowances[tenant_id] = (ALLOWANCES[plan], now + PLAN_SECONDS)
        self._allowances.move_to_end(tenant_id)
        if len(self._allowances) > MOST_TENANTS:
            self._allowances.popitem(last=False)
        return ALLOWANCES[plan]
