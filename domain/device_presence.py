"""Why a device counts as offline."""

from enum import StrEnum


class OfflineReason(StrEnum):
    """STOPPED: it said goodbye. LOST: its connection broke or its heartbeats stopped. CUT_OFF: its
    certificates were revoked, or it was decommissioned."""

    STOPPED = "STOPPED"
    LOST = "LOST"
    CUT_OFF = "CUT_OFF"
