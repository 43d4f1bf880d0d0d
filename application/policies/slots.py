"""A device whose update has ended may be updated again."""

from application.commands.command import Request
from application.commands.update import free_slot
from application.platform import Platform
from application.policies.policy import Policy
from domain.update import Update

slots = Policy("slots")


@slots.on(Update.Settled)
def _settled(platform: Platform, request: Request, event: Update.Settled) -> None:
    free_slot(platform, request, settled=event)
