"""A short storm; `make chaos ARGS="--kills 1000"` is the long one."""

from collections.abc import Callable

import pytest

from tests.chaos.storm import Storm
from tests.chaos.tiny_model import tiny_model
from tests.patience import PATIENCE
from tests.services.postgres import OwnPostgres
from tests.services.redis import OwnRedis
from tests.services.session_folder import new_folder


@pytest.mark.slow
@pytest.mark.timeout(8 * PATIENCE)
def test_nothing_acknowledged_is_lost_or_done_twice_while_everything_is_killed(
    own_postgres: Callable[[], OwnPostgres], own_redis: Callable[[], OwnRedis]
) -> None:
    folder = new_folder("chaos")
    found = Storm(kills=12, seed=7, pause=1.5, clients=3).rage(
        folder / "home", tiny_model(folder / "tiny.onnx"), own_postgres(), own_redis()
    )
    assert found["wrong"] == []
    assert found["acknowledged"] > 0
