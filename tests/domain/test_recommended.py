"""What is tried on a device's hardware, and that it says why."""

import pytest

from domain.declared import routes
from domain.device_profile import TEMPLATES, Architecture, Hardware
from domain.model_format import ModelFormat
from domain.optimization_spec import PASSES_OF, Level, Pass
from domain.recommended import recommended

ONNX, TFLITE = ModelFormat.ONNX, ModelFormat.TFLITE


def hardware(
    *runtimes: str,
    accelerators: tuple[str, ...] = (),
    architecture: Architecture = Architecture.AARCH64,
    memory: int = 2**30,
) -> Hardware:
    return Hardware(architecture, 4, memory, runtimes or ("onnxruntime",), accelerators)


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("format", [ONNX, TFLITE])
def test_without_hardware_a_level_tries_what_it_always_tried(
    level: Level, format: ModelFormat
) -> None:
    advice = recommended(level, format, 1_000)
    known = {way.made_by.made_by for way in routes(format)}
    tried = [one for one in advice.passes if one in known]
    assert tried == [one for one in PASSES_OF[level] if one in known]
    assert (advice.target, advice.per_channel, advice.reduce_range) == (format, True, False)
    assert (advice.block_size, advice.max_bytes, advice.reasons) == (32, None, ())


def test_the_first_runtime_that_the_model_can_be_brought_to_chooses_the_format() -> None:
    assert recommended(Level.SPEED, ONNX, 1, hardware("onnxruntime", "tensorrt")).target is ONNX
    assert recommended(Level.SPEED, TFLITE, 1, hardware("LiteRT")).target is TFLITE
    strange = recommended(Level.SPEED, ONNX, 1, hardware("my-own"))
    assert strange.target is ONNX
    assert (
        "ONNX as it is: ONNX becomes nothing here that my-own is known to run." in strange.reasons
    )


def test_a_target_that_is_given_stands() -> None:
    assert recommended(Level.SIZE, ONNX, 1, hardware("tflite"), TFLITE).target is TFLITE


def test_fp16_is_tried_where_something_computes_it_or_for_size() -> None:
    cpu, gpu = hardware(), hardware(accelerators=("cuda",))
    for level in (Level.SPEED, Level.BALANCED):
        assert Pass.FP16 not in recommended(level, ONNX, 1, cpu).passes
        assert Pass.FP16 in recommended(level, ONNX, 1, gpu).passes
    assert Pass.FP16 in recommended(Level.SIZE, ONNX, 1, cpu).passes


def test_an_accelerator_of_integers_gets_integers_alone() -> None:
    advice = recommended(Level.BALANCED, TFLITE, 1, hardware("tflite", accelerators=("Edge TPU",)))
    assert [one for one in advice.passes if one is not Pass.CONVERT] == [Pass.STATIC_INT8]


def test_x86_without_vnni_keeps_weights_to_seven_bits() -> None:
    x86 = Architecture.X86_64
    plain = recommended(Level.BALANCED, ONNX, 1, hardware(architecture=x86))
    assert plain.reduce_range
    assert any("VNNI" in reason for reason in plain.reasons)
    for word in ("avx512-vnni", "AVX_VNNI", "amx"):
        able = hardware(architecture=x86, accelerators=(word,))
        assert not recommended(Level.BALANCED, ONNX, 1, able).reduce_range
    assert not recommended(Level.BALANCED, ONNX, 1, hardware()).reduce_range
    # LiteRT's passes have no such setting: nothing is claimed to be set.
    tflite = hardware("tflite", architecture=x86)
    assert not recommended(Level.BALANCED, TFLITE, 1, tflite).reduce_range


def test_a_model_that_is_larger_than_the_memory_must_become_smaller() -> None:
    advice = recommended(Level.SPEED, ONNX, 2**30, hardware(memory=2**29))
    assert advice.max_bytes == 2**29
    assert Pass.INT4 in advice.passes
    assert recommended(Level.SPEED, ONNX, 2**29, hardware(memory=2**29)).max_bytes is None


def test_size_puts_more_weights_under_one_scale() -> None:
    assert recommended(Level.SIZE, ONNX, 1, hardware()).block_size == 128
    assert recommended(Level.BALANCED, ONNX, 1, hardware()).block_size == 32


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
def test_every_template_leaves_something_to_try_for_an_onnx_model(
    level: Level, template: object
) -> None:
    advice = recommended(level, ONNX, 10**6, template.hardware)  # type: ignore[attr-defined]
    known = {way.made_by.made_by for way in routes(ONNX, advice.target)}
    assert known & set(advice.passes)
