"""PyTorch's exported programs are read without torch, and refused where they would run code."""

import copy
import zipfile
from pathlib import Path
from typing import Any

import pytest

from application.ports.engine import EngineRefusal
from domain.model_format import ModelFormat
from infrastructure.engine.sniff import sniff
from infrastructure.engine.torch_export.inspect import inspect_torch_export
from tests.engine import pt2


def refused(file: Path) -> EngineRefusal:
    with pytest.raises(EngineRefusal) as found:
        inspect_torch_export(file)
    return found.value


def test_it_is_told_by_its_bytes_and_read_with_its_open_dimension(tmp_path: Path) -> None:
    file = pt2.saved(tmp_path / "nameless")
    assert sniff(file) is ModelFormat.TORCH_EXPORT
    assert inspect_torch_export(file)["signature"] == {
        "inputs": [{"name": "x", "dtype": "float32", "shape": ["s77", 4]}],
        "outputs": [{"name": "relu", "dtype": "float32", "shape": ["s77", 3]}],
        "parameters": 12,
        "opset": None,
        "operators": {"aten.linear.default": 1, "aten.relu.default": 1},
    }


def test_example_inputs_are_a_pickle_and_are_not_looked_at(tmp_path: Path) -> None:
    file = pt2.saved(tmp_path / "net.pt2", data__sample_inputs__model_pt=b"cos\nsystem\n.")
    assert inspect_torch_export(file)["signature"]["parameters"] == 12


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('id')",
        "Symbol('s77').__class__",
        "().__class__.__base__",
        "exec(s77)",
        "[s77 for s77 in (1,)]",
        "lambda: 0",
        "s77.is_integer",
        7,
    ],
)
def test_a_size_that_python_would_evaluate_to_anything_is_refused(
    expression: Any, tmp_path: Path
) -> None:
    of = pt2.program()
    of["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0]["as_expr"]["expr_str"] = (
        expression
    )
    assert refused(pt2.saved(tmp_path / "net.pt2", of)).code == "RUNS_CODE"


def test_a_constraint_is_an_expression_too(tmp_path: Path) -> None:
    of = pt2.program()
    of["range_constraints"] = {"__import__('os')": {"min_val": 0, "max_val": None}}
    assert refused(pt2.saved(tmp_path / "net.pt2", of)).code == "RUNS_CODE"


@pytest.mark.parametrize(
    "expression",
    [
        "2*s77 + 1",
        "Mul(Integer(2), Symbol('s0', positive=True, integer=True))",
        "FloorDiv(s77 - 1, 2) + 1",
        "Max(1, u0)",
    ],
)
def test_sizes_as_torch_writes_them_are_taken(expression: str, tmp_path: Path) -> None:
    of = pt2.program()
    of["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0]["as_expr"]["expr_str"] = (
        expression
    )
    assert inspect_torch_export(pt2.saved(tmp_path / "net.pt2", of))["signature"]["inputs"]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("torch.hub.load", "RUNS_CODE"),
        ("torch.load", "RUNS_CODE"),
        ("_operator.attrgetter", "RUNS_CODE"),
        ("torch.ops.aten.from_file.default", "RUNS_CODE"),
        ("#wild:name", "RUNS_CODE"),
        ("torch.ops.mine.attention.default", "CUSTOM_OPERATORS"),
    ],
)
def test_functions_that_are_no_operators_of_a_network_are_refused(
    target: str, code: str, tmp_path: Path
) -> None:
    of = pt2.program()
    of["graph_module"]["graph"]["nodes"][1]["target"] = target
    assert refused(pt2.saved(tmp_path / "net.pt2", of)).code == code
    nested = pt2.program()
    inner = {"as_graph": {"graph": {"nodes": [pt2.node(target, "inner", self="x")]}}}
    nested["graph_module"]["graph"]["nodes"][1]["inputs"].append({"name": "f", "arg": inner})
    assert refused(pt2.saved(tmp_path / "nested.pt2", nested)).code == code


def test_tensors_that_are_pickles_are_refused(tmp_path: Path) -> None:
    config = pt2.weights()
    config["config"]["w"]["use_pickle"] = True
    assert refused(pt2.saved(tmp_path / "net.pt2", config=config)).code == "PICKLE"
    config = pt2.weights()
    config["config"]["w"]["path_name"] = "custom_obj_0"
    assert refused(pt2.saved(tmp_path / "own.pt2", config=config)).code == "PICKLE"


@pytest.mark.parametrize("sizes", [(300, 4), (3, 4_000_000_000)])
def test_a_weight_that_reaches_beyond_its_bytes_is_refused(
    sizes: tuple[int, int], tmp_path: Path
) -> None:
    config = pt2.weights()
    config["config"]["w"]["tensor_meta"]["sizes"] = [{"as_int": one} for one in sizes]
    assert refused(pt2.saved(tmp_path / "net.pt2", config=config)).code == "INVALID_MODEL"


def test_what_is_given_back_in_a_class_of_its_maker_is_refused(tmp_path: Path) -> None:
    of = pt2.program()
    call = of["graph_module"]["module_call_graph"][0]["signature"]
    call["out_spec"] = '[1, {"type": "transformers.ModelOutput", "children_spec": []}]'
    assert refused(pt2.saved(tmp_path / "net.pt2", of)).code == "CUSTOM_TYPES"


def test_two_programs_in_one_file_are_refused(tmp_path: Path) -> None:
    file = pt2.saved(tmp_path / "net.pt2", **{"models__second.json": b"{}"})
    assert "2 programs" in refused(file).message


@pytest.mark.parametrize("gone", ["graph_module", "graph", "nodes", "tensor_values", "signature"])
def test_a_program_that_lacks_a_part_is_refused_and_not_broken_on(
    gone: str, tmp_path: Path
) -> None:
    of = copy.deepcopy(pt2.program())
    for holder in (of, of["graph_module"], of["graph_module"]["graph"]):
        holder.pop(gone, None)
    assert refused(pt2.saved(tmp_path / "net.pt2", of)).code == "INVALID_MODEL"


def test_the_older_kind_of_file_is_refused_with_how_to_save_it_again(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "old.pt2", "w") as packed:
        packed.writestr("serialized_exported_program.json", "{}")
        packed.writestr("serialized_state_dict.pt", b"\x80\x02.")
    with pytest.raises(EngineRefusal) as found:
        sniff(tmp_path / "old.pt2")
    assert found.value.code == "PICKLE"
    assert "torch.export.save" in found.value.remedy
