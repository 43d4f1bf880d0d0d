"""Scorers: what the variants of a model can be judged by, and how each one is set."""

from typing import Any

import strawberry
from strawberry.scalars import JSON

from application.commands.scoring import ScorerOrder
from domain.dataset_fit import WANTED
from domain.refusal import invalid
from domain.scorer import ScorerName, facts
from domain.scorer_setting import SettingFact
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field

strawberry.enum(ScorerName)
_WHAT = {
    ScorerName.CLASSIFICATION: "The share of rows whose class is told.",
    ScorerName.REGRESSION: "How near numbers come: R², RMSE or MAE.",
    ScorerName.AUC: "How often what is to be found scores higher than what is not: ROC AUC.",
    ScorerName.DETECTION: "Mean average precision of boxes, as COCO counts it.",
    ScorerName.TEXT: "How rightly text is read: character or word error rate, exact match.",
    ScorerName.CUSTOM: "Your own Python function, run in a sandbox.",
}


@strawberry.input(
    description="What judges the variants by the labels of the evaluation dataset; see `scorers`."
)
class ScorerInput:
    name: ScorerName
    settings: JSON | None = strawberry.field(
        default=None, description="An object of settings by name; the rest have their defaults."
    )
    code: str | None = strawberry.field(
        default=None,
        description="For CUSTOM: a Python module with `def score(outputs, labels)`, both"
        " dictionaries of NumPy arrays by name, which returns a number, higher being better, or"
        " `{“value”: …, “higher_is_better”: …}`. It is run under bubblewrap alone.",
    )

    def order(self) -> ScorerOrder:
        given: Any = self.settings
        if given is not None and not isinstance(given, dict):
            raise invalid("scorer.settings", "Give an object of settings by name.")
        return ScorerOrder(self.name, given or {}, self.code or "")


@strawberry.type(description="`choices` of one that takes a word.")
class ScorerSetting:
    name: str
    type: str
    default: JSON
    what: str
    choices: list[str]

    @classmethod
    def of(cls, fact: SettingFact) -> "ScorerSetting":
        return cls(
            name=fact.name,
            type=fact.type,
            default=JSON(fact.default),
            what=fact.what,
            choices=list(fact.choices),
        )


@strawberry.type
class Scorer:
    name: ScorerName
    what: str
    labels: str = strawberry.field(description="The arrays of the evaluation dataset it reads.")
    settings: list[ScorerSetting]

    @classmethod
    def of(cls, name: ScorerName) -> "Scorer":
        settings = [ScorerSetting.of(fact) for fact in facts(name)]
        return cls(name=name, what=_WHAT[name], labels=WANTED[name], settings=settings)


@strawberry.type
class ScorerQuery:
    @field("What `modelOptimize` can judge by.")
    async def scorers(self, info: Info) -> list[Scorer]:
        _ = info.context.caller  # raises for whoever has not signed in
        return [Scorer.of(name) for name in ScorerName]
