"""Scorers are set by words that are checked where they are given."""

from typing import Any

import pytest

from application.plain_json import from_json, to_json
from domain.scorer import (
    SETTINGS,
    BoxFormat,
    Detection,
    Regression,
    RegressionMeasure,
    Scorer,
    ScorerName,
    Text,
    facts,
)

OWN = "def score(outputs, labels):\n    return 1.0\n"


def test_what_is_left_out_has_its_default() -> None:
    assert Scorer(ScorerName.REGRESSION).typed == Regression()
    assert Regression().measure is RegressionMeasure.R2


def test_words_are_taken_in_any_case_and_whole_floats_as_integers() -> None:
    typed = Scorer(ScorerName.DETECTION, {"format": "cxcywh", "offset": 1.0}).typed
    assert typed == Detection(format=BoxFormat.CXCYWH, offset=1)


def test_a_text_stands_for_the_list_of_its_characters() -> None:
    assert Scorer(ScorerName.TEXT, {"vocabulary": "-ab"}).typed == Text(vocabulary=("-", "a", "b"))


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        (ScorerName.CLASSIFICATION, {"topp": 1}, "scorer.settings.topp: there is no such setting"),
        (ScorerName.CLASSIFICATION, {"top": 0}, "scorer.settings.top: give a whole number of 1"),
        (ScorerName.CLASSIFICATION, {"top": True}, "scorer.settings.top"),
        (ScorerName.CLASSIFICATION, {"top": 1.5}, "scorer.settings.top"),
        (ScorerName.CLASSIFICATION, {"top": "3"}, "scorer.settings.top"),
        (ScorerName.CLASSIFICATION, {"output": 7}, "scorer.settings.output: give a text"),
        (ScorerName.REGRESSION, {"measure": "MSE"}, "give one of R2, RMSE, MAE, not 'MSE'"),
        (ScorerName.DETECTION, {"nms": float("nan")}, "scorer.settings.nms: give a number of 0"),
        (ScorerName.DETECTION, {"scale": float("inf")}, "scorer.settings.scale"),
        (ScorerName.TEXT, {"vocabulary": []}, "scorer.settings.vocabulary: give a list"),
        (ScorerName.TEXT, {"vocabulary": [1]}, "scorer.settings.vocabulary"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(
    name: ScorerName, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=r"scorer\.settings") as refused:
        Scorer(name, settings)
    assert told in str(refused.value)


@pytest.mark.parametrize("code", ["", "x = 1", "  def score(outputs, labels): pass"])
def test_a_scorer_of_ones_own_needs_the_function(code: str) -> None:
    with pytest.raises(ValueError, match=r"^scorer\.code: .*def score"):
        Scorer(ScorerName.CUSTOM, code=code)


@pytest.mark.parametrize("odd", ["\0", "\ud800"])
def test_what_no_store_holds_is_refused(odd: str) -> None:
    with pytest.raises(ValueError, match=r"^scorer\.code"):
        Scorer(ScorerName.CUSTOM, code=OWN + odd)
    with pytest.raises(ValueError, match=r"^scorer\.settings\.output"):
        Scorer(ScorerName.TEXT, {"output": odd})
    with pytest.raises(ValueError, match=r"^scorer\.settings\.vocabulary"):
        Scorer(ScorerName.TEXT, {"vocabulary": ["a", odd]})


def test_code_is_bounded_and_belongs_to_custom_alone() -> None:
    with pytest.raises(ValueError, match=r"^scorer\.code: give 32,768 bytes at most"):
        Scorer(ScorerName.CUSTOM, code=OWN + "#" * 32_768)
    with pytest.raises(ValueError, match=r"^scorer\.code: TEXT takes none"):
        Scorer(ScorerName.TEXT, code=OWN)


def test_every_setting_of_every_scorer_is_told_and_can_be_given_as_told() -> None:
    for name in SETTINGS:
        code = OWN if name is ScorerName.CUSTOM else ""
        told = {fact.name: fact.default for fact in facts(name) if fact.default != []}
        assert Scorer(name, told, code).typed == Scorer(name, code=code).typed
        assert all(fact.what.endswith(".") for fact in facts(name))


def test_a_scorer_is_the_same_after_storing() -> None:
    scorer = Scorer(ScorerName.TEXT, {"vocabulary": ["a", "b"], "measure": "WER"})
    assert from_json(to_json(scorer), Scorer) == scorer
