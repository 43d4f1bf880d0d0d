"""Everything that people need to sign in: the ports, bound together once by `bootstrap`."""

from collections.abc import Callable
from dataclasses import dataclass

from application.ports.passwords import Passwords
from application.ports.people import Invitees, PeopleTable
from application.ports.sessions import Sessions
from application.ports.throttle import Throttle


@dataclass(frozen=True, slots=True)
class People:
    """`link` makes the address of a page of this installation from its path."""

    table: PeopleTable
    invitees: Invitees
    sessions: Sessions
    passwords: Passwords
    throttle: Throttle
    link: Callable[[str], str]
