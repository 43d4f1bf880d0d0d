"""One pass, carried out by its module; what goes wrong is its outcome, and ends nothing else."""

from importlib import import_module
from pathlib import Path
from typing import Any

from application.ports.engine import EngineRefusal
from application.storage_full import is_storage_full
from domain.model_format import ModelFormat
from domain.optimization_spec import OptimizationSpec
from domain.pass_declaration import Declaration
from infrastructure.engine.packages import module_of
from infrastructure.engine.pass_contract import PassSkipped
from infrastructure.engine.proof.rows import rows_of
from infrastructure.engine.reporting import Reporter, memory_ran_out

MOST_BYTES = 2**31 - 1


def applied(
    declared: Declaration,
    source: Path,
    target: Path,
    spec: OptimizationSpec,
    calibration: str | None,
    reporter: Reporter,
) -> dict[str, Any]:
    """`{"outcome", "code", "reason"}`: MADE, SKIPPED or FAILED. Only this pass's libraries are
    imported: all of them together take seconds."""
    made_by = declared.made_by
    try:
        _check_size(declared, source)
        apply = import_module(module_of(declared)).apply
        reason = apply(source, target, spec, rows_of(calibration), reporter)
    except PassSkipped as skipped:
        return {"outcome": "SKIPPED", "code": skipped.code, "reason": skipped.reason}
    except Exception as error:
        return failed("PASS_FAILED", f"The {made_by} pass could not do this model", error)
    return {"outcome": "MADE", "code": None, "reason": reason}


def _check_size(declared: Declaration, source: Path) -> None:
    """ONNX's own libraries crash on a model that one protobuf message cannot hold, and our passes
    hold the whole model in one. Raises PassSkipped."""
    if not declared.format is declared.given is ModelFormat.ONNX:
        return
    if sum(one.stat().st_size for one in source.parent.iterdir()) <= MOST_BYTES:
        return
    from infrastructure.engine.onnx.external import bytes_outside

    size = bytes_outside(source)
    if size > MOST_BYTES:
        raise PassSkipped(
            "TOO_LARGE",
            f"The weights take {size:,} bytes; a pass on ONNX holds the model in one protobuf "
            f"message, which ends at {MOST_BYTES:,} (2 GB). Export the model with FP16 weights, "
            "or in parts, and push that.",
        )


def failed(code: str, what: str, error: Exception) -> dict[str, Any]:
    """The outcome FAILED in the library's words. Raises what is not about this pass alone."""
    if memory_ran_out(error) or is_storage_full(error) or isinstance(error, EngineRefusal):
        raise error
    told = " ".join(str(error).split())[:500]
    return {"outcome": "FAILED", "code": code, "reason": f"{what}: {told}"}
