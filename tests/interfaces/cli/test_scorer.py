"""How an optimization is told by which scorer to judge."""

from pathlib import Path

import pytest

from interfaces.cli.refused import CommandRefused
from interfaces.cli.scorer import scorer_input


def test_nothing_is_left_to_the_server() -> None:
    assert scorer_input(None, ()) is None


def test_a_name_is_taken_in_any_case_and_values_as_json_or_text(tmp_path: Path) -> None:
    words = tmp_path / "words.json"
    words.write_text('["-", "a"]')
    given = ("blank=0", "measure=WER", "output=logits", f"vocabulary=@{words}")
    assert scorer_input("text", given) == {
        "name": "TEXT",
        "settings": {"blank": 0, "measure": "WER", "output": "logits", "vocabulary": ["-", "a"]},
    }


def test_a_python_file_is_one_s_own_scorer(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def score(outputs, labels): ...")
    assert scorer_input(str(file), ("drop=ABSOLUTE",)) == {
        "name": "CUSTOM",
        "settings": {"drop": "ABSOLUTE"},
        "code": "def score(outputs, labels): ...",
    }


@pytest.mark.parametrize(
    ("named", "settings", "told"),
    [
        (None, ("a=1",), "Name the scorer"),
        ("text", ("blank",), "Write name=value"),
        ("text", ("vocabulary=@nowhere.json",), "nowhere.json cannot be read"),
        ("nowhere.py", (), "nowhere.py cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    named: str | None, settings: tuple[str, ...], told: str
) -> None:
    with pytest.raises(CommandRefused, match=told):
        scorer_input(named, settings)
