"""A client that was cut off and comes back with its last position gets every change once.

`EDGEWISE_SOAK_SECONDS=300 pytest tests/e2e/test_resume.py -s` does the same for five minutes.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.cutting import cut_and_come_back
from tests.e2e.stage import Stage
from tests.patience import PATIENCE
from tests.services.postgres import OwnPostgres

SECONDS = float(os.environ.get("EDGEWISE_SOAK_SECONDS", "10"))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 8 * PATIENCE)
async def test_a_client_that_is_cut_off_and_returns_gets_every_change_once(
    own_postgres: Callable[[], OwnPostgres], tmp_path: Path
) -> None:
    stage = Stage(own_postgres(), tmp_path / "home")
    try:
        token = stage.start()
        outcome = await cut_and_come_back(stage, token, SECONDS)
    finally:
        stage.close()
    print(outcome)  # noqa: T201 - the result of a long run
    assert outcome.cuts > SECONDS / 5
    assert outcome.api_restarts + outcome.postgres_restarts > 0
    assert outcome.flawless, outcome
