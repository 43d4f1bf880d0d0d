"""What an optimization tries where it is not told: the format, the passes and their settings, by
the level and by the hardware that the model is meant for, each with its reason.

Nothing here is measured: this says what is worth trying, the proof says what it is worth.
"""

from dataclasses import dataclass

from domain.declared import route, targets
from domain.device_profile import Architecture, Hardware
from domain.model_format import ModelFormat
from domain.optimization_spec import PASSES_OF, Level, Pass

RUNS = {
    "onnxruntime": ModelFormat.ONNX,
    "ort": ModelFormat.ONNX,
    "tflite": ModelFormat.TFLITE,
    "litert": ModelFormat.TFLITE,
    "tensorflowlite": ModelFormat.TFLITE,
    "openvino": ModelFormat.OPENVINO_IR,
    "tensorrt": ModelFormat.TENSORRT_ENGINE,
    "tensorrtrtx": ModelFormat.TENSORRT_ENGINE,
    "coreml": ModelFormat.CORE_ML,
    "llamacpp": ModelFormat.GGUF,
}
"""Which format a runtime of a device profile takes, by its name in small letters and digits."""

HALF = ("fp16", "cuda", "gpu", "npu", "metal", "neuralengine", "hexagon", "mali", "adreno")
"""Accelerators that compute in half precision."""
INTEGERS_ALONE = ("edgetpu", "coral", "ethos")
"""Accelerators that compute in integers and in nothing else."""
VNNI = ("vnni", "amx")
"""Instructions of x86 that add products of bytes without saturating on the way."""

SIZE_BLOCK = 128
_LLAMA = {
    Level.SPEED: (Pass.Q8_0, Pass.Q4_0),
    Level.BALANCED: (Pass.Q8_0, Pass.Q5_K_M, Pass.Q4_K_M),
    Level.SIZE: (Pass.Q6_K, Pass.Q4_K_M, Pass.Q4_0),
}
_ALSO = {
    (ModelFormat.OPENVINO_IR, Level.SIZE): (Pass.NF4,),
    (ModelFormat.CORE_ML, Level.BALANCED): (Pass.PALETTIZE,),
    (ModelFormat.CORE_ML, Level.SIZE): (Pass.PALETTIZE,),
}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`passes` may hold some that do not lead to `target`: those are not tried. `reasons` say what
    was decided by the hardware; there are none where no hardware is given."""

    target: ModelFormat
    passes: tuple[Pass, ...]
    per_channel: bool = True
    reduce_range: bool = False
    block_size: int = 32
    max_bytes: int | None = None
    reasons: tuple[str, ...] = ()


def recommended(
    level: Level,
    takes: ModelFormat,
    size: int,
    hardware: Hardware | None = None,
    target: ModelFormat | None = None,
) -> Recommendation:
    """For a model of the format `takes` whose file has `size` bytes. A `target` that is given
    stands."""
    if hardware is None:
        gives = target or takes
        return Recommendation(gives, _passes(level, gives))
    reasons: list[str] = []
    gives = target or _target(takes, hardware, reasons)
    fits = size <= hardware.memory_bytes
    if not fits:
        reasons.append(
            f"The model has {size:,} bytes and the profile {hardware.memory_bytes:,} of memory: "
            "what the level SIZE tries is tried, and a variant that is larger than that fails."
        )
    tried = _worth(_passes(level if fits else Level.SIZE, gives), level, gives, hardware, reasons)
    return Recommendation(
        gives,
        tried,
        reduce_range=_reduced(tried, takes, gives, hardware, reasons),
        block_size=_block(tried, level, reasons),
        max_bytes=None if fits else hardware.memory_bytes,
        reasons=tuple(reasons),
    )


def _passes(level: Level, gives: ModelFormat) -> tuple[Pass, ...]:
    if gives is ModelFormat.GGUF:
        return (Pass.CONVERT, *_LLAMA[level])
    return (Pass.CONVERT, *PASSES_OF[level], *_ALSO.get((gives, level), ()))


def _target(takes: ModelFormat, hardware: Hardware, reasons: list[str]) -> ModelFormat:
    """The format of the first of the profile's runtimes that the model can be brought to."""
    can = {takes, *targets(takes)}
    for runtime in hardware.runtimes:
        gives = RUNS.get(_plain(runtime))
        if gives in can:
            if gives is not takes:
                reasons.append(f"{gives}, because the profile's runtime is {runtime}.")
            return gives
    names = ", ".join(hardware.runtimes)
    reasons.append(f"{takes} as it is: {takes} becomes nothing here that {names} is known to run.")
    return takes


def _worth(
    tried: tuple[Pass, ...],
    level: Level,
    gives: ModelFormat,
    hardware: Hardware,
    reasons: list[str],
) -> tuple[Pass, ...]:
    """Without the passes that this hardware gains nothing from."""
    if _has(hardware, INTEGERS_ALONE):
        reasons.append("STATIC_INT8 alone: the profile's accelerator computes in integers alone.")
        return tuple(one for one in tried if one in (Pass.CONVERT, Pass.STATIC_INT8))
    built_for = gives in (ModelFormat.TENSORRT_ENGINE, ModelFormat.CORE_ML)
    if Pass.FP16 in tried and level is not Level.SIZE and not built_for:
        if not _has(hardware, HALF):
            reasons.append(
                "Without FP16: the profile names no accelerator that computes in half precision, "
                "and a CPU turns the weights back. The level SIZE tries it, for half the bytes."
            )
            return tuple(one for one in tried if one is not Pass.FP16)
        reasons.append("FP16, because the profile's accelerator computes in half precision.")
    return tried


def _reduced(
    tried: tuple[Pass, ...],
    takes: ModelFormat,
    gives: ModelFormat,
    hardware: Hardware,
    reasons: list[str],
) -> bool:
    """Whether weights keep to 7 bits, where a pass can do that."""
    ways = [way for way in (route(one, takes, gives) for one in tried) if way is not None]
    can = any("reduce_range" in way.made_by.settings for way in ways)
    if not can or hardware.architecture is not Architecture.X86_64 or _has(hardware, VNNI):
        return False
    reasons.append(
        "INT8 weights of 7 bits: the profile names no VNNI among its accelerators, and without it "
        "sums of 8-bit products saturate on x86."
    )
    return True


def _block(tried: tuple[Pass, ...], level: Level, reasons: list[str]) -> int:
    if level is not Level.SIZE or not {Pass.INT4, Pass.NF4}.intersection(tried):
        return 32
    reasons.append(f"4-bit weights in blocks of {SIZE_BLOCK}: fewer scales, a smaller file.")
    return SIZE_BLOCK


def _has(hardware: Hardware, known: tuple[str, ...]) -> bool:
    return any(word in _plain(name) for name in hardware.accelerators for word in known)


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))
