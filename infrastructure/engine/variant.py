"""The task `variant`: one pass makes one variant, which is then loaded, compared and timed.

A pass that can do nothing is SKIPPED with its reason; one that breaks, or whose file does not run,
has FAILED with the library's words. Neither ends the job: the other passes go on. A file that
nothing here can run is BUILT.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from application.plain_json import from_json, to_json
from application.ports.engine import EngineRefusal
from domain.declared import Route, route
from domain.model_format import ModelFormat
from domain.optimization_spec import OptimizationSpec, Pass
from domain.parity import Comparison
from domain.pass_declaration import Data
from domain.variant_facts import VariantFacts
from infrastructure.engine.applying import applied, failed
from infrastructure.engine.made_with import made_with
from infrastructure.engine.packages import PACKAGES
from infrastructure.engine.proof.inputs import CannotFeed
from infrastructure.engine.proof.rows import rows_of
from infrastructure.engine.proof.side_by_side import compared
from infrastructure.engine.ranges.doubts import doubts
from infrastructure.engine.ranges.first_layers import first_layers
from infrastructure.engine.reporting import Reporter
from infrastructure.engine.runtime import RUNTIMES, CannotRun
from infrastructure.engine.threads import default_threads


def make_variant(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """`{"source", "takes", "gives", "target", "made_by", "spec", "converted" | None, "calibration"
    | None, "evaluation" | None}` in; `{"outcome", "code", "reason", "versions"}` out, and for MADE
    `"comparison"` and `"facts"`. `converted` is the source in the format `gives`."""
    way = route(
        Pass(request["made_by"]), ModelFormat(request["takes"]), ModelFormat(request["gives"])
    )
    assert way is not None
    made_by, spec = way.made_by.made_by, from_json(request["spec"], OptimizationSpec)
    with reporter.stage(way.name):
        made = _made(way, spec, request, reporter)
        outcome = {**made, "versions": made_with(way.needs)}
    if outcome["outcome"] != "MADE":
        return outcome
    if way.made_by.given not in RUNTIMES:
        return {**outcome, "outcome": "BUILT"}
    try:
        with reporter.stage(f"compare:{way.name}"):
            comparison = _compared(way, spec, request, reporter)
    except CannotFeed as error:
        raise EngineRefusal("CANNOT_FEED", str(error), "", "evaluation") from error
    except CannotRun:
        return {**outcome, "outcome": "BUILT"}
    except Exception as error:
        return failed("DOES_NOT_RUN", f"What the {made_by} pass made does not run", error)
    facts = _facts(way, _start(way, request), Path(request["target"]))
    facts = replace(facts, calibration_doubts=_doubts(way, spec, request))
    return {**outcome, "comparison": to_json(comparison), "facts": to_json(facts)}


def _made(
    way: Route, spec: OptimizationSpec, request: dict[str, Any], reporter: Reporter
) -> dict[str, Any]:
    source, target = _start(way, request), Path(request["target"])
    if way.is_conversion and request["converted"]:
        shutil.copyfile(request["converted"], target)
        return {"outcome": "MADE", "code": None, "reason": request["converted_how"]}
    return applied(way.made_by, source, target, spec, request["calibration"], reporter)


def _start(way: Route, request: dict[str, Any]) -> Path:
    """What the pass itself is done on."""
    return Path(request["converted"] if way.conversion else request["source"])


def _compared(
    way: Route, spec: OptimizationSpec, request: dict[str, Any], reporter: Reporter
) -> Comparison:
    seen = request["evaluation"] or request["calibration"]
    source, target = Path(request["source"]), Path(request["target"])
    threads = default_threads(spec.threads)
    data = rows_of(seen, labelled=True)
    comparison = compared(source, target, data, threads, reporter, spec.scorer)
    timing = replace(comparison.timing, evidence=way.made_by.evidence)
    return replace(comparison, timing=timing)


def _facts(way: Route, source: Path, target: Path) -> VariantFacts:
    """Counted in both files where they have one format; else their bytes alone."""
    made_by, gives = way.made_by.made_by, way.made_by.given
    if way.made_by.format is gives:
        facts: Callable[[Pass, Path, Path], VariantFacts]
        facts = import_module(f"{PACKAGES[gives]}.facts").facts
        return facts(made_by, source, target)
    sizes = source.stat().st_size, target.stat().st_size
    return VariantFacts(made_by, *sizes, runtime=RUNTIMES[gives].name)


def _doubts(way: Route, spec: OptimizationSpec, request: dict[str, Any]) -> tuple[str, ...]:
    """On calibration data, where the pass looked at it."""
    data = rows_of(request["calibration"])
    if data is None or way.calibration is Data.NOT_USED:
        return ()
    layers, evaluation = first_layers(Path(request["source"])), rows_of(request["evaluation"])
    return doubts(layers, data, evaluation, spec.calibration.samples)
