"""Our executor answers as graphql-core's own does: values, nulls, errors and their order."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
import strawberry
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from interfaces.graphql.admission import Admission
from interfaces.graphql.caching import Documents
from interfaces.graphql.executor import PlainFieldsInline
from interfaces.graphql.scalars import BIG_INT, BigInt
from interfaces.graphql.trusted import Trusted


@strawberry.enum
class Color(Enum):
    RED = "r"
    BLUE = "b"


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Part:
    label: str
    weight: float | None = None


@strawberry.type
class Thing(Named):
    id: strawberry.ID
    size: int
    big: BigInt
    on: bool
    color: Color
    made: datetime
    free: JSON
    parts: list[Part]
    words: list[str] | None = None
    part: Part | None = None
    maybe: str | None = None
    snake_case: int = 7

    @strawberry.field
    def shout(self, times: int = 1) -> str:
        return self.name.upper() * times

    @strawberry.field
    async def later(self) -> str:
        return f"{self.name} later"

    @strawberry.field
    async def later_part(self) -> Part:
        return Part(label="late")

    @strawberry.field
    def broken(self) -> str | None:
        raise ValueError("broken")


@strawberry.type
class Other(Named):
    kind: str


def thing(**changes: Any) -> Thing:
    given: dict[str, Any] = {
        "name": "a", "id": strawberry.ID("1"), "size": 3, "big": BigInt(2**40), "on": True,
        "color": Color.RED, "made": datetime(2026, 1, 2, tzinfo=UTC), "free": {"x": [1, None]},
        "parts": [Part(label="p"), Part(label="q", weight=1.5)],
    }  # fmt: skip
    return Thing(**(given | changes))


class Lying(str):
    """A str that is none exactly."""


@dataclass
class Unlike:
    """Has what a Part has and is none."""

    label: str = "unlike"
    weight: float | None = None


THINGS: dict[str, Any] = {
    "plain": thing(),
    "second": thing(name="ö\ud800\0", words=["x", "y"], part=Part(label="z"), maybe="m"),
    "nothing_required": thing(name=None),
    "not_a_number": thing(size="five"),
    "too_big": thing(size=2**31),
    "number_as_text": thing(size="5", name=5),
    "whole_float": thing(size=5.0),
    "subclass": thing(name=Lying("lying")),
    "bad_enum": thing(color="RED"),
    "infinite": thing(parts=[Part(label="i", weight=float("inf"))]),
    "null_part": thing(parts=[None]),
    "unlike_part": thing(parts=[Unlike()]),
    "tuple": thing(parts=(Part(label="t"),)),
    "generator": thing(words=(word for word in ())),
    "no_list": thing(words=5),
    "raises": thing(maybe=ValueError("as a value")),
    "no_json": thing(free=None),
    "date_as_text": thing(made="2026"),
}


def make_schema(executor: type | None) -> strawberry.Schema:
    @strawberry.type
    class Query:
        @strawberry.field
        def one(self, which: str) -> Thing | None:
            return THINGS[which]

        @strawberry.field
        def all(self, which: list[str]) -> list[Thing | None]:
            return [THINGS.get(name) for name in which]

        @strawberry.field
        async def strict(self, which: list[str]) -> list[Thing]:
            return [THINGS[name] for name in which]

        @strawberry.field
        def named(self) -> list[Named]:
            return [THINGS["plain"], Other(name="o", kind="k")]

    documents = Documents()
    return strawberry.Schema(
        Query,
        types=[Thing, Other],
        config=StrawberryConfig(scalar_map={BigInt: BIG_INT}),
        execution_context_class=executor,
        extensions=[] if executor is None else [lambda: Admission(documents, Trusted())],
    )


PLAIN = make_schema(None)
OURS = make_schema(PlainFieldsInline)

FIELDS = "id name size big on color made free snakeCase words maybe"
QUERIES = [
    "query($w: String!) { one(which: $w) { FIELDS } }",
    "query($w: String!) { one(which: $w) { FIELDS parts { label weight } part { label } } }",
    "query($w: String!) { one(which: $w) { maybe shout(times: 2) name later size broken } }",
    "query($w: String!) { one(which: $w) { __typename a: name b: name name part { __typename } } }",
    'query($w: String!) { all(which: [$w, "plain", "missing"]) { FIELDS parts { label } } }',
    'query($w: String!) { strict(which: ["plain", $w]) { name size parts { weight } maybe } }',
    'query($w: String!) { strict(which: ["plain", $w]) { later laterPart { label } size broken } }',
    """query($w: String!) { one(which: $w) { ...F ...F ... on Named { name } ... { id } } }
    fragment F on Thing { size parts { ...P } } fragment P on Part { label }""",
    """query($w: String!, $no: Boolean = false) { one(which: $w) {
      id @include(if: $no) name @skip(if: $no) size @include(if: false)
      parts @skip(if: $no) { label weight @skip(if: $no) } } }""",
    """query($w: String!) { one(which: $w) { words } named {
      name ... on Other { kind } ... on Thing { size parts { label } } } }""",
    "query($w: String!) { one(which: $w) { parts { label } parts { weight } part { weight } } }",
]


def told(result: Any) -> Any:
    errors = [
        (error.message, error.path, [(at.line, at.column) for at in error.locations or []])
        for error in result.errors or []
    ]
    return result.data, errors


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("which", THINGS)
async def test_it_answers_as_graphql_core_does(query: str, which: str) -> None:
    query, variables = query.replace("FIELDS", FIELDS), {"w": which}
    expected = told(await PLAIN.execute(query, variables))
    for _ in range(2):  # the second time with the plans that the first has made
        assert told(await OURS.execute(query, variables)) == expected
    if expected[0] is not None:
        keys = repr(expected[0])
        found = await OURS.execute(query, variables)
        assert repr(found.data) == keys  # the order of the fields too


@pytest.mark.parametrize("no", [True, False])
async def test_a_selection_that_depends_on_variables_is_planned_anew(no: bool) -> None:
    query = 'query($no: Boolean!) { one(which: "plain") { id name @skip(if: $no) } }'
    found = await OURS.execute(query, {"no": no})
    assert found.data == {"one": {"id": "1"} if no else {"id": "1", "name": "a"}}
