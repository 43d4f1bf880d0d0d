"""What no message brings about: sessions that ended, and commands whose time is over.

Several gateways may do it at once: each act changes nothing when it is repeated.
"""

from application.commands.command import Request
from application.commands.device_reports import expire_command, go_offline
from application.platform import Platform
from application.ports.device_sessions import DeviceSessions
from application.ports.device_upkeep import DeviceUpkeep
from domain.principal import device, system

MOST = 100


def end_sessions(platform: Platform, sessions: DeviceSessions) -> bool:
    """Returns whether there may be more."""
    found = sessions.ended(MOST)
    for one in found:
        session = one.session
        request = Request(device(session.tenant_id, session.device_id))
        go_offline(platform, request, boot_id=session.boot_id, reason=one.reason)
        sessions.forget(session)
    return len(found) == MOST


def expire_commands(platform: Platform, upkeep: DeviceUpkeep) -> bool:
    """Returns whether there may be more."""
    found = upkeep.overdue_commands(MOST)
    for one in found:
        request = Request(system(one.tenant_id))
        expire_command(platform, request, device_id=one.device_id, command_id=one.command_id)
    return len(found) == MOST
