"""Which scorer judges follows from what is named, the model's task and the labels."""

from uuid import uuid4

import pytest

from application.commands.scoring import ScorerOrder, require_isolation, scorer_for
from application.jobs.capability import ISOLATED
from domain.dataset import DatasetArray, DatasetVersion
from domain.model import Task
from domain.refusal import Refusal, RefusalCode
from domain.scorer import Scorer, ScorerName

IMAGE = DatasetArray("image", "float32", (9, 8))


def version(
    *arrays: DatasetArray,
    labels: DatasetArray | None = None,
    counts: dict[str, int] | None = None,
) -> DatasetVersion:
    return DatasetVersion(1, "00" * 32, 10, 9, (IMAGE, *arrays), counts, uuid4(), labels)


NUMBERS = version(labels=DatasetArray("labels", "float32", (9, 1)))
BOXES = version(
    DatasetArray("boxes", "float32", (9, 5, 4)), DatasetArray("classes", "int64", (9, 5))
)
TOKENS = version(labels=DatasetArray("labels", "int32", (9, 20)))
CLASSES = version(labels=DatasetArray("labels", "int64", (9,)), counts={"0": 4, "1": 5})


@pytest.mark.parametrize(
    ("task", "data", "scorer"),
    [
        (Task.REGRESSION, NUMBERS, Scorer(ScorerName.REGRESSION)),
        (Task.DETECTION, BOXES, Scorer(ScorerName.DETECTION)),
        (Task.SPEECH, TOKENS, Scorer(ScorerName.TEXT)),
        (Task.CLASSIFICATION, CLASSES, None),
        (Task.OTHER, NUMBERS, None),
        (Task.DETECTION, CLASSES, None),
        (Task.REGRESSION, None, None),
    ],
)
def test_the_task_calls_for_a_scorer_where_the_labels_are_for_it(
    task: Task, data: DatasetVersion | None, scorer: Scorer | None
) -> None:
    assert scorer_for(None, task, data) == scorer


def test_a_dataset_from_before_is_judged_as_it_was_then() -> None:
    before = version(counts={"0": 4, "1": 5})
    assert scorer_for(None, Task.REGRESSION, before) is None
    assert scorer_for(ScorerOrder(ScorerName.AUC), Task.OTHER, before) == Scorer(ScorerName.AUC)


def test_what_is_named_counts_whatever_the_task() -> None:
    order = ScorerOrder(ScorerName.TEXT, {"measure": "EXACT_MATCH"})
    assert scorer_for(order, Task.OTHER, TOKENS) == Scorer(
        ScorerName.TEXT, {"measure": "EXACT_MATCH"}
    )


@pytest.mark.parametrize(
    ("order", "data", "code", "field"),
    [
        (ScorerOrder(ScorerName.AUC), None, RefusalCode.INVALID, "scorer"),
        (
            ScorerOrder(ScorerName.AUC, {"colum": 1}),
            CLASSES,
            RefusalCode.INVALID,
            "scorer.settings.colum",
        ),
        (ScorerOrder(ScorerName.CUSTOM), CLASSES, RefusalCode.INVALID, "scorer.code"),
        (
            ScorerOrder(ScorerName.DETECTION),
            CLASSES,
            RefusalCode.DATASET_REFUSED,
            "evaluationDatasetId",
        ),
    ],
)
def test_a_scorer_that_cannot_judge_is_refused_with_the_field_at_fault(
    order: ScorerOrder, data: DatasetVersion | None, code: RefusalCode, field: str
) -> None:
    with pytest.raises(Refusal) as refused:
        scorer_for(order, Task.OTHER, data)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_one_s_own_code_is_refused_at_once_where_no_worker_can_run_it_apart() -> None:
    own = Scorer(ScorerName.CUSTOM, code="def score(outputs, labels): ...")
    weak, strong = frozenset({"kind:optimize"}), frozenset({"kind:optimize", ISOLATED})
    with pytest.raises(Refusal, match="apt install bubblewrap") as refused:
        require_isolation(own, [weak])
    assert (refused.value.code, refused.value.field) == (RefusalCode.UNAVAILABLE, "scorer")
    require_isolation(own, [weak, strong])
    require_isolation(own, [])
    require_isolation(Scorer(ScorerName.TEXT), [weak])
