"""What no worker can do is told in sentences, each with its remedy."""

import pytest

import domain.declared
from application.jobs.lacking import refusal_of, sentences
from application.jobs.registry import needs_of
from domain.declared import DECLARATIONS
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from domain.pass_declaration import Declaration

KIND = frozenset({"kind:optimize"})
NEEDED = KIND | {"format:onnx", "pass:onnx-static-int8"}


def test_a_worker_that_has_everything_refuses_nothing() -> None:
    assert refusal_of(NEEDED, [KIND, NEEDED | {"hardware:nvidia"}], "passes") is None


def test_while_nobody_does_this_kind_of_job_it_may_wait() -> None:
    assert refusal_of(NEEDED, [], "passes") is None
    assert refusal_of(NEEDED, [frozenset({"kind:benchmark"})], "passes") is None


def test_what_the_closest_worker_of_the_kind_lacks_is_told() -> None:
    refusal = refusal_of(NEEDED, [KIND, KIND | {"format:onnx"}], "passes")
    assert refusal is not None
    assert (refusal.code, refusal.field) == ("NO_WORKER", "passes")
    assert refusal.message == (
        "No living worker can do STATIC_INT8 on ONNX. Where the worker runs: "
        "`pip install onnx onnxruntime`."
    )


def test_a_pass_of_a_toolchain_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    convert = Declaration(
        Pass.CONVERT,
        "The same numbers.",
        ModelFormat.ONNX,
        ("openvino", "sklearn"),
        gives=ModelFormat.OPENVINO_IR,
        toolchain="openvino",
    )
    monkeypatch.setattr(domain.declared, "DECLARATIONS", (convert, *DECLARATIONS))
    spec = {"passes": ["CONVERT"], "target": "OPENVINO_IR"}
    needed = needs_of("optimize", {"artifact": {"format": "ONNX"}, "spec": spec})
    (told,) = sentences(needed - KIND)
    assert "CONVERT on ONNX to OPENVINO_IR" in told
    assert "`edgewise toolchains install openvino`" in told
    assert "`pip install openvino scikit-learn`" in told


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("kind:benchmark", "EDGEWISE_WORKER_KINDS"),
        ("hardware:nvidia", "Start one on a machine that has it."),
        ("toolchain:openvino", "edgewise toolchains install openvino"),
        ("format:openvino-ir", "OPENVINO_IR"),
        ("format:core-ml", "it takes an Apple system"),
        ("format:tensorrt-engine", "it takes an NVIDIA RTX GPU"),
        ("pass:onnx-of-the-future", "Upgrade the workers"),
        ("new:word", "Upgrade the workers"),
    ],
)
def test_every_sort_of_word_has_a_remedy(word: str, remedy: str) -> None:
    (told,) = sentences([word])
    assert remedy in told


def test_a_format_goes_without_saying_where_a_pass_on_it_is_named() -> None:
    assert len(sentences(["format:onnx", "pass:onnx-fp16"])) == 1
