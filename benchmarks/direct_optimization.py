"""`python -m benchmarks.direct_optimization SOURCE DATA`: the baseline of `optimize_overhead`.

What the optimize job's engine processes do, as plain function calls in one process: the check of
the source and its data, and for each pass the pass itself and the comparison with the source
(parity on every row, timing side by side). No sandbox, no limits, no blobs, no events.
"""

import io
import json
import sys
import tempfile
from pathlib import Path

from application.plain_json import to_json
from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.prepare import prepare
from infrastructure.engine.reporting import Reporter
from infrastructure.engine.variant import make_variant


def main(source: str, data: str) -> None:
    reporter, spec = Reporter(io.BytesIO()), OptimizationSpec()
    request = {"source": source, "calibration": data, "evaluation": None}
    request["format"] = prepare(request, reporter)["format"]
    outcomes = {}
    with tempfile.TemporaryDirectory() as folder:
        for made_by in spec.passes:
            target = Path(folder) / f"{made_by.lower()}.onnx"
            asked = {"target": str(target), "made_by": made_by, "spec": to_json(spec), **request}
            outcomes[made_by] = make_variant(asked, reporter)["outcome"]
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(*sys.argv[1:])
