"""Where a figure comes from. A figure without evidence is never shown."""

from enum import StrEnum


class Evidence(StrEnum):
    """MEASURED on the hardware named beside it; EMULATED on other hardware that ran the same
    instructions; ESTIMATED by a model of the hardware; BUILT, and never run."""

    MEASURED = "MEASURED"
    EMULATED = "EMULATED"
    ESTIMATED = "ESTIMATED"
    BUILT = "BUILT"
