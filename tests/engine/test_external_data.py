"""ONNX models with weights in files of their own: taken as one zip, and nothing else followed."""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from application.ports.engine import EngineRefusal, ModelFile
from domain.benchmark import BenchmarkSpec
from domain.model_format import ModelFormat
from domain.optimization import OptimizationSpec, Outcome, Pass
from infrastructure.engine import bundle
from infrastructure.engine.benchmarker import SandboxedBenchmarker
from infrastructure.engine.inspectors import SandboxedModelInspector
from infrastructure.engine.onnx.inspect import inspect_onnx
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.sandbox import Sandbox
from infrastructure.engine.sniff import sniff
from tests.engine import models
from tests.engine.watching import Remembering

Change = Callable[[onnx.TensorProto, Path], object]


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "net"
    folder.mkdir()
    onnx.save(
        models.matmul(),
        folder / "net.onnx",
        save_as_external_data=True,
        location="net.onnx.data",
        size_threshold=0,
    )
    return folder


def zipped(folder: Path) -> Path:
    bundle.pack(folder, folder.with_suffix(".zip"))
    return folder.with_suffix(".zip")


def say(tensor: onnx.TensorProto, **places: str) -> None:
    known = {entry.key: entry.value for entry in tensor.external_data} | places
    del tensor.external_data[:]
    for key, value in known.items():
        tensor.external_data.add(key=key, value=value)


def test_a_zip_of_a_model_and_its_data_is_read_as_onnx(tmp_path: Path, sandbox: Sandbox) -> None:
    file = zipped(folder_of(tmp_path))
    assert sniff(file) is ModelFormat.ONNX
    found = SandboxedModelInspector(sandbox, tmp_path).inspect(file)
    assert found.format is ModelFormat.ONNX
    assert found.signature is not None
    assert found.signature.parameters == 64 * 64
    assert found.signature.operators == {"MatMul": 1}


def test_such_a_model_is_optimized_proven_and_benchmarked(
    tmp_path: Path, sandbox: Sandbox, watch: Remembering
) -> None:
    file = zipped(folder_of(tmp_path))
    spec = OptimizationSpec(passes=(Pass.FP16, Pass.DYNAMIC_INT8), max_drop=0.2)
    into = tmp_path / "made"
    found = SandboxedOptimizer(sandbox).optimize(file, spec, None, None, into, watch)
    for one in found.variants:
        assert one.outcome is Outcome.MADE, one.reason
        assert one.verdict is not None
        assert one.verdict.passed
        assert one.file is not None
        assert one.file.bytes < file.stat().st_size
        onnx.checker.check_model(str(into / one.file.name))
    spec_of_runs = BenchmarkSpec(runs=20, warmup=2)
    files = {"net": ModelFile(file, ModelFormat.ONNX)}
    timed = SandboxedBenchmarker(sandbox, tmp_path).benchmark(files, spec_of_runs, watch)
    assert set(timed) == {"net"}


BAD: list[tuple[str, Change]] = [
    ("leads out", lambda tensor, _: say(tensor, location="../net.onnx.data")),
    ("leads out", lambda tensor, _: say(tensor, location="/etc/passwd")),
    ("leads out", lambda tensor, _: say(tensor, location="a/../../net.onnx.data")),
    ("leads out", lambda tensor, _: say(tensor, location="C:\\net.onnx.data")),
    ("leads out", lambda tensor, _: say(tensor, location="..\\net.onnx.data")),
    ("leads out", lambda tensor, _: say(tensor, location="")),
    ("not in the zip", lambda tensor, _: say(tensor, location="other.data")),
    ("not in the zip", lambda tensor, _: say(tensor, location=".")),
    ("is no number", lambda tensor, _: say(tensor, offset="-1")),
    ("is no number", lambda tensor, _: say(tensor, length="9" * 40)),
    ("from byte 4,096", lambda tensor, _: say(tensor, offset="4096")),
    ("said to be 8", lambda tensor, _: say(tensor, length="8")),
    ("which has 100", lambda _, folder: (folder / "net.onnx.data").write_bytes(bytes(100))),
    ("negative size", lambda tensor, _: tensor.dims.__setitem__(0, -1)),
]


@pytest.mark.parametrize(("word", "change"), BAD)
def test_a_place_that_is_not_in_the_zip_is_refused_with_the_tensors_name(
    tmp_path: Path, word: str, change: Change
) -> None:
    folder = folder_of(tmp_path)
    model = onnx.load(folder / "net.onnx", load_external_data=False)
    change(model.graph.initializer[0], folder)
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(EngineRefusal, match=word) as caught:
        inspect_onnx(zipped(folder))
    assert caught.value.code == "EXTERNAL_DATA"
    assert "“w”" in caught.value.message
    assert "edgewise push FOLDER" in caught.value.remedy


def test_a_link_in_the_zip_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    file = tmp_path / "link.zip"
    with zipfile.ZipFile(file, "w") as packed:
        packed.write(folder / "net.onnx", "net.onnx")
        entry = zipfile.ZipInfo("net.onnx.data")
        entry.external_attr = 0o120777 << 16
        packed.writestr(entry, "/etc/passwd")
    with pytest.raises(EngineRefusal, match="is a link"):
        inspect_onnx(file)


def test_two_models_in_one_zip_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "other.onnx").write_bytes((folder / "net.onnx").read_bytes())
    with pytest.raises(EngineRefusal, match=r"2 \.onnx files"):
        inspect_onnx(zipped(folder))


def test_the_model_alone_is_refused_with_the_way_to_push_it(tmp_path: Path) -> None:
    with pytest.raises(EngineRefusal, match="in another file") as caught:
        inspect_onnx(folder_of(tmp_path) / "net.onnx")
    assert "edgewise push FOLDER" in caught.value.remedy


ROWS, COLUMNS = 2**15, 2**14 + 2**11
LARGE = ROWS * COLUMNS * 4
"""2.25 GiB of FP32, above what one protobuf can hold."""


def large_model(tmp_path: Path) -> Path:
    """Zeros beyond 2 GB, in a zip that is mostly a hole: its size is there, its blocks are not."""
    weight = onnx.TensorProto(
        name="w", dims=[ROWS, COLUMNS], data_type=models.FLOAT, data_location=1
    )
    say(weight, location="net.onnx.data")
    node = onnx.helper.make_node("Gather", ["w", "ids"], ["y"], name="lookup")
    inputs, outputs = (
        [models.value("ids", ["n"], models.INT64)],
        [models.value("y", ["n", COLUMNS])],
    )
    content = models.model_of([node], inputs, outputs, [weight]).SerializeToString()
    file, block = tmp_path / "large.zip", bytes(2**24)
    crc = 0
    for _ in range(LARGE // len(block)):
        crc = zlib.crc32(block, crc)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as packed:
        packed.writestr("net.onnx", content)
        entry = zipfile.ZipInfo("net.onnx.data")
        entry.file_size = entry.compress_size = LARGE
        entry.CRC, entry.header_offset = crc, packed.start_dir
        assert packed.fp is not None
        packed.fp.write(entry.FileHeader(zip64=True))
        packed.fp.seek(LARGE, 1)
        packed.start_dir = packed.fp.tell()
        packed.filelist.append(entry)
        packed.NameToInfo[entry.filename] = entry
        packed._didModify = True  # type: ignore[attr-defined]
    return file


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_more_than_two_gigabytes_are_inspected_and_each_pass_says_why_it_cannot(
    tmp_path: Path, sandbox: Sandbox, watch: Remembering
) -> None:
    file = large_model(tmp_path)
    assert file.stat().st_blocks * 512 < 2**27 < LARGE < file.stat().st_size
    found = SandboxedModelInspector(sandbox, tmp_path).inspect(file)
    assert found.signature is not None
    assert found.signature.parameters == ROWS * COLUMNS
    spec = OptimizationSpec(passes=(Pass.GRAPH, Pass.FP16))
    data = tmp_path / "ids.npz"
    np.savez(data, ids=np.arange(4, dtype=np.int64))
    made = SandboxedOptimizer(sandbox).optimize(file, spec, None, data, tmp_path / "made", watch)
    for one in made.variants:
        assert (one.outcome, one.code) == (Outcome.SKIPPED, "TOO_LARGE")
        assert f"{LARGE:,} bytes" in one.reason
        assert "FP16 weights" in one.reason
