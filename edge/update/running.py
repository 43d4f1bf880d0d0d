"""What the slot that is switched to makes run, and what is told of it."""

from typing import Any

from edge.inference.wish import Installed
from edge.update.fitting import model_of
from edge.update.record import Record
from edge.update.slots import Slot, Slots


def model_in(slot: Slot | None) -> Installed | None:
    """The model of the release, where it has one."""
    found = model_of(slot.manifest.components, slot.manifest.files) if slot else None
    if slot is None or found is None:
        return None
    component, file = found
    return Installed(
        slot.manifest.release, slot.path(file), file.sha256, file.bytes, str(component.format),
        component.name,
    )  # fmt: skip


def status(record: Record, slots: Slots) -> dict[str, Any]:
    """JSON, for people and scripts."""
    current, other, last = slots.current(), slots.other(), record.reports[-1:]
    return {
        "release": current.manifest.release if current else None,
        "slot": current.folder.name if current else None,
        "other": other.manifest.release if other else None,
        "stage": str(record.stage),
        "update": str(record.offer.update) if record.offer else None,
        "counter": record.counter,
        "last": last[0].report.body() | {"update": str(last[0].update)} if last else None,
    }
