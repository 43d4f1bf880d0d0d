"""A model's answers on a device beside the expected ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.update.golden import BadGolden, Sample, agrees, cosine, read, real, stored

INPUT = {"x": np.ones((1, 3), np.float32)}
RIGHT = np.array([[0.1, 0.7, 0.2]], np.float32)


def sample(**expected: Any) -> Sample:
    return Sample(INPUT, expected or {"y": RIGHT})


def problem(answered: dict[str, Any], **expected: Any) -> str | None:
    found = agrees([answered], [sample(**expected)], 0.98)
    assert (found.agree == 1) == (found.problem is None)
    return found.problem


def test_the_same_answer_agrees_and_a_slightly_different_one_too() -> None:
    assert problem({"y": RIGHT}) is None
    assert problem({"y": RIGHT + np.float32(0.01)}) is None
    assert agrees([{"y": RIGHT}], [sample()], 0.98).lowest == 1.0


@pytest.mark.parametrize(
    ("answered", "told"),
    [
        ({}, "there is no output 'y'"),
        ({"y": RIGHT[0]}, "has the shape [3], not [1, 3]"),
        ({"y": RIGHT[:, :2]}, "has the shape [1, 2], not [1, 3]"),
        ({"y": np.array([[1, 7, 2]])}, "has whole numbers, not floating-point ones"),
        ({"y": RIGHT * np.nan}, "has NaN or infinity in it"),
        ({"y": np.array([[0.1, np.inf, 0.2]])}, "has NaN or infinity in it"),
        ({"y": RIGHT[:, ::-1] * np.array([[1, 0, 5]])}, "has a cosine of"),
        ({"y": -RIGHT}, "has a cosine of -1.0000"),
        ({"y": np.zeros((1, 3), np.float32)}, "has a cosine of 0.0000"),
        ({"y": [[0.1, 0.7, 0.2]]}, "is no array of numbers"),
        ({"y": np.array([["a", "b", "c"]])}, "is no array of numbers"),
    ],
)
def test_an_answer_that_is_wrong_is_told_by_what_is_wrong(
    answered: dict[str, Any], told: str
) -> None:
    found = problem(answered)
    assert found is not None
    assert told in found
    assert found.startswith("sample 0: ")


def test_another_width_of_the_same_kind_of_number_is_right() -> None:
    assert problem({"y": RIGHT.astype(np.float16)}) is None
    assert problem({"y": np.array([3], np.int32)}, y=np.array([3], np.int64)) is None


def test_outputs_that_nobody_expects_are_passed_over() -> None:
    assert problem({"y": RIGHT, "more": np.zeros(7)}) is None


def test_every_sample_has_to_agree() -> None:
    found = agrees([{"y": RIGHT}, {"y": -RIGHT}, {"y": RIGHT}], [sample()] * 3, 0.98)
    assert (found.samples, found.agree, found.lowest) == (3, 2, -1.0)
    assert found.problem is not None
    assert found.problem.startswith("sample 1: ")


def test_an_answer_that_is_missing_is_no_agreement() -> None:
    found = agrees([{"y": RIGHT}], [sample()] * 2, 0.98)
    assert (found.agree, found.problem) == (0, "1 answers to 2 samples")


def ones(values: list[float], kind: Any) -> list[NDArray[Any]]:
    return [np.array([one], kind) for one in values]


@pytest.mark.parametrize(
    ("answered", "agree"),
    [([2.0, 4.0, 6.0], 3), ([2.1, 3.9, 6.0], 3), ([5.0, 5.0, 0.1], 0)],
)
def test_outputs_of_one_number_are_compared_over_all_samples(
    answered: list[float], agree: int
) -> None:
    samples = [sample(y=one) for one in ones([2.0, 4.0, 6.0], np.float32)]
    given = [{"y": one} for one in ones(answered, np.float32)]
    assert agrees(given, samples, 0.98).agree == agree


@pytest.mark.parametrize(("answered", "agree"), [([3, 1, 4, 9], 4), ([3, 9, 9, 9], 0)])
def test_half_of_the_classes_that_are_told_must_be_the_same(
    answered: list[float], agree: int
) -> None:
    samples = [sample(y=one) for one in ones([3, 1, 4, 1], np.int64)]
    given = [{"y": one} for one in ones(answered, np.int64)]
    assert agrees(given, samples, 0.98).agree == agree


def test_the_cosine_is_not_deceived_by_tiny_or_huge_numbers() -> None:
    for size in (1e-300, 1e-30, 1e30, 1e300):
        assert cosine(RIGHT.astype(np.float64) * size, RIGHT) == pytest.approx(1)
    assert cosine(np.zeros(3), np.zeros(3)) == 1.0


def test_quantized_numbers_stand_for_real_ones() -> None:
    kept = stored(np.array([-2.0, 0.0, 0.5, 99.0]), np.dtype(np.int8), 0.5, -3)
    assert kept.tolist() == [-7, -3, -2, 127]
    assert real(kept, 0.5, -3).tolist() == [-2.0, 0.0, 0.5, 65.0]
    assert real(RIGHT, 0.0, 0) is RIGHT
    assert stored(RIGHT, np.dtype(np.float32), 0.0, 0) is RIGHT


def test_a_file_is_read_sample_by_sample(tmp_path: Path) -> None:
    file = tmp_path / "golden.npz"
    np.savez(file, **{f"{side}/{n}/a/b": RIGHT * n for side in ("input", "output") for n in (1, 0)})
    found = read(file)
    assert [float(one.inputs["a/b"].sum()) for one in found] == [0.0, pytest.approx(1.0)]
    assert [set(one.expected) for one in found] == [{"a/b"}] * 2


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"x": RIGHT},
        {"input/0/x": RIGHT},
        {"input/0/x": RIGHT, "output/1/y": RIGHT},
        {"input/-1/x": RIGHT, "output/-1/y": RIGHT},
        {"input/zero/x": RIGHT, "output/zero/y": RIGHT},
        {"input/0/x": np.array([object()]), "output/0/y": RIGHT},
    ],
)
def test_a_file_that_is_no_golden_file_is_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    file = tmp_path / "golden.npz"
    np.savez(file, **arrays)
    with pytest.raises(BadGolden):
        read(file)


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "golden.npz"
    np.savez(file, **{"input/0/x": RIGHT, "output/0/y": RIGHT})
    whole = file.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(BadGolden):
            read(file)
