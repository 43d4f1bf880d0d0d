"""The task `convert`: the source in another format, once for all passes that are done on that."""

from pathlib import Path
from typing import Any

from application.plain_json import from_json
from domain.declared import declared
from domain.model_format import ModelFormat
from domain.optimization_spec import OptimizationSpec, Pass
from infrastructure.engine.applying import applied
from infrastructure.engine.reporting import Reporter


def convert(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """`{"source", "takes", "gives", "target", "spec", "calibration" | None}` in; `{"outcome",
    "code", "reason"}` out, as of a variant."""
    takes, gives = ModelFormat(request["takes"]), ModelFormat(request["gives"])
    conversion = declared(Pass.CONVERT, takes, gives)
    assert conversion is not None
    spec = from_json(request["spec"], OptimizationSpec)
    source, target = Path(request["source"]), Path(request["target"])
    with reporter.stage(f"convert:{gives.lower()}"):
        return applied(conversion, source, target, spec, request["calibration"], reporter)
