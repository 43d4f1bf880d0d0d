"""What schemathesis makes up for every query and mutation of the schema meets no 5xx.

Seeded. Operations take turns: each has one, however slow the machine, and further ones while there
is time.
"""

import time
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from tests.interfaces.http.serving import Served
from tests.patience import PATIENCE

SECONDS, TURNS, EXAMPLES = 15.0, 4, 6

SCALARS = {
    "BigInt": st.integers().map(nodes.Int),
    "JSON": st.one_of(st.text().map(nodes.String), st.integers().map(nodes.Int)),
}


@pytest.fixture(scope="module")
def operations(server: Served) -> list[Any]:
    for name, strategy in SCALARS.items():
        schemathesis.graphql.scalar(name, strategy)
    headers = {"authorization": f"Bearer {server.token}"}
    schema = schemathesis.graphql.from_url(f"{server.url}/graphql", headers=headers)
    return [found.ok() for found in schema.get_all_operations()]


class Trial:
    """What was asked so far, and what came back."""

    def __init__(self, server: Served, seconds: float) -> None:
        self._server, self._deadline = server, time.monotonic() + seconds
        self.asked: Counter[str] = Counter()
        self.answered = 0

    def goes_on(self, turn: int) -> bool:
        return turn == 0 or time.monotonic() < self._deadline

    def run(self, operation: Any, turn: int) -> None:
        """Some more examples of one operation."""

        @seed(turn)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def examples(case: Any) -> None:
            if self.goes_on(turn):
                self._ask(operation.label, case.body)

        examples()

    def _ask(self, name: str, body: Any) -> None:
        query = body if isinstance(body, str) else body["query"]
        answer = self._server.http.post("/graphql", json={"query": query})
        assert answer.status_code < 500, (query, answer.text)
        assert "INTERNAL" not in answer.text, (query, answer.text)
        self.asked[name] += 1
        self.answered += '"data"' in answer.text


@pytest.mark.timeout(8 * PATIENCE)
def test_no_operation_that_is_made_up_breaks_the_api(server: Served, operations: list[Any]) -> None:
    assert len(operations) >= 30
    trial = Trial(server, SECONDS)
    for turn in range(TURNS):
        for operation in operations:
            if trial.goes_on(turn):  # what is made up costs more than to ask it
                trial.run(operation, turn)
    assert len(trial.asked) == len(operations), "some operation was not tried"
    assert trial.answered, "everything was refused before it ran"
