"""The port `GoldenMaker`: the reference runs in the sandbox, as every model does here."""

import shutil
import tempfile
from pathlib import Path

from application.ports.engine import GoldenFound, ModelFile
from domain.parity import InputsUsed
from domain.release import GOLDEN
from infrastructure.engine.brought_down import told_of_the_model
from infrastructure.engine.child_process import Unwatched
from infrastructure.engine.limits import Limits
from infrastructure.engine.pythons import Pythons
from infrastructure.engine.refusals import REFERENCE_FIELD
from infrastructure.engine.sandbox import Sandbox
from infrastructure.toolchains.environments import Environments


class SandboxedGoldenMaker:
    """`scratch` is the folder for working folders."""

    def __init__(
        self,
        sandbox: Sandbox,
        scratch: Path,
        limits: Limits | None = None,
        environments: Environments | None = None,
    ) -> None:
        self._pythons, self._scratch = Pythons(sandbox, environments), scratch
        self._limits = limits or Limits()

    def golden(
        self, reference: ModelFile, data: Path | None, samples: int, into: Path
    ) -> GoldenFound:
        """See the port."""
        model = reference.path.resolve()
        sandbox = self._pythons.for_running(reference.format, Unwatched())
        request = {
            "model": str(model),
            "data": None if data is None else str(data.resolve()),
            "samples": samples,
        }
        reads = [model] if data is None else [model, data.resolve()]
        with (
            tempfile.TemporaryDirectory(dir=self._scratch, prefix="golden-") as folder,
            told_of_the_model(REFERENCE_FIELD),
        ):
            answer = sandbox.run("golden", request, Path(folder), limits=self._limits, reads=reads)
            shutil.copyfile(Path(folder) / GOLDEN, into)
        return GoldenFound(int(answer.result["samples"]), InputsUsed(answer.result["inputs"]))
