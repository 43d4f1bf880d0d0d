"""Operations are paid for; every answer says what is left, an empty bucket when to return."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.plan import ALLOWANCES, Allowance, Plan
from tests.interfaces.http.serving import Served, served
from tests.services.redis import OwnRedis

ENTERPRISE = ALLOWANCES[Plan.ENTERPRISE]
LIST = (
    "query ($n: Int!) { models(first: $n) { nodes { id artifacts(first: $n) { nodes { id } } } } }"
)


def cost_of(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer["extensions"]["cost"]
    return found


def test_every_answer_says_what_it_cost_and_what_is_left(server: Served) -> None:
    cost = cost_of(server.ask(LIST, n=3))
    assert cost["requested"] == 1 + 1 + 3 * (1 + 1 + 3)
    assert cost["maximum"] == ENTERPRISE.largest
    assert cost["restoreRate"] == ENTERPRISE.refill
    assert 0 < cost["remaining"] <= ENTERPRISE.size - cost["requested"] + ENTERPRISE.refill
    assert cost["resetAt"].endswith("+00:00")


@pytest.mark.parametrize("query", ["{", "{ nothing }", "{ models { nodes { id } } }", "{ a: "])
def test_so_does_an_answer_that_is_a_refusal(server: Served, query: str) -> None:
    answer = server.ask(query)
    assert "errors" in answer
    assert cost_of(answer)["requested"] >= 0


def test_what_costs_too_much_is_not_begun(server: Served) -> None:
    query = (
        "query ($n: Int!) { models(first: $n) { nodes { artifacts(first: $n) { nodes {"
        " benchmarks(first: $n) { nodes { p50Ms } } } } } } }"
    )
    answer = server.ask(query, n=100)
    assert "data" not in answer
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "COST_TOO_HIGH"
    assert "smaller pages" in error["message"]
    assert cost_of(answer)["requested"] > ENTERPRISE.largest
    assert "errors" not in server.ask(query, n=5)


@pytest.fixture
def poor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enterprise tenants have 40 points, and one more a second."""
    monkeypatch.setitem(ALLOWANCES, Plan.ENTERPRISE, Allowance(40, 1, 40))


def test_an_empty_bucket_is_told_with_the_time_to_wait(
    poor: None, database_url: str, tmp_path: Path
) -> None:
    with served(database_url, tmp_path / "home") as server:
        assert server.post(LIST, n=3).status_code == 200
        assert server.post(LIST, n=3).status_code == 200
        refused = server.post(LIST, n=3)
        assert refused.status_code == 429
        (error,) = refused.json()["errors"]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        wait = error["extensions"]["retryAfter"]
        assert refused.headers["retry-after"] == str(wait)
        assert 1 <= wait <= 17
        assert cost_of(refused.json())["remaining"] < 17
        assert server.post("{ viewer { actor } }").status_code == 200  # there is enough for that


def test_reading_nonsense_is_paid_for_too(poor: None, database_url: str, tmp_path: Path) -> None:
    with served(database_url, tmp_path / "home") as server:
        left = [cost_of(server.ask("{"))["remaining"] for _ in range(5)]
        assert left[-1] < left[0]


def test_processes_share_a_bucket_in_redis_and_go_on_without_it(
    poor: None, database_url: str, tmp_path: Path, own_redis: Callable[[], OwnRedis]
) -> None:
    redis = own_redis()
    with (
        served(database_url, tmp_path / "home", REDIS_URL=redis.url) as one,
        served(database_url, tmp_path / "home", REDIS_URL=redis.url) as other,
    ):
        assert one.post(LIST, n=4).status_code == 200
        assert other.post(LIST, n=4).status_code == 429
        redis.kill()
        for server in (one, other):
            assert server.post(LIST, n=4).status_code == 200
