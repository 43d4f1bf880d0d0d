"""What an engine process can be asked to do, by name. Libraries are imported only for the task."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from infrastructure.engine.onnx_zip import unzipped
from infrastructure.engine.reporting import Reporter

Task = Callable[[dict[str, Any], Reporter], dict[str, Any]]

TASKS = {
    "ping": "infrastructure.engine.ping:ping",
    "inspect": "infrastructure.engine.inspect_model:inspect_model",
    "inspect_dataset": "infrastructure.engine.npz.inspect:inspect_dataset",
    "prepare": "infrastructure.engine.prepare:prepare",
    "convert": "infrastructure.engine.conversion:convert",
    "variant": "infrastructure.engine.variant:make_variant",
    "benchmark": "infrastructure.engine.timed_runs:time_runs",
    "golden": "infrastructure.engine.golden_run:make_golden",
    "load_scorer": "infrastructure.engine.proof.own_code:load_scorer",
    "score": "infrastructure.engine.proof.own_code:score",
}


ON_MODELS = {
    "convert": ("source",),
    "variant": ("source", "converted"),
    "benchmark": ("model",),
    "golden": ("model",),
}
"""Tasks that hand a model's file to libraries, and where the request names it."""


def task_named(name: str) -> Task:
    """Raises KeyError for a name that is not in the registry."""
    module, function = TASKS[name].split(":")
    task, keys = cast(Task, getattr(import_module(module), function)), ON_MODELS.get(name)
    if keys is None:
        return task

    def on_plain_files(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
        with unzipped(request, *keys) as plain:
            return task(plain, reporter)

    return on_plain_files
