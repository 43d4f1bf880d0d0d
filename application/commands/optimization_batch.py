"""Asking for the optimization of many models at once: one request each, granted or refused alone.

What is refused for one model leaves the others alone; each job is one save, and spends its own unit
of quota. With an idempotency key each model has a key of its own that follows from it, so a batch
that was cut off is asked for again as it was, and makes what is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from application.commands.command import Receipt, Request
from application.commands.job import request_optimization
from application.commands.optimization_order import OptimizationOrder
from application.platform import Platform
from domain.principal import Role
from domain.refusal import Refusal, invalid

MOST_MODELS = 100
MUTATION = "modelsOptimize"


@dataclass(frozen=True, slots=True)
class Item:
    """What became of the request for one model: its receipt or its refusal."""

    model_id: UUID
    receipt: Receipt | None = None
    refusal: Refusal | None = None


def request_optimizations(
    platform: Platform, request: Request, *, model_ids: Sequence[UUID], order: OptimizationOrder
) -> list[Item]:
    """In the order of the models, each once. Raises Refusal for what is wrong with all of them."""
    request.principal.require(Role.OPERATOR)
    wanted = list(dict.fromkeys(model_ids))
    if not 1 <= len(wanted) <= MOST_MODELS:
        raise invalid("modelIds", f"Name 1 to {MOST_MODELS} models.")
    return [_item(platform, _of(request, model_id), model_id, order) for model_id in wanted]


def _of(request: Request, model_id: UUID) -> Request:
    if request.idempotency_key is None:
        return request
    return replace(request, idempotency_key=str(request.new_id(f"{MUTATION}:{model_id}")))


def _item(platform: Platform, request: Request, model_id: UUID, order: OptimizationOrder) -> Item:
    try:
        receipt = request_optimization(platform, request, model_id=model_id, order=order)
    except Refusal as refusal:
        return Item(model_id, refusal=refusal)
    return Item(model_id, receipt)
