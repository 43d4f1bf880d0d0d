"""SavedModel, OpenVINO, Core ML, ncnn and TensorRT files, read without their makers' libraries."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports.engine import EngineRefusal
from infrastructure.engine.inspect_model import inspect_model
from infrastructure.engine.inspectors import SandboxedModelInspector
from infrastructure.engine.sandbox import Sandbox
from tests.engine.protobuf import message
from tests.engine.test_passes import Ticks
from tests.engine.test_sniff import zipped

FLOAT = 1


def inspected(tmp_path: Path, content: bytes) -> dict[str, Any]:
    file = tmp_path / "upload"
    file.write_bytes(content)
    return inspect_model({"file": str(file)}, Ticks())


def tensor_shape(*sizes: int) -> bytes:
    return message(*((2, message((1, size))) for size in sizes))


def info(name: str, *sizes: int) -> bytes:
    return message((1, name), (2, message((1, name + ":0"), (2, FLOAT), (3, tensor_shape(*sizes)))))


def node(operator: str, *attributes: tuple[str, bytes]) -> bytes:
    named = [(5, message((1, key), (2, value))) for key, value in attributes]
    return message((1, operator.lower()), (2, operator), *named)


def saved_model(*nodes: bytes, name: str = "serving_default") -> bytes:
    weights = node(
        "VarHandleOp", ("dtype", message((6, FLOAT))), ("shape", message((7, tensor_shape(8, 3))))
    )
    inner = message((1, message((1, b""), *((3, one) for one in nodes))))
    graph = message((1, weights), (2, inner))
    called = message((1, info("x", -1, 8)), (2, info("y", -1, 3)))
    signature = message((1, name), (2, called))
    pb = message((1, 1), (2, message((2, graph), (5, signature))))
    return zipped({"net/saved_model.pb": pb, "net/variables/variables.index": "x"})


def test_a_saved_model_is_read_by_its_signature(tmp_path: Path) -> None:
    found = inspected(tmp_path, saved_model(node("MatMul"), node("Relu")))["signature"]
    assert found["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["?", 8]}]
    assert found["outputs"] == [{"name": "y", "dtype": "float32", "shape": ["?", 3]}]
    assert found["operators"] == {"MatMul": 1, "Relu": 1, "VarHandleOp": 1}
    assert found["parameters"] == 24


@pytest.mark.parametrize("operator", ["PyFunc", "EagerPyFunc", "WriteFile", "ReadFile"])
def test_a_saved_model_that_runs_code_or_reaches_for_files_is_refused(
    tmp_path: Path, operator: str
) -> None:
    with pytest.raises(EngineRefusal, match=operator) as caught:
        inspected(tmp_path, saved_model(node(operator)))
    assert caught.value.code == "RUNS_CODE"
    assert caught.value.remedy


def test_a_saved_model_without_a_signature_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineRefusal, match="no signature"):
        inspected(tmp_path, saved_model(name="__saved_model_init_op"))


XML = """<?xml version="1.0"?>
<net name="net" version="11"><layers>
<layer id="0" name="x" type="Parameter" version="opset1">
  <data shape="?,8" element_type="f32"/>
  <output><port id="0" precision="FP32" names="image"><dim>-1</dim><dim>8</dim></port></output>
</layer>
<layer id="1" name="w" type="Const" version="opset1">
  <data element_type="f16" shape="8, 3" offset="{offset}" size="48"/>
  <output><port id="0" precision="FP16"><dim>8</dim><dim>3</dim></port></output>
</layer>
<layer id="2" name="matmul" type="MatMul" version="opset1"/>
<layer id="3" name="y" type="Result" version="opset1" output_names="y">
  <input><port id="0" precision="FP32"><dim>-1</dim><dim>3</dim></port></input>
</layer>
</layers></net>"""


def openvino(xml: str, weights: int = 48) -> bytes:
    return zipped({"net.xml": xml, "net.bin": bytes(weights)})


def test_an_openvino_model_is_read_out_of_its_xml(tmp_path: Path) -> None:
    found = inspected(tmp_path, openvino(XML.format(offset=0)))["signature"]
    assert found["inputs"] == [{"name": "image", "dtype": "float32", "shape": ["?", 8]}]
    assert found["outputs"] == [{"name": "y", "dtype": "float32", "shape": ["?", 3]}]
    assert (found["operators"], found["parameters"]) == ({"MatMul": 1}, 24)


BOMB = (
    '<!DOCTYPE net [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
STEAL = '<!DOCTYPE net [<!ENTITY s SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("doctype", [BOMB, STEAL])
def test_an_xml_with_entities_is_refused_before_it_unfolds(tmp_path: Path, doctype: str) -> None:
    xml = XML.format(offset=0).replace("<net ", doctype + "<net ").replace(">8<", ">&s;<")
    with pytest.raises(EngineRefusal, match="DOCTYPE"):
        inspected(tmp_path, openvino(xml))


@pytest.mark.parametrize(
    ("word", "content"),
    [
        ("lies at 9", openvino(XML.format(offset=9))),
        ("lies at -1", openvino(XML.format(offset=-1))),
        ("lies at 99999999999999999999", openvino(XML.format(offset="9" * 20))),
        ("no whole XML", openvino("<net><layers>")),
        ("no Result", openvino("<net><layers/></net>")),
        ("nests them too deep", openvino("<net>" + "<a>" * 100_000)),
        ("has net.xml and not net.bin", zipped({"net.xml": "<net/>", "other.bin": ""})),
        ("2 .xml files", zipped({"a.xml": "<net/>", "a.bin": "", "b.xml": "<net/>"})),
    ],
)
def test_an_openvino_model_that_is_not_sound_is_refused(
    tmp_path: Path, word: str, content: bytes
) -> None:
    with pytest.raises(EngineRefusal, match=word) as caught:
        inspected(tmp_path, content)
    assert caught.value.remedy


def core_ml() -> bytes:
    array = message((5, message((1, b"\x01\x08"), (2, 65568))))
    image = message((4, message((1, 32), (2, 24), (3, 20))))
    scores = message((5, message((1, b"\x01\x03"), (2, 65552))))
    described = message(
        (1, message((1, "x"), (3, array))),
        (1, message((1, "photo"), (3, image))),
        (10, message((1, "y"), (3, scores))),
    )
    size = [(3, message((1, message((1, one))))) for one in (8, 3)]
    typed = message((1, message((1, 10), (2, 2), *size)))
    constant = message((1, "const"), (3, message((1, "w"), (2, typed))))
    block = message((3, constant), (3, message((1, "linear"))))
    function = message((3, message((1, "CoreML7"), (2, block))))
    program = message((1, 1), (2, message((1, "main"), (2, function))))
    spec = message((1, 8), (2, described), (502, program))
    return zipped({"m.mlpackage/Manifest.json": "{}", "m.mlpackage/Data/model.mlmodel": spec})


def test_a_core_ml_package_is_read_out_of_its_specification(tmp_path: Path) -> None:
    found = inspected(tmp_path, core_ml())
    signature = found["signature"]
    assert signature["inputs"] == [
        {"name": "x", "dtype": "float32", "shape": [1, 8]},
        {"name": "photo", "dtype": "image", "shape": [24, 32, 3]},
    ]
    assert signature["outputs"] == [{"name": "y", "dtype": "float16", "shape": [1, 3]}]
    assert (signature["operators"], signature["parameters"]) == ({"linear": 1}, 24)
    assert "Apple devices" in found["warnings"][0]


NCNN = "7767517\n2 2\nInput x 0 1 data 0=32 1=24 2=3\nConvolution c 1 1 data out 0=8\n"


def test_an_ncnn_network_is_read_and_told_to_lack_its_weights(tmp_path: Path) -> None:
    found = inspected(tmp_path, NCNN.encode())
    assert found["signature"]["inputs"] == [
        {"name": "data", "dtype": "float32", "shape": [3, 24, 32]}
    ]
    assert [one["name"] for one in found["signature"]["outputs"]] == ["out"]
    assert ".bin" in found["warnings"][0]


@pytest.mark.parametrize("bad", ["2 2\nInput x 0", "900 2\nInput x 0 1 d", "2 2\nI x -1 1 d\nI y"])
def test_an_ncnn_network_with_false_counts_is_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(EngineRefusal):
        inspected(tmp_path, b"7767517\n" + bad.encode())


def test_a_tensorrt_engine_is_kept_and_told_to_be_opaque(tmp_path: Path) -> None:
    found = inspected(tmp_path, b"ftrt" + bytes(64))
    assert found["signature"] is None
    assert "upload the ONNX model" in found["warnings"][0]


def test_every_format_is_inspected_in_the_sandbox(tmp_path: Path) -> None:
    inspector = SandboxedModelInspector(Sandbox(), tmp_path)
    for content in (saved_model(), openvino(XML.format(offset=0)), core_ml(), NCNN.encode()):
        file = tmp_path / "upload"
        file.write_bytes(content)
        found = inspector.inspect(file)
        assert found.signature is not None
        assert found.signature.inputs


Make = Callable[[bytes], bytes]
PARTS: list[tuple[bytes, Make]] = [
    (message((1, 1), (2, message((2, node("A")), (5, info("x", 1, 2))))),
     lambda part: zipped({"saved_model.pb": part})),
    (message((1, 8), (2, message((1, message((1, "x"), (3, message((5, b"\x0a\x01\x08")))))))),
     lambda part: zipped({"m/Manifest.json": "{}", "m/model.mlmodel": part})),
    (XML.format(offset=0).encode(), lambda part: zipped({"n.xml": part, "n.bin": bytes(48)})),
    (NCNN.encode(), lambda part: b"7767517" + part[7:]),
]  # fmt: skip


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
@given(
    which=st.integers(0, len(PARTS) - 1),
    places=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), max_size=10),
    cut=st.integers(0, 900),
)
def test_damaged_descriptions_are_read_or_refused_and_nothing_else(
    tmp_path: Path, which: int, places: list[tuple[int, int]], cut: int
) -> None:
    part, make = PARTS[which]
    damaged = bytearray(part[: cut or None])
    for place, value in places:
        if place < len(damaged):
            damaged[place] = value
    with suppress(EngineRefusal):
        assert "signature" in inspected(tmp_path, make(bytes(damaged)))
