"""Datasets: read in blocks of rows, and refused with the array at fault."""

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports.engine import EngineRefusal
from infrastructure.engine.inspectors import SandboxedDatasetInspector
from infrastructure.engine.npz.arrays import blocks, members
from infrastructure.engine.npz.inspect import inspect_dataset
from infrastructure.engine.reporting import Reporter
from infrastructure.engine.sandbox import Sandbox


def saved(tmp_path: Path, **arrays: Any) -> Path:
    file = tmp_path / "data.npz"
    np.savez_compressed(file, **arrays)
    return file


def raw(tmp_path: Path, *, name: str = "x.npy", content: bytes) -> Path:
    file = tmp_path / "raw.npz"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file


def npy(shape: str, data: bytes, descr: str = "'<f4'") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def inspected(file: Path) -> dict[str, Any]:
    return inspect_dataset({"file": str(file)}, Reporter(io.BytesIO()))


def refusal_of(file: Path) -> EngineRefusal:
    with pytest.raises(EngineRefusal) as caught:
        inspected(file)
    assert caught.value.code == "DATASET_REFUSED"
    assert caught.value.message
    assert caught.value.remedy
    return caught.value


def test_a_dataset_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    pixels = np.linspace(-1, 2, 12, dtype=np.float32).reshape(6, 2)
    file = saved(tmp_path, pixels=pixels, labels=np.array([0, 1, 1, 2, 1, 0]))
    found = SandboxedDatasetInspector(Sandbox(), tmp_path).inspect(file)
    assert found.rows == 6
    assert found.label_counts == {"0": 2, "1": 3, "2": 1}
    told = next(array for array in found.arrays if array.name == "pixels")
    assert (told.dtype, told.shape, told.minimum, told.maximum) == ("float32", (6, 2), -1.0, 2.0)


def test_a_refusal_crosses_from_the_sandbox(tmp_path: Path) -> None:
    file = saved(tmp_path, x=np.array([{}], dtype=object))
    with pytest.raises(EngineRefusal, match="“x” holds Python objects"):
        SandboxedDatasetInspector(Sandbox(), tmp_path).inspect(file)


@pytest.mark.parametrize("rows", [1, 3, 7, 100])
def test_blocks_put_together_are_the_arrays(tmp_path: Path, rows: int) -> None:
    x, y = np.random.default_rng(1).random((23, 4, 2)), np.arange(23)
    file = saved(tmp_path, x=x, y=y)
    parts = list(blocks(file, members(file), rows=rows))
    assert np.array_equal(np.concatenate([part["x"] for part in parts]), x)
    assert np.array_equal(np.concatenate([part["y"] for part in parts]), y)
    assert all(len(part["x"]) == len(part["y"]) <= rows for part in parts)


def test_only_as_many_rows_are_read_as_asked_for(tmp_path: Path) -> None:
    file = saved(tmp_path, x=np.arange(100))
    assert sum(len(part["x"]) for part in blocks(file, members(file), rows=8, most=20)) == 20


def test_a_large_array_is_never_whole_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "large.npz"
    numbers = np.random.default_rng(1).random((10_000, 2_000), dtype=np.float32)
    np.savez(file, x=numbers)
    del numbers
    tracemalloc.start()
    try:
        inspected(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 48 << 20 < file.stat().st_size  # blocks of 8 MB, a few copies at a time


@pytest.mark.parametrize(("value", "word"), [(np.nan, "1 NaN"), (np.inf, "1 infinite")])
def test_nan_and_infinity_are_refused_by_array_and_row(
    tmp_path: Path, value: float, word: str
) -> None:
    bad = np.zeros((3_000_000, 2), dtype=np.float32)  # three blocks
    bad[2_500_000, 1] = value
    refusal = refusal_of(saved(tmp_path, good=np.zeros(3_000_000, dtype=np.int8), bad=bad))
    assert "“bad”" in refusal.message
    assert word in refusal.message
    assert "row 2500000" in refusal.message


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"x": np.array([object()])}, "objects"),
        ({"x": np.zeros((3, 2)), "y": np.zeros((4, 2))}, "differ in rows"),
        ({"x": np.zeros((0, 2))}, "no rows"),
        ({"x": np.array(1.0)}, "one number"),
        ({"x": np.array(["a"])}, "type"),
        ({"x": np.zeros(3, dtype=complex)}, "type"),
        ({"x": np.zeros(3, dtype=">f4")}, "type"),
        ({"x": np.zeros(3, dtype="M8[s]")}, "type"),
        ({"x": np.zeros(3, dtype=[("a", "f4")])}, "type"),
        ({"x": np.asfortranarray(np.zeros((3, 2)))}, "column"),
        ({"labels": np.zeros(3, dtype=int)}, "labels alone"),
        ({"x": np.zeros(3), "labels": np.zeros(3, dtype=bool)}, "bool"),
        ({"labels": np.zeros(3), "labels_by": np.array(["a", "b", "c"])}, "labels alone"),
        ({"x": np.array(["a", "b", "c"])}, "type <U1"),
        ({"x": np.zeros(3), "labels": np.array([0, -1, 2])}, "-1"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(
    tmp_path: Path, arrays: dict[str, Any], word: str
) -> None:
    refusal = refusal_of(saved(tmp_path, **arrays))
    assert word in f"{refusal.message} {refusal.remedy}"


@pytest.mark.parametrize(
    "content",
    [
        npy("(-2, -3)", bytes(24)),
        npy("(-6, -1)", bytes(24)),
        npy("(7,)", bytes(24)),
        npy(f"({'9' * 400},)", bytes(4)),
        npy("(1,", b""),
        npy("(" * 3000, b""),
        npy("(1,)", bytes(4), "[('a', '<f4'), ('a', '<f4')]"),
        npy("(1,)", bytes(4), "5"),
        npy("(1,)", bytes(8), "'|O'"),
        b"\x93NUMPY",
        b"",
        b"no array at all",
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, content: bytes) -> None:
    refusal_of(raw(tmp_path, content=content))


def test_an_entry_that_is_no_array_is_refused(tmp_path: Path) -> None:
    refusal_of(raw(tmp_path, name="x.txt", content=b"x"))
    refusal_of(raw(tmp_path, name="../x.npy", content=npy("(1,)", bytes(4))))


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    rows = 80 << 18
    bomb = raw(tmp_path, content=npy(f"({rows},)", bytes(rows * 4)))
    assert "zip bomb" in refusal_of(bomb).message


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip", bytes(100)])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "data.npz"
    file.write_bytes(content)
    refusal_of(file)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
@given(noise=st.binary(min_size=1, max_size=30), at=st.integers(0, 3_000))
def test_damage_is_refused_or_harmless_and_never_crashes(
    tmp_path: Path, noise: bytes, at: int
) -> None:
    file = saved(tmp_path, x=np.arange(600.0).reshape(300, 2), labels=np.arange(300) % 3)
    content = bytearray(file.read_bytes())
    content[at : at + len(noise)] = noise
    file.write_bytes(content)
    try:
        rows = inspected(file)["rows"]
    except EngineRefusal:
        return
    assert rows > 0


@pytest.mark.parametrize(
    "labels",
    [
        np.zeros((3, 2), np.float32),
        np.array([[1, 2, -1], [3, -1, -1], [4, 5, 6]]),
        np.array(["a", "bcd", ""]),
    ],
)
def test_labels_of_other_tasks_are_taken_and_not_counted(tmp_path: Path, labels: Any) -> None:
    found = inspected(saved(tmp_path, x=np.zeros(3), labels=labels))
    assert found["label_counts"] is None
    told = next(array for array in found["arrays"] if array["name"] == "labels")
    assert (told["dtype"], told["shape"]) == (str(labels.dtype), list(labels.shape))


def test_texts_that_are_no_characters_are_refused(tmp_path: Path) -> None:
    values = np.full(3, 0x7FFFFFFF, np.uint32).view("<U1")
    refused = refusal_of(saved(tmp_path, x=np.zeros(3), labels=values))
    assert "cannot be read" in refused.message
    assert refused.field == "labels"
