"""Datasets fit a model by name, type and shape; what does not fit is named with a remedy."""

import pytest

from domain.dataset import DatasetArray
from domain.dataset_fit import LABELS, check_against, check_labels
from domain.scorer import Scorer, ScorerName
from domain.signature import Signature, TensorSpec

IMAGE = TensorSpec("image", "float32", ("n", 1, 8, 8))
SIGNATURE = Signature((IMAGE,), (TensorSpec("class", "float32", ("n", 10)),))
RIGHT = DatasetArray("image", "float32", (100, 1, 8, 8))
WITH_LABELS = (RIGHT, DatasetArray(LABELS, "int64", (100,)))


def test_rows_in_the_place_of_the_batch_fit() -> None:
    assert check_against(SIGNATURE, [RIGHT]) == ()


def test_a_single_array_may_have_any_name_for_a_single_input() -> None:
    array = DatasetArray("x", "float32", (100, 1, 8, 8))
    assert check_against(SIGNATURE, [array]) == ()


def test_each_row_may_be_a_whole_input() -> None:
    fixed = Signature((TensorSpec("rate", "int64", ()),), ())
    assert check_against(fixed, [DatasetArray("rate", "int64", (5,))]) == ()


@pytest.mark.parametrize(
    ("array", "wanted", "got"),
    [
        (DatasetArray("image", "float64", (100, 1, 8, 8)), "float32", "float64"),
        (DatasetArray("image", "float32", (100, 8, 8)), "(rows, 1, 8, 8)", "(100, 8, 8)"),
        (DatasetArray("image", "float32", (100, 3, 8, 8)), "(rows, 1, 8, 8)", "(100, 3, 8, 8)"),
    ],
)
def test_a_wrong_array_is_told_by_what_was_wanted_and_got(
    array: DatasetArray, wanted: str, got: str
) -> None:
    (misfit,) = check_against(SIGNATURE, [array])
    assert misfit.name == "image"
    assert wanted in misfit.message
    assert got in misfit.message


def test_an_input_without_an_array_is_named() -> None:
    two = Signature((IMAGE, TensorSpec("mask", "bool", ("n",))), ())
    (misfit,) = check_against(two, [RIGHT])
    assert misfit.name == "mask"
    assert "np.savez" in misfit.message


def test_fewer_rows_than_a_fixed_batch_do_not_fit() -> None:
    fixed = Signature((TensorSpec("image", "float32", (16, 4)),), ())
    assert check_against(fixed, [DatasetArray("image", "float32", (15, 4))])
    assert not check_against(fixed, [DatasetArray("image", "float32", (16, 4))])


def test_labels_beyond_the_classes_are_refused() -> None:
    assert check_against(SIGNATURE, WITH_LABELS, most_label=9) == ()
    (misfit,) = check_against(SIGNATURE, WITH_LABELS, most_label=10)
    assert misfit.name == LABELS
    assert "0 to 9" in misfit.message


def test_labels_of_an_output_with_open_classes_are_not_judged() -> None:
    open_classes = Signature((IMAGE,), (TensorSpec("class", "float32", ("n", "classes")),))
    assert check_against(open_classes, WITH_LABELS, most_label=1_000) == ()


def test_arrays_of_what_is_right_are_not_fed() -> None:
    labels = [DatasetArray("boxes", "float32", (100, 5, 4)), DatasetArray("labels_by", "<U3", (9,))]
    single = DatasetArray("x", "float32", (100, 1, 8, 8))
    assert check_against(SIGNATURE, [single, *labels]) == ()


def test_an_input_may_have_the_name_of_a_label() -> None:
    boxes = Signature((TensorSpec("boxes", "float32", ("n", 4)),), ())
    assert check_against(boxes, [DatasetArray("boxes", "float32", (9, 4))]) == ()


def array(name: str, dtype: str, *shape: int) -> DatasetArray:
    return DatasetArray(name, dtype, shape)


BOXES, CLASSES = array("boxes", "float32", 9, 5, 4), array("classes", "int32", 9, 5)


@pytest.mark.parametrize(
    ("name", "arrays"),
    [
        (ScorerName.CLASSIFICATION, (array(LABELS, "uint8", 9),)),
        (ScorerName.REGRESSION, (array(LABELS, "float64", 9, 3),)),
        (ScorerName.REGRESSION, (array(LABELS, "int64", 9),)),
        (ScorerName.DETECTION, (BOXES, CLASSES)),
        (ScorerName.TEXT, (array(LABELS, "int32", 9, 40),)),
    ],
)
def test_labels_that_a_scorer_reads_fit_it(
    name: ScorerName, arrays: tuple[DatasetArray, ...]
) -> None:
    assert check_labels(Scorer(name), arrays, None) is None


@pytest.mark.parametrize(
    ("name", "arrays", "had"),
    [
        (ScorerName.CLASSIFICATION, (array(LABELS, "float32", 9),), "labels float32 [9]"),
        (ScorerName.REGRESSION, (array(LABELS, "<U8", 9),), "labels <U8 [9]"),
        (ScorerName.DETECTION, (array("boxes", "float32", 9, 4), CLASSES), "boxes float32 [9, 4]"),
        (ScorerName.DETECTION, (BOXES, array("classes", "int32", 9, 4)), "classes int32 [9, 4]"),
        (ScorerName.TEXT, (array(LABELS, "int64", 9),), "labels int64 [9]"),
        (ScorerName.CUSTOM, (array("image", "float32", 9, 4),), "no labels"),
    ],
)
def test_labels_that_a_scorer_cannot_read_are_told_with_what_it_reads(
    name: ScorerName, arrays: tuple[DatasetArray, ...], had: str
) -> None:
    code = "def score(outputs, labels): ..." if name is ScorerName.CUSTOM else ""
    misfit = check_labels(Scorer(name, code=code), arrays, None)
    assert misfit is not None
    assert f"The scorer {name} reads" in misfit.message
    assert had in misfit.message


def test_auc_wants_two_kinds_of_rows() -> None:
    labels = (array(LABELS, "int64", 9),)
    assert check_labels(Scorer(ScorerName.AUC), labels, {"0": 4, "1": 5}) is None
    misfit = check_labels(Scorer(ScorerName.AUC), labels, {"0": 4, "2": 5})
    assert misfit is not None
    assert "these are 0, 2" in misfit.message


def test_texts_need_the_vocabulary_of_the_model() -> None:
    labels = (array(LABELS, "<U12", 9),)
    misfit = check_labels(Scorer(ScorerName.TEXT), labels, None)
    assert misfit is not None
    assert misfit.name == "scorer.settings.vocabulary"
    assert check_labels(Scorer(ScorerName.TEXT, {"vocabulary": "-ab"}), labels, None) is None
