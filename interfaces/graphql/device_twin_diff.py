"""What became of a twin between two moments."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from application.as_of import Past
from application.views.device import DeviceRow
from domain.device import Device as DeviceStream
from domain.twin import difference
from interfaces.graphql.context import Info
from interfaces.graphql.device import DeviceTwin
from interfaces.graphql.fields import nullable
from interfaces.graphql.following import require_stream
from interfaces.graphql.node import parsed_id
from interfaces.graphql.reading import Moment, moment_of
from interfaces.graphql.scalars import BigInt


@strawberry.type(
    description="`desired` and `reported` are merge patches (RFC 7396) that lead from the twin"
    " `before` to the one `after`: what went away is null. A twin is null where the device was"
    " not there yet; it counts as empty."
)
class DeviceTwinDiff:
    from_position: BigInt
    to_position: BigInt
    before: DeviceTwin | None
    after: DeviceTwin | None
    desired: JSON
    reported: JSON


@strawberry.type
class DeviceTwinDiffQuery:
    @nullable("What became of a twin between any two moments, in either direction; `to` is now.")
    async def device_twin_diff(
        self,
        info: Info,
        device_id: strawberry.ID,
        start: Annotated[Moment, strawberry.argument(name="from")],
        end: Annotated[Moment | None, strawberry.argument(name="to")] = None,
    ) -> DeviceTwinDiff | None:
        stream = parsed_id("Device", device_id, "deviceId")
        await require_stream(info, stream, DeviceStream.Registered.TOPIC, "device", "deviceId")
        first = await moment_of(info, start, "from") or 0
        last = await moment_of(info, end, "to")
        if last is None:
            last = await info.context.present.reads.head()
        before, after = await _row_at(info, stream, first), await _row_at(info, stream, last)
        return DeviceTwinDiff(
            from_position=BigInt(first),
            to_position=BigInt(last),
            before=None if before is None else DeviceTwin.of(before),
            after=None if after is None else DeviceTwin.of(after),
            desired=JSON(
                difference(
                    {} if before is None else before.desired, {} if after is None else after.desired
                )
            ),
            reported=JSON(
                difference(
                    {} if before is None else before.reported,
                    {} if after is None else after.reported,
                )
            ),
        )


async def _row_at(info: Info, stream: UUID, until: int) -> DeviceRow | None:
    past = Past(info.context.present.reads, until)
    await past.fold([stream])
    found = await past.find(DeviceRow, "id", [stream])
    return found[0] if found else None
