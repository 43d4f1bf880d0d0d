"""Feature flags: which parts of Edgewise are switched on, by environment and by tenant."""

from enum import StrEnum


class Flag(StrEnum):
    """Every flag there is. All are on unless an environment or a tenant says otherwise."""

    MODELS = "edge_ai_models"
    OPTIMIZATION = "edge_ai_optimization"
    BENCHMARKING = "edge_ai_benchmarking"
    ARTIFACTS = "edge_ai_artifacts"
