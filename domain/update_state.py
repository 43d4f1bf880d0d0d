"""The states of an update, and which may follow which."""

from enum import StrEnum


class Stage(StrEnum):
    """How far a device is, by its own word, in this order; some may be left out."""

    ACCEPTED = "ACCEPTED"
    DOWNLOADING = "DOWNLOADING"
    VERIFIED = "VERIFIED"
    WAITING = "WAITING"
    INSTALLING = "INSTALLING"
    PROBATION = "PROBATION"


class Outcome(StrEnum):
    """REJECTED: the device will not take it, now or later. FAILED: it did not work, and the device
    is as it was. TIMED_OUT: no end in time. LOST: silent since it installed. LOCAL_ROLLED_BACK: the
    device found it unwell and went back by itself. CANCELED: by the rollout, before anything was
    installed. SKIPPED: nothing to do, it runs this release already. REVERTED: taken back."""

    CONFIRMED = "CONFIRMED"
    SKIPPED = "SKIPPED"
    REJECTED = "REJECTED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    LOST = "LOST"
    LOCAL_ROLLED_BACK = "LOCAL_ROLLED_BACK"
    REVERTED = "REVERTED"

    @property
    def good(self) -> bool:
        return self is Outcome.CONFIRMED

    @property
    def bad(self) -> bool:
        """Counts against the rollout."""
        return self in _BAD


_BAD = (
    Outcome.REJECTED,
    Outcome.FAILED,
    Outcome.TIMED_OUT,
    Outcome.LOST,
    Outcome.LOCAL_ROLLED_BACK,
)


class UpdateState(StrEnum):
    QUEUED = "QUEUED"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    DOWNLOADING = "DOWNLOADING"
    VERIFIED = "VERIFIED"
    WAITING = "WAITING"
    INSTALLING = "INSTALLING"
    PROBATION = "PROBATION"
    CONFIRMED = "CONFIRMED"
    SKIPPED = "SKIPPED"
    REJECTED = "REJECTED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    LOST = "LOST"
    LOCAL_ROLLED_BACK = "LOCAL_ROLLED_BACK"
    REVERTING = "REVERTING"
    REVERTED = "REVERTED"

    @property
    def rank(self) -> int:
        """How far along the way it is; 0 outside of it."""
        return _WAY.index(self) if self in _WAY else 0

    @property
    def under_way(self) -> bool:
        """An offer is open: the device's slot is taken."""
        return self.rank > 0 or self is UpdateState.REVERTING

    @property
    def may_be_retried(self) -> bool:
        return self in (
            UpdateState.FAILED,
            UpdateState.TIMED_OUT,
            UpdateState.LOST,
            UpdateState.LOCAL_ROLLED_BACK,
        )

    @property
    def may_be_reverted(self) -> bool:
        """The device has it, or may have."""
        return self in (UpdateState.CONFIRMED, UpdateState.LOST) or (
            self.rank >= UpdateState.INSTALLING.rank
        )

    @staticmethod
    def before_installing() -> tuple["UpdateState", ...]:
        return _WAY[1 : _WAY.index(UpdateState.INSTALLING)]


_WAY = (
    UpdateState.QUEUED,
    UpdateState.OFFERED,
    UpdateState.ACCEPTED,
    UpdateState.DOWNLOADING,
    UpdateState.VERIFIED,
    UpdateState.WAITING,
    UpdateState.INSTALLING,
    UpdateState.PROBATION,
)


def outcome_of(state: UpdateState, outcome: Outcome, reverting: bool, attempt: int) -> bool:
    """Whether the update can end so from here. `reverting`: the newest offer was of the way back,
    of which only its end can come late; `attempt` is 0 where nothing was offered yet."""
    silent = state in (UpdateState.LOST, UpdateState.TIMED_OUT)
    if outcome is Outcome.REVERTED:
        return state is UpdateState.REVERTING or (reverting and silent)
    if state is UpdateState.REVERTING:
        return outcome in (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST)
    if outcome in (Outcome.CANCELED, Outcome.SKIPPED):
        return state in (UpdateState.QUEUED, *UpdateState.before_installing())
    if reverting or attempt == 0:
        return False
    if state is UpdateState.CONFIRMED:
        return outcome in (Outcome.LOCAL_ROLLED_BACK, Outcome.FAILED)
    if silent or state is UpdateState.CANCELED:
        # The device did not hear of it in time, or was not heard.
        return outcome in (Outcome.CONFIRMED, Outcome.LOCAL_ROLLED_BACK)
    return state.under_way
