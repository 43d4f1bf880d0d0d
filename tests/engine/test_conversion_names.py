"""A converted model is fed and compared by the names and sizes that its source has."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from infrastructure.engine.litert.from_onnx.plain_names import plainly_named
from infrastructure.engine.litert.from_onnx.sizes import sizes_of
from infrastructure.engine.onnx.from_tf2onnx import kept
from infrastructure.engine.pass_contract import PassSkipped
from infrastructure.toolchains.catalog import CATALOG
from infrastructure.toolchains.install import _parts


def relu(shape, operator="Relu"):
    graph = helper.make_graph(
        [helper.make_node(operator, ["a::b"], ["c/d"])],
        "g",
        [helper.make_tensor_value_info("a::b", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("c/d", TensorProto.FLOAT, shape)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


class OneRow:
    rows = 1

    def __init__(self, shape):
        self._row = {"a::b": np.zeros(shape, np.float32)}

    def iterate(self, batch_rows, limit=None):
        yield self._row

    def labels(self, limit=None):
        return None


def test_plain_names_lead_back_to_the_names_of_the_source():
    named = plainly_named(relu([1, 4]))
    onnx.checker.check_model(named.model)
    given = [one.name for one in (*named.model.graph.input, *named.model.graph.output)]
    assert [named.source[name] for name in given] == ["a::b", "c/d"]
    assert all(name.isidentifier() for name in given)


def test_an_open_size_comes_from_the_data_and_an_open_first_one_is_one_row():
    assert sizes_of(relu(["n", 4]), None) == {"a::b": (1, 4)}
    assert sizes_of(relu(["n", "w"]), OneRow((1, 7))) == {"a::b": (1, 7)}
    assert sizes_of(relu(["n", "w"]), OneRow((1, 3, 7))) == {"a::b": (1, 7)}


def test_an_open_size_that_nothing_tells_is_refused_by_name():
    with pytest.raises(PassSkipped, match="dimension 1 of the input “a::b”"):
        sizes_of(relu(["n", "w"]), None)


def test_an_operator_that_onnx_does_not_have_is_refused_and_no_file_is_left(tmp_path):
    with pytest.raises(PassSkipped, match="StatefulPartitionedCall"):
        kept(relu([1], "StatefulPartitionedCall"), tmp_path / "made.onnx")
    assert list(tmp_path.iterdir()) == []


def test_only_what_declares_a_newer_python_than_it_needs_is_installed_by_itself():
    plain, newer = _parts(CATALOG["onnx2tf"])
    assert newer.startswith("onnx2tf==")
    assert newer.count("==") == 1
    assert "onnx2tf==" not in plain
    assert plain.count("--hash") + newer.count("--hash") == (
        CATALOG["onnx2tf"].lock.read_text().count("--hash")
    )
