"""NF4: weights of matrix products and embeddings in groups of 4-bit indices into 16 levels that
suit a normal distribution (Dettmers et al. 2023, https://arxiv.org/abs/2305.14314, appendix E)."""

from pathlib import Path

import nncf

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.openvino.passes import weights
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Needs no data. Raises PassSkipped without matrix products to quantize."""
    report.tick(20, "quantizing weights")
    mode = nncf.CompressWeightsMode.NF4
    kinds = weights.compressed(source, target, mode, spec.block_size)
    return weights.said(kinds, "nf4", "NF4", spec.block_size)
