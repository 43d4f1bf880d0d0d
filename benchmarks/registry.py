"""Every benchmark by name, in the order in which they run."""

from collections.abc import Callable, Iterable
from importlib import import_module

from benchmarks.figure import Figure

Benchmark = Callable[[], Iterable[Figure]]

# Each is the function `measure` of the module of that name; figures may have names of their own.
NAMES = (
    "append",
    "projection",
    "graphql_list",
    "commit_to_subscriber",
    "subscribers_2000",
    "optimize_overhead",
    "accepted_to_running",
    "upload_1gb",
    "cold_start",
    "as_of",
    "onnx_backend_nodes",
    "tiny",
    "int8_speedup",
    "recipe_vs_library",
    "ocr_calibration",
    "calibration_memory",
    "conversion_matrix",
    "command_roundtrip",
    "twin_writes",
    "rollout_10k_offers",
    "rollout_decision",
    "edge_no_loss",
    "edge_log",
    "agent_memory",
    "ota_apply",
    "power_cuts",
    "inference_overhead",
    "stop_rule",
    "rollout_orders",
)
# What a user may ask for by the name of a figure.
FIGURES = {
    "append_one": "append",
    "append_one_vs_library": "append",
    "append_hundred": "append",
    "edge_log_vs_sqlite": "edge_log",
}


class UnknownBenchmark(ValueError):
    """A name that no benchmark has."""


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """The benchmarks with these names, or with figures of these names; all, when there are none.

    Raises UnknownBenchmark."""
    asked = [_benchmark_of(name) for name in names]
    unknown = [name for name in asked if name not in NAMES]
    if unknown:
        known = ", ".join(sorted({*NAMES, *FIGURES}))
        raise UnknownBenchmark(f"There is no benchmark {', '.join(unknown)}. There are: {known}.")
    return tuple(name for name in NAMES if not asked or name in asked)


def _benchmark_of(figure: str) -> str:
    """`tiny_kws_bytes`, and `tiny_*` for all of them, are figures of `tiny`."""
    named = (name for name in NAMES if figure.startswith(f"{name}_"))
    return FIGURES.get(figure) or next(named, figure)


def find(name: str) -> Benchmark:
    """The function that measures."""
    measure: Benchmark = import_module(f"benchmarks.{name}").measure
    return measure
