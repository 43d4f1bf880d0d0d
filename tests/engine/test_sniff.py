"""Which format a file has is told by its bytes; what is no model is refused with a remedy."""

import io
import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from application.ports.engine import EngineRefusal
from domain.model_format import ModelFormat
from infrastructure.engine.sniff import sniff

HDF5 = b"\x89HDF\r\n\x1a\n"


def onnx_bytes(weights: int = 16) -> bytes:
    node = helper.make_node("Add", ["x", "w"], ["y"], name="add")
    values = np.arange(weights, dtype=np.float32)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [weights])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [weights])],
        [onnx.numpy_helper.from_array(values, "w")],
    )
    return bytes(helper.make_model(graph, ir_version=8).SerializeToString())


def zipped(entries: Mapping[str, bytes | str], packing: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def of(tmp_path: Path, content: bytes) -> ModelFormat:
    file = tmp_path / "upload"
    file.write_bytes(content)
    return sniff(file)


def refusal_of(tmp_path: Path, content: bytes) -> EngineRefusal:
    with pytest.raises(EngineRefusal) as caught:
        of(tmp_path, content)
    assert caught.value.message
    assert caught.value.remedy
    assert caught.value.field == "uploadId"
    return caught.value


RECOGNIZED = [
    (ModelFormat.ONNX, onnx_bytes()),
    (ModelFormat.ONNX, zipped({"net.onnx": onnx_bytes(), "net.onnx.data": b"x"})),
    (ModelFormat.TFLITE, struct.pack("<I4s", 28, b"TFL3") + bytes(64)),
    (ModelFormat.GGUF, b"GGUF" + struct.pack("<IQQ", 3, 0, 0)),
    (ModelFormat.KERAS, zipped({"config.json": "{}", "metadata.json": "{}"})),
    (ModelFormat.KERAS, HDF5 + bytes(100) + b"model_config" + bytes(100)),
    (ModelFormat.SAVED_MODEL, zipped({"saved_model.pb": "x"})),
    (ModelFormat.SAVED_MODEL, zipped({"net/saved_model.pb": "x", "net/variables/a": "x"})),
    (
        ModelFormat.CORE_ML,
        zipped({"n.mlpackage/Manifest.json": "{}", "n.mlpackage/Data/m.mlmodel": "x"}),
    ),
    (ModelFormat.OPENVINO_IR, zipped({"net.xml": '<net name="n">', "net.bin": "x"})),
    (ModelFormat.TENSORRT_ENGINE, b"ftrt" + bytes(64)),
    (ModelFormat.TENSORRT_ENGINE, b"ptrt" + bytes(64)),
    (ModelFormat.TENSORRT_ENGINE, b"vtrt" + bytes(64)),
    (ModelFormat.NCNN, b"7767517\n2 2\nInput data 0 1 data\n"),
    (ModelFormat.NCNN, struct.pack("<3i", 7767517, 2, 2)),
]


@pytest.mark.parametrize(("format", "content"), RECOGNIZED)
def test_a_format_is_told_by_its_bytes(tmp_path: Path, format: ModelFormat, content: bytes) -> None:
    assert of(tmp_path, content) is format


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_whatever_its_protocol(tmp_path: Path, protocol: int) -> None:
    for value in ({"weights": [1.0, 2.0]}, Path("/x")):
        assert refusal_of(tmp_path, pickle.dumps(value, protocol)).code == "PICKLE"


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return (open, (str(trap), "w"))

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        content = pickle.dumps(Trap(), protocol)
        refusal_of(tmp_path, content)
        refusal_of(tmp_path, zipped({"archive/data.pkl": content}))
    assert not trap.exists()


def test_a_pytorch_file_is_refused_with_the_way_to_export_it(tmp_path: Path) -> None:
    refusal = refusal_of(tmp_path, zipped({"archive/data.pkl": "x", "archive/version": "3"}))
    assert refusal.code == "PICKLE"
    assert "torch.onnx.export" in refusal.remedy


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (npy(), "NumPy"),
        (zipped({"x.npy": npy()}), "npz"),
        (zipped({"a.txt": "x"}), "a.txt"),
        (zipped({}), "nothing"),
        (HDF5 + bytes(200), "HDF5"),
        (b"<!DOCTYPE html><html>sign in</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "LFS"),
        (struct.pack("<Q", 60) + b'{"w":{"dtype":"F32","shape":[1]}}', "safetensors"),
        (json.dumps({"a": 1}).encode(), "text"),
        (bytes(5000), "same"),
    ],
)
def test_what_is_no_model_is_refused_by_what_it_looks_like(
    tmp_path: Path, content: bytes, word: str
) -> None:
    refusal = refusal_of(tmp_path, content)
    assert refusal.code == "NOT_A_MODEL"
    assert word in refusal.message


def test_openvino_xml_without_weights_is_refused(tmp_path: Path) -> None:
    for xml in (b'<net name="n" version="11">', b'<?xml version="1.0"?>\n<net name="n">'):
        refusal = refusal_of(tmp_path, xml)
        assert refusal.code == "WEIGHTS_MISSING"
        assert ".bin" in refusal.remedy


@pytest.mark.parametrize("kept", [0.01, 0.3, 0.6, 0.99])
def test_a_truncated_onnx_file_is_told_to_be_cut_off(tmp_path: Path, kept: float) -> None:
    whole = onnx_bytes(1000)
    assert "cut off" in refusal_of(tmp_path, whole[: int(len(whole) * kept)]).remedy


@pytest.mark.parametrize("content", [content for _, content in RECOGNIZED if content[:2] == b"PK"])
def test_a_truncated_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "cut off" in refusal_of(tmp_path, content[:-30]).remedy


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = zipped({"saved_model.pb": bytes(80 << 20)}, zipfile.ZIP_DEFLATED)
    refusal = refusal_of(tmp_path, bomb)
    assert refusal.code == "UNSAFE_ARCHIVE"
    assert "zip bomb" in refusal.message


def test_a_zip_that_declares_too_much_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"saved_model.pb": b"x"}))
    central = content.rindex(b"PK\x01\x02")
    content[central + 24 : central + 28] = b"\xfe\xff\xff\xff"
    assert refusal_of(tmp_path, bytes(content)).code == "UNSAFE_ARCHIVE"


def test_a_zip_of_too_many_entries_is_refused(tmp_path: Path) -> None:
    content = zipped({str(number): b"" for number in range(10_001)})
    assert refusal_of(tmp_path, content).code == "UNSAFE_ARCHIVE"


@pytest.mark.parametrize("name", ["../up", "a/../../up", "/etc/passwd", "C:\\up", "a\\..\\..\\up"])
def test_an_entry_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    assert refusal_of(tmp_path, zipped({name: b"x"})).code == "UNSAFE_ARCHIVE"


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for content in ("{}", '{"class_name": "Lambda"}'):
            archive.writestr("config.json", content)
    refusal = refusal_of(tmp_path, buffer.getvalue())
    assert refusal.code == "UNSAFE_ARCHIVE"
    assert "twice" in refusal.message


def test_an_entry_that_is_a_link_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("saved_model.pb")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    assert refusal_of(tmp_path, buffer.getvalue()).code == "UNSAFE_ARCHIVE"


def answers(folder: Path, content: bytes) -> None:
    told: str
    try:
        told = of(folder, content).value
    except EngineRefusal as refusal:
        told = refusal.message
    assert told


quick = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)


@quick
@given(content=st.binary(max_size=400))
def test_random_bytes_are_refused_or_recognized_and_never_crash(
    tmp_path: Path, content: bytes
) -> None:
    answers(tmp_path, content)


@quick
@given(
    magic=st.sampled_from([content for _, content in RECOGNIZED] + [b"\x80\x04", b"(dp0\n"]),
    cut=st.integers(0, 400),
    noise=st.binary(max_size=60),
    at=st.integers(0, 300),
)
def test_damaged_files_are_refused_or_recognized_and_never_crash(
    tmp_path: Path, magic: bytes, cut: int, noise: bytes, at: int
) -> None:
    content = bytearray(magic[:cut])
    content[at : at + len(noise)] = noise
    answers(tmp_path, bytes(content))
