"""Every kind of job there is, and what a job of it needs."""

from collections.abc import Mapping
from typing import Any

from application.jobs.benchmark import BENCHMARK, benchmark_needs, run_benchmark
from application.jobs.capability import Words, of_kind
from application.jobs.kind import JobKind
from application.jobs.optimize import OPTIMIZE, optimization_needs, run_optimization
from domain.flag import Flag
from domain.plan import QuotaKind

OPTIMIZE_KIND = JobKind(
    OPTIMIZE, QuotaKind.OPTIMIZATIONS, Flag.OPTIMIZATION, run_optimization, optimization_needs
)
BENCHMARK_KIND = JobKind(
    BENCHMARK, QuotaKind.BENCHMARKS, Flag.BENCHMARKING, run_benchmark, benchmark_needs
)

KINDS = {kind.name: kind for kind in (OPTIMIZE_KIND, BENCHMARK_KIND)}


def needs_of(kind: str, job_input: Mapping[str, Any]) -> Words:
    """What a worker must offer to take the job. Of a kind that this code does not know, or an
    input that another version of it wrote, the kind alone is known."""
    kind_alone = frozenset({of_kind(kind)})
    try:
        return kind_alone | KINDS[kind].needs(job_input)
    except (LookupError, TypeError):
        return kind_alone
