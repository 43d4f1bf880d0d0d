"""What a network's tensors are seen to hold: the extremes are ONNX Runtime's own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from onnxruntime.quantization import CalibrationMethod as OrtMethod
from onnxruntime.quantization.calibrate import TensorsData, create_calibrator
from onnxruntime.quantization.shape_inference import quant_pre_process

from domain.optimization_spec import Calibration, CalibrationMethod
from infrastructure.engine.onnx.passes.calibration import Ranges
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.proof.inputs import inputs_for
from tests.engine import networks
from tests.engine.watching import Remembering

OPERATORS = ["Conv", "Relu", "Gemm"]


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    path = tmp_path / "prepared.onnx"
    quant_pre_process(networks.conv_net(tmp_path / "source.onnx"), path, skip_symbolic_shape=True)
    return path


class Rows:
    def __init__(self, rows: networks.InMemoryRows) -> None:
        self._left: Iterator[dict[str, np.ndarray]] = rows.iterate(1)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._left, None)


@pytest.mark.parametrize("batch", [1, 3])
def test_extremes_are_those_that_the_library_sees_whatever_the_batch(prepared, batch):
    calibrator = create_calibrator(
        prepared, OPERATORS, str(prepared.with_name("theirs.onnx")), OrtMethod.MinMax
    )
    calibrator.collect_data(Rows(networks.images()))
    how, session = Calibration(CalibrationMethod.MINMAX), open_session(prepared, threads=1)
    found = inputs_for(session, networks.images(), how.samples, batch)
    ranges = Ranges(prepared, OPERATORS, how, found, prepared.parent, Remembering())
    wanted, ours = extremes(calibrator.compute_data()), extremes(ranges.by(how))
    assert ours.keys() == wanted.keys()
    for name, pair in ours.items():
        assert pair == pytest.approx(wanted[name], rel=1e-5, abs=1e-6)


def extremes(told: TensorsData) -> dict[str, list[float]]:
    return {name: [np.asarray(end).item() for end in one.range_value] for name, one in told.items()}
