"""OpenVINO models read without OpenVINO, and saved ones made the same each time."""

import pytest

from application.ports.engine import EngineRefusal
from domain.model_format import ModelFormat
from infrastructure.engine.inspect_model import inspect_model
from infrastructure.engine.openvino import document
from infrastructure.engine.openvino.tidy import tidy
from infrastructure.engine.sniff import sniff
from tests.engine.openvino_ir import XML, bundle
from tests.engine.test_passes import Ticks


def refused(file) -> EngineRefusal:
    with pytest.raises(EngineRefusal) as told:
        inspect_model({"file": str(file)}, Ticks())
    return told.value


def parsed(xml: str = XML):
    return document.parsed(xml.encode())


def test_a_zip_of_both_files_is_known_and_read_without_openvino(tmp_path):
    file = bundle(tmp_path / "model.zip")
    assert sniff(file) is ModelFormat.OPENVINO_IR
    found = inspect_model({"file": str(file)}, Ticks())
    assert found["signature"] == {
        "inputs": [{"name": "x,y", "dtype": "float32", "shape": ["?", 4]}],
        "outputs": [{"name": "b", "dtype": "float32", "shape": ["?", 2]}],
        "parameters": 8,
        "opset": None,
        "operators": {"MatMul": 1},
    }


def test_an_output_that_is_named_itself_keeps_that_name(tmp_path):
    named = XML.replace('type="Result" version', 'type="Result" output_names="scores" version')
    found = inspect_model({"file": str(bundle(tmp_path / "m.zip", named))}, Ticks())
    assert found["signature"]["outputs"][0]["name"] == "scores"


def test_an_output_without_a_name_is_called_by_the_layer_that_makes_it(tmp_path):
    found = inspect_model(
        {"file": str(bundle(tmp_path / "m.zip", XML.replace(' names="scores,b"', "")))}, Ticks()
    )
    assert found["signature"]["outputs"][0]["name"] == "Conv_12"


def test_an_input_of_open_rank_is_refused_with_the_remedy(tmp_path):
    told = refused(bundle(tmp_path / "m.zip", XML.replace('shape="?,4"', 'shape="..."')))
    assert told.code == "OPEN_RANK"
    assert "input=" in told.remedy


def test_float_weights_are_told_from_those_that_are_decoded():
    assert document.left_float(parsed()) == {"MatMul": 1}
    small = XML.replace('element_type="f32" shape="4, 2"', 'element_type="i8" shape="4, 2"')
    assert document.left_float(parsed(small)) == {}


def test_constants_are_counted_in_their_own_bits():
    net = parsed(XML.replace('element_type="f32" shape="4, 2"', 'element_type="nf4"'))
    assert document.parameters(net) == 64
    assert document.weight_bytes(net) == 32


def test_counters_and_the_source_file_go_and_names_of_the_source_stay(tmp_path):
    file = tmp_path / "m.xml"
    made = []
    for counter in (731, 88):
        file.write_text(XML.replace("731", str(counter)))
        tidy(file, {"Conv_12"})
        made.append(file.read_text())
    assert made[0] == made[1]
    assert 'name="Const:1"' in made[0]
    assert 'name="Conv_12"' in made[0]
    assert "source.onnx" not in made[0]
    assert "Runtime_version" in made[0]


def test_a_name_that_the_source_has_is_never_given_twice(tmp_path):
    file = tmp_path / "m.xml"
    file.write_text(XML)
    tidy(file, {"Const:1"})
    assert """name="Const:1'\"""" in file.read_text()
