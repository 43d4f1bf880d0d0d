"""Scorers: how well a model does its task, told by labels, and how each one is set.

A scorer turns outputs and labels into one figure for the source and one for the variant. What it
can be told is checked where it is made: a value that cannot be is a ValueError that begins with the
field as the API spells it, then the rule and the remedy. All settings are single words, spelled the
same everywhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from domain.scorer_setting import Rule, SettingFact, can_be_kept, facts_of, parsed

LONGEST_CODE = 32_768


class ScorerName(StrEnum):
    CLASSIFICATION = "CLASSIFICATION"
    REGRESSION = "REGRESSION"
    AUC = "AUC"
    DETECTION = "DETECTION"
    TEXT = "TEXT"
    CUSTOM = "CUSTOM"


class RegressionMeasure(StrEnum):
    R2 = "R2"
    RMSE = "RMSE"
    MAE = "MAE"


class DetectionMeasure(StrEnum):
    MAP = "MAP"
    MAP50 = "MAP50"


class TextMeasure(StrEnum):
    CER = "CER"
    WER = "WER"
    EXACT_MATCH = "EXACT_MATCH"


class ScoreBy(StrEnum):
    """Where a row's anomaly score comes from: an output, or the mean squared difference between
    the model's input and its output, as an autoencoder's."""

    OUTPUT = "OUTPUT"
    RECONSTRUCTION = "RECONSTRUCTION"


class Layout(StrEnum):
    """BOXES: boxes, scores and classes are outputs of their own. YOLO: one output of 4 + classes
    numbers a box, as versions 8 and later give; YOLO_OBJECTNESS: of 5 + classes, as version 5."""

    BOXES = "BOXES"
    YOLO = "YOLO"
    YOLO_OBJECTNESS = "YOLO_OBJECTNESS"


class BoxFormat(StrEnum):
    """Two corners, a corner with width and height, or the center with them."""

    XYXY = "XYXY"
    YXYX = "YXYX"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"


class Decode(StrEnum):
    """CTC: the best path, repeats merged, blanks left out; IDS: the output tells tokens itself."""

    CTC = "CTC"
    IDS = "IDS"


class Axes(StrEnum):
    """The order of batch, time and class in an output."""

    BTC = "BTC"
    TBC = "TBC"


class Drop(StrEnum):
    RELATIVE = "RELATIVE"
    ABSOLUTE = "ABSOLUTE"


@dataclass(frozen=True, slots=True)
class Classification:
    output: Annotated[str, Rule("The output that tells the class; else the first that can.")] = ""
    top: Annotated[int, Rule("Right when the label is among this many best.", 1, 1_000)] = 1


@dataclass(frozen=True, slots=True)
class Regression:
    output: Annotated[str, Rule("The output that is compared; else the only one of numbers.")] = ""
    measure: Annotated[
        RegressionMeasure, Rule("R2 drops by difference, RMSE and MAE by share of the source's.")
    ] = RegressionMeasure.R2


@dataclass(frozen=True, slots=True)
class Auc:
    by: Annotated[ScoreBy, Rule("What a row's score is.")] = ScoreBy.OUTPUT
    output: Annotated[str, Rule("The output that tells it; else the first of numbers.")] = ""
    column: Annotated[
        int, Rule("Which of several numbers a row is the score; -1 is the last.", -1)
    ] = -1


@dataclass(frozen=True, slots=True)
class Detection:
    layout: Annotated[Layout, Rule("How the outputs tell boxes.")] = Layout.BOXES
    boxes: Annotated[
        str, Rule("The output with boxes, else told by its shape; for YOLO the only one.")
    ] = ""
    scores: Annotated[str, Rule("The output with scores, one a box or one for each class.")] = ""
    classes: Annotated[str, Rule("The output with classes, where scores tell none.")] = ""
    format: Annotated[BoxFormat, Rule("Of the outputs' boxes; YOLO's are always CXCYWH.")] = (
        BoxFormat.XYXY
    )
    scale: Annotated[
        float, Rule("What boxes are multiplied by to be in the labels' unit.", 1e-9, 1e9)
    ] = 1.0
    offset: Annotated[int, Rule("What the first class is called by the outputs.", 0, 1_000)] = 0
    threshold: Annotated[float, Rule("Boxes that score lower are left out.", 0, 1)] = 0.001
    nms: Annotated[
        float, Rule("Boxes of a class that overlap more are one, for raw outputs.", 0, 1)
    ] = 0.7
    measure: Annotated[DetectionMeasure, Rule("Which of the two is judged by.")] = (
        DetectionMeasure.MAP
    )


@dataclass(frozen=True, slots=True)
class Text:
    output: Annotated[str, Rule("The output that tells the text; else the only one that can.")] = ""
    measure: Annotated[TextMeasure, Rule("Which of the three is judged by.")] = TextMeasure.CER
    decode: Annotated[Decode, Rule("How tokens are read.")] = Decode.CTC
    axes: Annotated[Axes, Rule("The order of batch, time and class, for CTC.")] = Axes.BTC
    blank: Annotated[int, Rule("The token that CTC leaves out.", 0)] = 0
    vocabulary: Annotated[
        tuple[str, ...], Rule("The text of each token, where labels are texts.")
    ] = ()
    space: Annotated[int, Rule("The token between words, for WER of tokens; -1 for none.", -1)] = -1


@dataclass(frozen=True, slots=True)
class Custom:
    drop: Annotated[
        Drop, Rule("Whether a loss is a share of the source's figure or the difference.")
    ] = Drop.RELATIVE


Settings = Classification | Regression | Auc | Detection | Text | Custom
SETTINGS: Mapping[ScorerName, type[Settings]] = MappingProxyType(
    {
        ScorerName.CLASSIFICATION: Classification,
        ScorerName.REGRESSION: Regression,
        ScorerName.AUC: Auc,
        ScorerName.DETECTION: Detection,
        ScorerName.TEXT: Text,
        ScorerName.CUSTOM: Custom,
    }
)
_DEFINES_SCORE = re.compile(r"^def score\(", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scorer:
    """`settings` as they were given; those left out have their defaults. `code` is CUSTOM's alone:
    a Python module with `def score(outputs, labels)`."""

    name: ScorerName
    settings: dict[str, Any] = field(default_factory=dict)
    code: str = ""

    def __post_init__(self) -> None:
        _ = self.typed
        if self.name is not ScorerName.CUSTOM:
            if self.code:
                raise ValueError(f"scorer.code: {self.name} takes none. Name the scorer CUSTOM.")
            return
        if not _DEFINES_SCORE.search(self.code):
            raise ValueError(
                "scorer.code: give a Python module that has “def score(outputs, labels):” and "
                "returns a number."
            )
        if not can_be_kept(self.code):
            raise ValueError("scorer.code: it has characters that are none. Save it as UTF-8.")
        if len(self.code.encode()) > LONGEST_CODE:
            raise ValueError(f"scorer.code: give {LONGEST_CODE:,} bytes at most.")

    @property
    def typed(self) -> Settings:
        """Raises ValueError for a setting that there is not, or that has no such value."""
        return parsed(SETTINGS[self.name], self.settings)


def facts(name: ScorerName) -> tuple[SettingFact, ...]:
    """What a scorer can be told."""
    return facts_of(SETTINGS[name])
