"""What only an owner may read: a refusal of it is recorded as that of an owner's act is."""

import anyio.to_thread

from domain.principal import Role
from domain.refusal import Refusal
from interfaces.graphql.context import Info


async def require_owner(info: Info) -> None:
    """Raises Refusal(FORBIDDEN)."""
    context = info.context
    caller = context.caller
    try:
        caller.require(Role.OWNER)
    except Refusal:
        noting = context.platform.refused_acts.note
        await anyio.to_thread.run_sync(
            noting, caller, info.field_name, context.request_id, limiter=context.limiter
        )
        raise
