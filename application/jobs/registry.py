"""Every kind of job there is."""

from application.jobs.benchmark import BENCHMARK, run_benchmark
from application.jobs.kind import JobKind
from application.jobs.optimize import OPTIMIZE, run_optimization
from domain.flag import Flag
from domain.plan import QuotaKind

OPTIMIZE_KIND = JobKind(OPTIMIZE, QuotaKind.OPTIMIZATIONS, Flag.OPTIMIZATION, run_optimization)
BENCHMARK_KIND = JobKind(BENCHMARK, QuotaKind.BENCHMARKS, Flag.BENCHMARKING, run_benchmark)

KINDS = {kind.name: kind for kind in (OPTIMIZE_KIND, BENCHMARK_KIND)}
