"""The pretrained model is judged on real files, read exactly as its own package reads them."""

from pathlib import Path

import numpy as np
import pytest
from magika import Magika
from magika.types import Seekable

from demo import pretrained
from demo.pretrained import Features


@pytest.fixture(scope="module")
def reading() -> Features:
    return pretrained.features()


@pytest.fixture
def odd_files(tmp_path: Path) -> list[Path]:
    contents = {
        "empty": b"",
        "white": b" \n\t" * 50,
        "tiny": b"abc",
        "small": b"  print('hello, world')\n\n",
        "exact": bytes(range(33, 97)) * 64,
        "large": b"\n" + bytes(range(256)) * 100 + b"   ",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return sorted(tmp_path.iterdir())


def test_features_are_those_of_magika(reading: Features, odd_files: list[Path]) -> None:
    for path in [*odd_files, Path(__file__), Path(pretrained.__file__)]:
        with path.open("rb") as file:
            theirs = Magika._extract_features_from_seekable(
                Seekable(file), 1024, 0, 1024, 256, 4096, use_inputs_at_offsets=False
            )
        ours = reading.of(path)
        if ours is None:
            assert theirs.beg[reading.least - 1] == reading.padding, path
        else:
            assert ours.tolist() == theirs.beg + theirs.end, path


def test_the_sets_are_real_and_share_no_file(tmp_path: Path, reading: Features) -> None:
    files = pretrained.prepare(tmp_path)
    calibration, evaluation = np.load(files.calibration), np.load(files.evaluation)
    assert files.model.stat().st_size > 1_000_000
    assert evaluation["bytes"].shape == (files.evaluation_rows, 2048)
    assert evaluation["bytes"].dtype == np.int32
    assert files.evaluation_rows >= 100
    assert len(np.unique(evaluation["labels"])) >= 10
    assert evaluation["labels"].max() < len(reading.types)
    rows = [row.tobytes() for row in (*calibration["bytes"], *evaluation["bytes"])]
    assert len(set(rows)) == len(rows)


def test_the_same_installation_gives_the_same_sets(tmp_path: Path) -> None:
    one, two = pretrained.prepare(tmp_path / "1"), pretrained.prepare(tmp_path / "2")
    assert np.array_equal(np.load(one.evaluation)["bytes"], np.load(two.evaluation)["bytes"])
