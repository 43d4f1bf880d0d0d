"""A device's one update slot: one update at a time, whatever rollouts meet there."""

from dataclasses import dataclass, replace
from uuid import UUID

from domain.refusal import Refusal, RefusalCode


@dataclass(frozen=True, slots=True)
class UpdateSlot:
    """`counter` is that of the newest offer ever signed for the device; `installed_by` the rollout
    whose release it runs."""

    counter: int = 0
    update_id: UUID | None = None
    rollout_id: UUID | None = None
    installed_by: UUID | None = None

    def require_free_for(self, update_id: UUID, rollout_id: UUID) -> bool:
        """Whether it is free; False where this update holds it. Raises Refusal(CONFLICT)."""
        if self.update_id not in (None, update_id):
            raise Refusal(
                RefusalCode.CONFLICT,
                f"The device is being updated by rollout {self.rollout_id}. This one waits until "
                "that is settled.",
                "deviceId",
            )
        return self.update_id is None

    def taken(self, update_id: UUID, rollout_id: UUID, counter: int) -> "UpdateSlot":
        return replace(self, counter=counter, update_id=update_id, rollout_id=rollout_id)

    def cleared(self, installed_by: UUID | None) -> "UpdateSlot":
        return replace(self, update_id=None, rollout_id=None, installed_by=installed_by)
