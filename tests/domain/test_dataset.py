"""Datasets take what fits their purpose."""

from uuid import uuid4

import pytest

from domain.dataset import Dataset, DatasetArray, DatasetPurpose, DatasetVersion
from domain.refusal import Refusal, RefusalCode


def version(number: int = 1, labels: dict[str, int] | None = None) -> DatasetVersion:
    return DatasetVersion(
        number, "00" * 32, 10, 4, (DatasetArray("image", "float32", (4, 8)),), labels, uuid4()
    )


def dataset(purpose: DatasetPurpose) -> Dataset:
    return Dataset.register(uuid4(), "digits", purpose, "")


def test_an_evaluation_dataset_needs_labels() -> None:
    with pytest.raises(Refusal, match="labels") as refused:
        dataset(DatasetPurpose.EVALUATION).upload_version(version())
    assert refused.value.code is RefusalCode.DATASET_REFUSED


def test_a_calibration_dataset_needs_none() -> None:
    digits = dataset(DatasetPurpose.CALIBRATION)
    digits.upload_version(version())
    assert not digits.latest.labelled


def test_the_same_upload_is_one_version() -> None:
    digits, first = dataset(DatasetPurpose.EVALUATION), version(labels={"0": 4})
    digits.upload_version(first)
    digits.upload_version(first)
    assert len(digits.versions) == 1


def test_a_dataset_without_data_says_what_to_do() -> None:
    with pytest.raises(Refusal, match="Upload a version first"):
        _ = dataset(DatasetPurpose.CALIBRATION).latest


def test_a_deleted_dataset_takes_nothing() -> None:
    digits = dataset(DatasetPurpose.CALIBRATION)
    digits.delete()
    with pytest.raises(Refusal) as refused:
        digits.upload_version(version())
    assert refused.value.code is RefusalCode.NOT_FOUND


@pytest.mark.parametrize("names", [("labels_mask",), ("boxes", "classes")])
def test_labels_of_other_tasks_make_an_evaluation_dataset_too(names: tuple[str, ...]) -> None:
    arrays = tuple(DatasetArray(name, "float32", (4, 2)) for name in ("image", *names))
    digits = dataset(DatasetPurpose.EVALUATION)
    digits.upload_version(DatasetVersion(1, "00" * 32, 10, 4, arrays, None, uuid4()))
    assert digits.latest.labelled


def test_of_labels_that_were_only_counted_their_form_is_known() -> None:
    assert version(labels={"0": 4}).label_array == DatasetArray("labels", "int64", (4,))
    assert version().label_array is None
