"""The task `variant`: one pass makes one variant, which is then loaded, compared and timed.

A pass that can do nothing is SKIPPED with its reason; one that breaks, or whose file does not run,
has FAILED with the library's words. Neither ends the job: the other passes go on.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from application.plain_json import from_json, to_json
from application.ports.engine import EngineRefusal
from application.storage_full import is_storage_full
from domain.model_format import ModelFormat
from domain.optimization_spec import OptimizationSpec, Pass
from domain.pass_declaration import declared
from domain.variant_facts import VariantFacts
from infrastructure.engine.packages import PACKAGES
from infrastructure.engine.pass_contract import PassSkipped
from infrastructure.engine.proof.inputs import CannotFeed
from infrastructure.engine.proof.rows import rows_of
from infrastructure.engine.proof.side_by_side import compared
from infrastructure.engine.reporting import Reporter, memory_ran_out
from infrastructure.engine.threads import default_threads


def make_variant(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """`{"source", "format", "target", "made_by", "spec", "calibration" | None, "evaluation" |
    None}` in; `{"outcome", "code", "reason"}` out, and for MADE `"comparison"` and `"facts"`."""
    package = PACKAGES[ModelFormat(request["format"])]
    made_by, spec = Pass(request["made_by"]), from_json(request["spec"], OptimizationSpec)
    source, target = Path(request["source"]), Path(request["target"])
    try:
        with reporter.stage(made_by.lower()):
            data = rows_of(request["calibration"])
            reason = _pass(package, made_by)(source, target, spec, data, reporter)
    except PassSkipped as skipped:
        return {"outcome": "SKIPPED", "code": skipped.code, "reason": skipped.reason}
    except Exception as error:
        return _failed("PASS_FAILED", f"The {made_by} pass could not do this model", error)
    try:
        with reporter.stage(f"compare:{made_by.lower()}"):
            seen = request["evaluation"] or request["calibration"]
            threads = default_threads(spec.threads)
            comparison = compared(source, target, rows_of(seen), threads, reporter)
            known = declared(made_by, ModelFormat(request["format"]))
            assert known is not None
            timing = replace(comparison.timing, evidence=known.evidence)
            comparison = replace(comparison, timing=timing)
    except CannotFeed as error:
        raise EngineRefusal("CANNOT_FEED", str(error), "", "evaluation") from error
    except Exception as error:
        return _failed("DOES_NOT_RUN", f"What the {made_by} pass made does not run", error)
    return {
        "outcome": "MADE",
        "code": None,
        "reason": reason,
        "comparison": to_json(comparison),
        "facts": to_json(_facts(package)(made_by, source, target)),
    }


def _pass(package: str, made_by: Pass) -> Callable[..., str]:
    """Only this pass's libraries are imported: all of them together take seconds."""
    found: Callable[..., str] = import_module(f"{package}.passes.{made_by.lower()}").apply
    return found


def _facts(package: str) -> Callable[[Pass, Path, Path], VariantFacts]:
    found: Callable[[Pass, Path, Path], VariantFacts] = import_module(f"{package}.facts").facts
    return found


def _failed(code: str, what: str, error: Exception) -> dict[str, Any]:
    if memory_ran_out(error) or is_storage_full(error) or isinstance(error, EngineRefusal):
        raise error
    told = " ".join(str(error).split())[:500]
    return {"outcome": "FAILED", "code": code, "reason": f"{what}: {told}"}
