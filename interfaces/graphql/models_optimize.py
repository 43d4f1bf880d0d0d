"""The mutation that asks for the optimization of many models at once."""

from asyncio import gather

import strawberry

from application.commands.optimization_batch import MOST_MODELS, Item, request_optimizations
from application.views.job import JobRow
from domain.refusal import invalid
from interfaces.graphql.context import Info
from interfaces.graphql.errors import UserError, user_error
from interfaces.graphql.job import Job
from interfaces.graphql.mutating import Payload, carry_out, mutation, shown_after
from interfaces.graphql.node import global_id, parsed_id
from interfaces.graphql.optimize_input import OptimizeInput
from interfaces.graphql.scalars import BigInt


@strawberry.type(description="What became of one model: its job, or why there is none.")
class OptimizationItem:
    model_id: strawberry.ID
    job: Job | None
    user_errors: list[UserError]


@strawberry.type(
    description="An item for each model, in their order; `userErrors` is about all of them, what is"
    " refused for one model is in its item."
)
class OptimizationBatchPayload(Payload):
    items: list[OptimizationItem] = strawberry.field(default_factory=list)


@strawberry.type
class ModelsOptimizeMutation:
    @mutation(
        OptimizationBatchPayload,
        f"Optimizes up to {MOST_MODELS} models in the background, each by the same input, from its"
        " latest upload. What is refused for one leaves the others alone.",
    )
    async def models_optimize(
        self,
        info: Info,
        model_ids: list[strawberry.ID],
        input: OptimizeInput,
        idempotency_key: str | None = None,
    ) -> OptimizationBatchPayload:
        if not 1 <= len(model_ids) <= MOST_MODELS:
            raise invalid("modelIds", f"Name 1 to {MOST_MODELS} models.")
        models, order = [parsed_id("Model", one, "modelIds") for one in model_ids], input.order()
        found = await carry_out(
            info, request_optimizations, idempotency_key, model_ids=models, order=order
        )
        position = max((one.receipt.position for one in found if one.receipt), default=0)
        return OptimizationBatchPayload(
            items=await gather(*(_shown(info, position, one) for one in found)),
            event_position=BigInt(position) if position else None,
        )


async def _shown(info: Info, position: int, item: Item) -> OptimizationItem:
    model = global_id("Model", item.model_id)
    if item.receipt is None:
        assert item.refusal is not None
        error = user_error(item.refusal)
        error.field = _spelled(error.field)
        return OptimizationItem(model_id=model, job=None, user_errors=[error])
    job = await shown_after(info, position, Job, JobRow, item.receipt.id, "jobs")
    return OptimizationItem(model_id=model, job=job, user_errors=[])


def _spelled(field: str | None) -> str | None:
    """`modelId` is the item's own; the rest is inside the input."""
    return field if field in (None, "modelId", "idempotencyKey") else f"input.{field}"
