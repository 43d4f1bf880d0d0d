"""Where a rollout stands, and why it was stopped."""

from enum import StrEnum


class RolloutStatus(StrEnum):
    DRAFT = "DRAFT"
    PENDING_APPROVAL = "PENDING_APPROVAL"
    APPROVED = "APPROVED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    ROLLING_BACK = "ROLLING_BACK"
    ROLLED_BACK = "ROLLED_BACK"
    ROLLBACK_INCOMPLETE = "ROLLBACK_INCOMPLETE"
    COMPLETED = "COMPLETED"
    ABORTED = "ABORTED"

    @property
    def ended(self) -> bool:
        return self in _ENDED


_ENDED = (
    RolloutStatus.ROLLED_BACK,
    RolloutStatus.ROLLBACK_INCOMPLETE,
    RolloutStatus.COMPLETED,
    RolloutStatus.ABORTED,
)


class WavePhase(StrEnum):
    """DISPATCHING: offers go out. SOAKING: every device of the wave that answers has ended, and it
    is watched for a while. DECIDING: waits for evidence, or for somebody to promote it."""

    DISPATCHING = "DISPATCHING"
    SOAKING = "SOAKING"
    DECIDING = "DECIDING"


class PauseReason(StrEnum):
    """BY_HAND; STOP_RULE and HEALTH_GATE: the evidence tells; NO_SUCCESS: not one device of a wave
    took it; NOT_PREPARED: the release could not be made ready."""

    BY_HAND = "BY_HAND"
    STOP_RULE = "STOP_RULE"
    HEALTH_GATE = "HEALTH_GATE"
    NO_SUCCESS = "NO_SUCCESS"
    NOT_PREPARED = "NOT_PREPARED"
