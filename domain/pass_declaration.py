"""What each pass is done on, needs and can be told: people choose by it, and jobs are sent to
workers that have what is needed."""

from dataclasses import dataclass
from enum import StrEnum

from domain.evidence import Evidence
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass


class Data(StrEnum):
    """Whether a pass wants to see real inputs."""

    NOT_USED = "NOT_USED"
    HELPS = "HELPS"
    REQUIRED = "REQUIRED"


@dataclass(frozen=True, slots=True)
class Declaration:
    """One pass on one format, `format`; it gives a file of the format `gives`, the same where that
    is None. `settings` are what a request can set that the pass reads; `needs` are the Python
    packages that it imports, and `toolchain` the environment that has them where this server's
    own may not; `evidence` is what its times on a CPU are."""

    made_by: Pass
    what: str
    format: ModelFormat
    needs: tuple[str, ...]
    settings: tuple[str, ...] = ()
    calibration: Data = Data.NOT_USED
    evidence: Evidence = Evidence.MEASURED
    gives: ModelFormat | None = None
    toolchain: str = ""

    @property
    def given(self) -> ModelFormat:
        return self.gives or self.format

    @property
    def hardware(self) -> str:
        """What runs the file that it gives, in words; empty where a CPU does. The pass itself is
        done on any machine."""
        return self.given.hardware
