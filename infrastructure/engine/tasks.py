"""What an engine process can be asked to do, by name. Libraries are imported only for the task."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from infrastructure.engine.reporting import Reporter

Task = Callable[[dict[str, Any], Reporter], dict[str, Any]]

TASKS = {
    "ping": "infrastructure.engine.ping:ping",
    "inspect": "infrastructure.engine.inspect_model:inspect_model",
    "inspect_dataset": "infrastructure.engine.npz.inspect:inspect_dataset",
    "prepare": "infrastructure.engine.prepare:prepare",
    "variant": "infrastructure.engine.variant:make_variant",
    "benchmark": "infrastructure.engine.timed_runs:time_runs",
}


def task_named(name: str) -> Task:
    """Raises KeyError for a name that is not in the registry."""
    module, function = TASKS[name].split(":")
    return cast(Task, getattr(import_module(module), function))
