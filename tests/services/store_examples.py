"""What tests of the store save: a tenant's cause, and small aggregates made under it."""

from contextlib import AbstractContextManager
from uuid import UUID, uuid4

from domain.cause import Cause, acting
from domain.model import Model, Task


def in_tenant(tenant_id: UUID) -> AbstractContextManager[Cause]:
    """Everything in the block happens in this tenant."""
    return acting(Cause(tenant_id, "user:test", "request:test", "request:test"))


def new_model(name: str = "yolo") -> Model:
    """A model with one pending event."""
    return Model.register(uuid4(), name, Task.OTHER, "")


def busy_model(changes: int) -> Model:
    """A model with one pending event and this many more."""
    model = new_model()
    for change in range(changes):
        if change % 2:
            model.restore()
        else:
            model.archive()
    return model
