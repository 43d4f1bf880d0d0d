"""A user's own scorer: what it may do, what it cannot, and how each misdeed is told."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from application.ports.engine import EngineCancelled, EngineRefusal
from domain.evidence import Evidence
from domain.measure import Measure
from domain.parity import Comparison, InputsUsed, SideBySide
from domain.scorer import Scorer, ScorerName
from infrastructure.engine.isolation import Isolation
from infrastructure.engine.limits import GIB, Limits
from infrastructure.engine.proof.own_scorer import LIMITS, OwnScorer
from infrastructure.engine.proof.recorded import Recorder, labels_of, outputs_of
from infrastructure.engine.sandbox import Sandbox
from tests.engine.watching import Remembering

SEEN = Comparison(
    InputsUsed.DATASET, 8, (), None, SideBySide(1, 1, 1, 1, 1, 5, 1, 1, Evidence.MEASURED)
)
MEAN_ERROR = """
import numpy as np
def score(outputs, labels):
    error = np.abs(outputs["y"][:, 0] - labels["labels"]).mean()
    return {"value": error, "higher_is_better": False}
"""


def writing(folder: Path, moved: float = 0.5) -> tuple[Path, Path]:
    """Outputs of eight rows, those of the variant `moved`, and the labelled data."""
    right = np.arange(8.0) + 1
    recorder, data = Recorder(folder / "outputs"), folder / "evaluation.npz"
    for row in right:
        both = [{"y": np.array([[row + 1]])}, {"y": np.array([[row + 1 + moved]])}]
        recorder.add(both, {"labels": np.array([row])})
    recorder.close()
    np.savez(data, x=right[:, None], labels=right)
    return folder / "outputs", data


@pytest.fixture
def judged(tmp_path: Path, bubblewrap: Path) -> Callable[..., Comparison]:
    """Scores by the code given, within `limits`."""

    def run(code: str, limits: Limits = LIMITS, moved: float = 0.5) -> Comparison:
        outputs, data = writing(tmp_path, moved)
        own = OwnScorer(Sandbox(), Scorer(ScorerName.CUSTOM, {}, code), data, limits)
        own.check(Remembering())
        return own.judged(SEEN, outputs, Remembering())

    return run


def test_it_is_given_outputs_and_labels_and_tells_a_figure_for_both_sides(
    judged: Callable[..., Comparison],
) -> None:
    accuracy = judged(MEAN_ERROR).accuracy
    assert accuracy is not None
    assert (accuracy.measure, accuracy.higher_is_better) == (Measure.CUSTOM, False)
    assert (accuracy.source, accuracy.variant, accuracy.rows) == (1.0, 1.5, 8)
    assert accuracy.drop == pytest.approx(0.5)


def test_what_it_prints_is_no_answer(judged: Callable[..., Comparison]) -> None:
    noisy = (
        'def score(outputs, labels):\n    print(\'{"result": {"value": 9}}\' * 9_999)\n    return 3'
    )
    accuracy = judged(noisy).accuracy
    assert accuracy is not None
    assert accuracy.source == 3.0


HOSTILE = {
    "fork": ("import os\n    while True: os.fork()", "not permitted"),
    "threads": (
        "import threading\n    while True: threading.Thread(target=print).start()",
        "can't start new thread",
    ),
    "program": ("import subprocess\n    subprocess.run(['/usr/bin/id'])", "not permitted"),
    "network": ("import socket\n    socket.create_connection(('1.1.1.1', 80))", "not permitted"),
    "write here": ("open('made', 'w')", "Read-only file system"),
    "write elsewhere": ("open('/tmp/made', 'w')", "Read-only file system"),
    "the machine's files": ("return len(open('/etc/passwd').read())", "No such file"),
    "the platform's files": (
        f"import os\n    assert not os.path.exists({str(Path(__file__))!r})\n    open('/x')",
        "No such file",
    ),
    "kill": ("import os\n    os.kill(1, 9)", "not permitted"),
    "raise": ("return outputs['z']", "KeyError in line 2: 'z'"),
    "leave": ("raise SystemExit(0)", "SystemExit in line 2"),
    "leave at once": ("import os\n    os._exit(0)", "did not end well"),
    "imitate a killed process": ("import os\n    os._exit(137)", "did not end well"),
    "imitate a full disk": (
        (
            "import os\n"
            "    for fd in range(3, 20):\n"
            '        try: os.write(fd, b\'{"error": {"kind": "STORAGE", "detail": "x"}}\\n\')\n'
            "        except OSError: pass\n    return 1"
        ),
        "did not end well",
    ),
    "crash": ("import ctypes\n    ctypes.string_at(0)", "did not end well"),
    "recurse": ("return score(outputs, labels)", "RecursionError"),
    "nan": ("return float('nan')", "nan, which is no finite number"),
    "text": ("return 'good'", "'good' (str); a number is wanted"),
    "nothing": ("pass", "(NoneType); a number is wanted"),
    "yes": ("return True", "(bool); a number is wanted"),
    "words for a way": ("return {'value': 1, 'higher_is_better': 'no'}", "a number is wanted"),
}


@pytest.mark.parametrize("deed", HOSTILE)
def test_whatever_it_does_is_told_as_the_scorer_s_failure(
    judged: Callable[..., Comparison], deed: str
) -> None:
    body, told = HOSTILE[deed]
    with pytest.raises(EngineRefusal) as refused:
        judged(f"def score(outputs, labels):\n    {body}\n")
    assert (refused.value.code, refused.value.field) == ("SCORER_FAILED", "scorer")
    assert told in refused.value.message


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def score(outputs, labels):\n    return (\n", "SyntaxError in line 2"),
        ("import nothing_such\ndef score(outputs, labels): ...\n", "nothing_such"),
        ("def score(outputs, labels): ...\nscore = 3\n", "no function “score”"),
    ],
)
def test_a_module_that_cannot_be_loaded_is_refused_before_any_work(
    tmp_path: Path, bubblewrap: Path, code: str, told: str
) -> None:
    _, data = writing(tmp_path)
    own = OwnScorer(Sandbox(), Scorer(ScorerName.CUSTOM, {}, code), data)
    with pytest.raises(EngineRefusal, match=told) as refused:
        own.check(Remembering())
    assert refused.value.code == "SCORER_FAILED"


def test_one_that_never_ends_is_stopped(judged: Callable[..., Comparison]) -> None:
    stubborn = (
        "def score(outputs, labels):\n    while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass\n"
    )
    with pytest.raises(EngineRefusal, match="ran longer than 3 s"):
        judged(stubborn, Limits(seconds=3, file_bytes=0))


def test_one_that_takes_all_memory_is_stopped(judged: Callable[..., Comparison]) -> None:
    hoard = (
        "def score(outputs, labels):\n    held = []\n"
        "    while True: held.append(bytearray(2**24))\n"
    )
    with pytest.raises(EngineRefusal, match="memory"):
        judged(hoard, Limits(seconds=100, memory_bytes=GIB // 2, file_bytes=0))


def test_where_it_fails_on_the_variant_alone_that_variant_has_no_figure(
    judged: Callable[..., Comparison],
) -> None:
    picky = (
        "def score(outputs, labels):\n    return 1.0 if outputs['y'][0, 0] == 2 else float('inf')\n"
    )
    seen = judged(picky)
    assert seen.accuracy is None
    assert seen.unscored.startswith("The scorer gave no figure: It answered inf")


def test_it_may_not_change_its_mind_about_what_is_better(
    judged: Callable[..., Comparison],
) -> None:
    fickle = (
        "def score(outputs, labels):\n"
        "    return {'value': 1, 'higher_is_better': outputs['y'][0, 0] == 2}\n"
    )
    assert "called higher better for one" in judged(fickle).unscored


@pytest.mark.parametrize("isolation", [Isolation.UID_NETNS, Isolation.LIMITS])
def test_without_bubblewrap_it_is_refused_with_the_remedy(
    tmp_path: Path, isolation: Isolation
) -> None:
    scorer = Scorer(ScorerName.CUSTOM, {}, MEAN_ERROR)
    with pytest.raises(EngineRefusal, match="apt install bubblewrap") as refused:
        OwnScorer(Sandbox(isolation=isolation), scorer, tmp_path / "evaluation.npz")
    assert (refused.value.code, refused.value.field) == ("SCORER_NEEDS_BUBBLEWRAP", "scorer")


class Cancelling(Remembering):
    def cancelled(self) -> bool:
        return True


def test_cancelling_stops_it(tmp_path: Path, bubblewrap: Path) -> None:
    outputs, data = writing(tmp_path)
    endless = Scorer(ScorerName.CUSTOM, {}, "def score(outputs, labels):\n    while True: pass\n")
    with pytest.raises(EngineCancelled):
        OwnScorer(Sandbox(), endless, data).judged(SEEN, outputs, Cancelling())


def test_outputs_are_read_as_they_were_written_rows_together(tmp_path: Path) -> None:
    recorder, data = Recorder(tmp_path / "outputs"), tmp_path / "data.npz"
    for row in range(3):
        outputs = {
            "scores": np.full((1, 4), row, np.float32),
            "whole": np.full((2, 2), row),
            "ragged": np.zeros((row, 5)),
            "words": ["no", "tensor"],
        }
        recorder.add([outputs, outputs], {"labels": np.array([row]), "mask": np.zeros((1, 2))})
    recorder.close()
    np.savez(data, x=np.zeros(5), labels=np.arange(5), mask=np.zeros((5, 2)))
    found = outputs_of(tmp_path / "outputs", "variant")
    assert sorted(found) == ["ragged", "scores", "whole"]
    assert found["scores"].tolist() == [[row] * 4 for row in range(3)]
    assert found["whole"].shape == (3, 2, 2)
    assert [one.shape for one in found["ragged"]] == [(0, 5), (1, 5), (2, 5)]
    labels = labels_of(tmp_path / "outputs", data)
    assert {name: one.shape for name, one in labels.items()} == {"labels": (3,), "mask": (3, 2)}


def test_more_outputs_than_can_be_handed_over_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.engine.proof.recorded.MOST_BYTES", 1_000)
    recorder, large = Recorder(tmp_path / "outputs"), {"y": np.zeros((1, 100))}
    with pytest.raises(EngineRefusal, match="Evaluate on fewer rows") as refused:
        recorder.add([large, large], {"labels": np.zeros(1)})
    assert refused.value.code == "SCORER_OUTPUTS_TOO_LARGE"
