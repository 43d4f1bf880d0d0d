"""Datasets fit a model by name, type and shape; what does not fit is named with a remedy."""

import pytest

from domain.dataset import DatasetArray
from domain.dataset_fit import LABELS, check_against
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
