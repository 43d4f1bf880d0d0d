"""Which scorer judges the variants of an optimization: the one that is named, else the one that the
model's task and the dataset's labels call for.

None stands for the oldest rule, the share of rows whose class is told, where there are classes. It
is kept for a dataset that was validated before other labels were known, so that a request that is
repeated after an upgrade means what it meant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from application.jobs.capability import ISOLATED, Words
from domain.dataset import DatasetVersion
from domain.dataset_fit import check_labels
from domain.model import Task
from domain.refusal import Refusal, RefusalCode, invalid
from domain.scorer import Scorer, ScorerName

EVALUATION = "evaluationDatasetId"
_OF_TASK = {
    Task.DETECTION: ScorerName.DETECTION,
    Task.REGRESSION: ScorerName.REGRESSION,
    Task.SPEECH: ScorerName.TEXT,
}


@dataclass(frozen=True, slots=True)
class ScorerOrder:
    """What a user asks for, unchecked. `code` is the source of their own scorer."""

    name: ScorerName
    settings: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""


def scorer_for(
    order: ScorerOrder | None, task: Task, evaluation: DatasetVersion | None
) -> Scorer | None:
    """Refuses INVALID a scorer that is set wrongly or has nothing to judge by, and DATASET_REFUSED
    where the labels are not what it reads."""
    if order is None:
        return _of_task(task, evaluation) if evaluation is not None else None
    try:
        scorer = Scorer(order.name, dict(order.settings), order.code)
    except ValueError as error:
        raise invalid(str(error).partition(":")[0], str(error)) from error
    if evaluation is None:
        raise invalid(
            "scorer", f"{order.name} judges by labels. Name a labelled dataset in {EVALUATION}."
        )
    misfit = check_labels(scorer, _arrays(evaluation), evaluation.label_counts)
    if misfit is None:
        return scorer
    if misfit.name.startswith("scorer."):
        raise invalid(misfit.name, misfit.message)
    raise Refusal(RefusalCode.DATASET_REFUSED, misfit.message, EVALUATION)


def require_isolation(scorer: Scorer | None, offers: Sequence[Words]) -> None:
    """Refuses a user's own code where workers live and none of them can run it apart. Where there
    are none, the job waits for one as others do."""
    if scorer is None or scorer.name is not ScorerName.CUSTOM:
        return
    if offers and not any(ISOLATED in words for words in offers):
        raise Refusal(
            RefusalCode.UNAVAILABLE,
            "Your own scorer is code, which is run under bubblewrap only, and that works on no "
            "worker here. Install it there (apt install bubblewrap) and start the worker again, "
            "or name one of the built-in scorers.",
            "scorer",
        )


def _of_task(task: Task, evaluation: DatasetVersion) -> Scorer | None:
    name = _OF_TASK.get(task)
    known_then = evaluation.labels is None and evaluation.label_counts is not None
    if name is None or known_then:
        return None
    scorer = Scorer(name)
    misfit = check_labels(scorer, _arrays(evaluation), evaluation.label_counts)
    return None if misfit is not None else scorer


def _arrays(version: DatasetVersion) -> tuple[Any, ...]:
    labels = version.label_array
    return version.arrays if labels is None else (*version.arrays, labels)
