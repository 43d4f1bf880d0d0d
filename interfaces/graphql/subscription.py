"""Subscriptions on the log: what was appended, and what changed a model."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry

from application.as_of import Past
from application.views.model import ModelRow
from domain.model import Model as ModelStream
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.event import Event, checked_stream
from interfaces.graphql.fields import subscription
from interfaces.graphql.following import appended, require_stream, start_of
from interfaces.graphql.model import Model
from interfaces.graphql.node import parsed_id
from interfaces.graphql.scalars import BigInt


@strawberry.type(description="An event of a model, and the model as that event left it.")
class ModelChange:
    model: Model
    event: Event


@strawberry.type
class LogSubscription:
    @subscription("Every event, or those of one object (`of`), after a position; else from now.")
    async def events_appended(
        self, info: Info, after: BigInt | None = None, of: strawberry.ID | None = None
    ) -> AsyncGenerator[Event, None]:
        stream = None if of is None else await checked_stream(info, of)
        start = await start_of(info, after)
        async with aclosing(appended(info, start, stream)) as rows:
            async for row in rows:
                yield Event.of(row)

    @subscription("Every change of a model; completes after its deletion.")
    async def model_changed(
        self, info: Info, model_id: strawberry.ID, after: BigInt | None = None
    ) -> AsyncGenerator[ModelChange, None]:
        stream = parsed_id("Model", model_id, "modelId")
        began = ModelStream.Registered.TOPIC
        await require_stream(info, stream, began, "model", "modelId")
        start = await start_of(info, after)
        past = Past(info.context.present.reads, until=start, with_deleted=True)
        await past.fold([stream])
        rows = Batched(past)
        row = await rows.one(ModelRow, stream)
        if row is not None and row.status == "DELETED":
            return
        async with aclosing(appended(info, start, stream)) as events:
            async for event in events:
                await past.advance([stream], event.position)
                row = await rows.one(ModelRow, stream)
                assert row is not None
                yield ModelChange(model=Model.of(row, rows), event=Event.of(event))
                if event.topic == ModelStream.Deleted.TOPIC:
                    return
