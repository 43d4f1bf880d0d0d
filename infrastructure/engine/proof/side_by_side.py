"""A variant beside its source: loaded, run on the same inputs, compared and timed.

Rows go one at a time (or in the model's own fixed batch): dynamic quantization scales a whole
batch at once, so a larger batch would judge what no device runs.
"""

from pathlib import Path

from domain.parity import Comparison
from infrastructure.engine.pass_contract import Progress, Rows
from infrastructure.engine.proof.accuracy import NO_CLASS, AccuracyTally
from infrastructure.engine.proof.compare import OutputTally, comparable
from infrastructure.engine.proof.inputs import Inputs, inputs_for
from infrastructure.engine.proof.timing import side_by_side
from infrastructure.engine.runtime import Session, open_model

MOST_ROWS = 1_000_000


def compared(
    source: Path, variant: Path, data: Rows | None, threads: int, report: Progress
) -> Comparison:
    """Raises CannotFeed, ValueError where nothing can be compared, and the runtime's errors."""
    was, is_now = open_model(source, threads), open_model(variant, threads)
    found = inputs_for(was, data, limit=MOST_ROWS, batch=1)
    names = [one.name for one in was.get_outputs()]
    labels = data.labels(found.rows) if data is not None else None
    accuracy = AccuracyTally(labels, names) if labels is not None else None
    tallies = _run(was, is_now, found, names, accuracy, report)
    if not tallies:
        raise ValueError("no output is a tensor of numbers, so nothing can be compared")
    timing = side_by_side(was, is_now, found.first_row(), threads, found.batch)
    judged = accuracy.accuracy() if accuracy else None
    return Comparison(
        inputs=found.used,
        rows=found.rows,
        outputs=tuple(tally.parity() for tally in tallies.values()),
        accuracy=judged,
        timing=timing,
        described=found.note,
        labels_ignored=NO_CLASS if accuracy and judged is None else "",
    )


def _run(
    was: Session,
    is_now: Session,
    found: Inputs,
    names: list[str],
    accuracy: AccuracyTally | None,
    report: Progress,
) -> dict[str, OutputTally]:
    tallies: dict[str, OutputTally] = {}
    seen = 0
    for feed in found.batches():
        source, variant = was.run(names, feed), is_now.run(names, feed)
        for name, ours, theirs in zip(names, source, variant, strict=True):
            if comparable(ours) and comparable(theirs):
                tallies.setdefault(name, OutputTally(name)).add(ours, theirs)
        if accuracy is not None:
            accuracy.add(source, variant)
        seen += found.batch
        report.tick(90 * seen / max(1, found.rows), f"{seen:,} of {found.rows:,} rows compared")
    return tallies
