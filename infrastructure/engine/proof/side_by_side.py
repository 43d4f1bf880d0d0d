"""A variant beside its source: loaded, run on the same inputs, compared, judged and timed.

Rows go one at a time (or in the model's own fixed batch): dynamic quantization scales a whole
batch at once, so a larger batch would judge what no device runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.parity import Comparison
from domain.scorer import Scorer, ScorerName
from infrastructure.engine.pass_contract import Progress, Rows
from infrastructure.engine.proof.compare import OutputTally, comparable
from infrastructure.engine.proof.inputs import Inputs, inputs_for
from infrastructure.engine.proof.judge import Judge
from infrastructure.engine.proof.own_scorer import OUTPUTS
from infrastructure.engine.proof.recorded import Recorder
from infrastructure.engine.proof.timing import side_by_side
from infrastructure.engine.runtime import Session, open_model

MOST_ROWS = 1_000_000


def compared(
    source: Path,
    variant: Path,
    data: Rows | None,
    threads: int,
    report: Progress,
    scorer: Scorer | None = None,
) -> Comparison:
    """Raises CannotFeed, ValueError where nothing can be compared, EngineRefusal where the scorer
    cannot judge, and the runtime's errors."""
    was, is_now = open_model(source, threads), open_model(variant, threads)
    found = inputs_for(was, data, limit=MOST_ROWS, batch=1)
    names = [one.name for one in was.get_outputs()]
    judge = Judge(scorer)
    with _recording(scorer, variant) as recorder:
        tallies = _run(was, is_now, found, names, judge, recorder, report)
    if not tallies:
        raise ValueError("no output is a tensor of numbers, so nothing can be compared")
    timing = side_by_side(was, is_now, found.first_row(), threads, found.batch)
    judged = judge.accuracy()
    return Comparison(
        inputs=found.used,
        rows=found.rows,
        outputs=tuple(tally.parity() for tally in tallies.values()),
        accuracy=judged,
        timing=timing,
        described=found.note,
        labels_ignored=judge.ignored,
    )


@contextmanager
def _recording(scorer: Scorer | None, variant: Path) -> Iterator[Recorder | None]:
    if scorer is None or scorer.name is not ScorerName.CUSTOM:
        yield None
        return
    recorder = Recorder(variant.with_name(OUTPUTS))
    try:
        yield recorder
    finally:
        recorder.close()


def _run(
    was: Session,
    is_now: Session,
    found: Inputs,
    names: list[str],
    judge: Judge,
    recorder: Recorder | None,
    report: Progress,
) -> dict[str, OutputTally]:
    tallies: dict[str, OutputTally] = {}
    seen = 0
    for feed, truth in found.judged():
        source, variant = was.run(names, feed), is_now.run(names, feed)
        for name, ours, theirs in zip(names, source, variant, strict=True):
            if comparable(ours) and comparable(theirs):
                tallies.setdefault(name, OutputTally(name)).add(ours, theirs)
        both = [dict(zip(names, outputs, strict=True)) for outputs in (source, variant)]
        judge.add(feed, both, truth)
        if recorder is not None:
            recorder.add(both, truth)
        seen += found.batch
        report.tick(90 * seen / max(1, found.rows), f"{seen:,} of {found.rows:,} rows compared")
    return tallies
