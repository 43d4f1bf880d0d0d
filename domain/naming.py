"""Names that people give to things, and the promise that a name is used once.

A name is 1 to 120 characters, without control, formatting or bidirectional characters, and with
no space at its ends: two names that look alike to a reader should not be two names.
"""

import unicodedata
from dataclasses import field
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, CreatedEvent
from domain.refusal import Refusal, RefusalCode, invalid

LONGEST_NAME = 120
_FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def checked_name(name: str, where: str = "name") -> str:
    """The name in NFC form. Raises Refusal naming the field `where`."""
    name = unicodedata.normalize("NFC", name)
    if not name.strip():
        raise invalid(where, "The name is empty. Give a name of 1 to 120 characters.")
    if len(name) > LONGEST_NAME:
        raise invalid(
            where,
            f"The name has {len(name)} characters. Shorten it to {LONGEST_NAME} at most.",
        )
    if name != name.strip():
        raise invalid(where, "The name begins or ends with a space. Remove it.")
    for character in name:
        if unicodedata.category(character) in _FORBIDDEN:
            raise invalid(
                where,
                f"The name contains the invisible character U+{ord(character):04X}. Remove it.",
            )
    return name


class Name(Aggregate):
    """The reservation of one name for one kind of thing in one tenant.

    Its stream's id is made from the name, so two holders would need the same stream version:
    the event store lets only one of them be saved.
    """

    TOPIC = "name"
    holder: UUID | None = field(init=False)

    class Event(Aggregate.Event):
        pass

    class Reserved(Event, CreatedEvent):
        TOPIC = "name.reserved"
        kind: str
        value: str
        holder: UUID

        def apply(self, aggregate: "Name") -> None:
            aggregate.holder = self.holder

    class Released(Event):
        TOPIC = "name.released"

        def apply(self, aggregate: "Name") -> None:
            aggregate.holder = None

    class ReservedAgain(Event):
        TOPIC = "name.reserved-again"
        holder: UUID

        def apply(self, aggregate: "Name") -> None:
            aggregate.holder = self.holder

    @staticmethod
    def id_of(tenant_id: UUID, kind: str, value: str) -> UUID:
        """Names differ only if they differ without regard to case."""
        return uuid5(tenant_id, f"name:{kind}:{value.casefold()}")

    @classmethod
    def reserve(cls, tenant_id: UUID, kind: str, value: str, holder: UUID) -> "Name":
        """A name that was never used before in this tenant."""
        stream = cls.id_of(tenant_id, kind, value)
        return cls._create(
            cls.Reserved,
            id=stream,
            request_hash="",
            kind=kind,
            value=value,
            holder=holder,
        )

    def reserve_again(self, kind: str, value: str, holder: UUID) -> None:
        """Takes a name that was released. Raises Refusal(NAME_TAKEN) when another holds it."""
        if self.holder == holder:
            return
        if self.holder is not None:
            raise Refusal(
                RefusalCode.NAME_TAKEN,
                f"A {kind} named “{value}” exists already. Choose another name.",
                "name",
            )
        self.trigger_event(Name.ReservedAgain, holder=holder)

    def release(self, holder: UUID) -> None:
        """Gives the name up; does nothing when somebody else holds it by now."""
        if self.holder == holder:
            self.trigger_event(Name.Released)
