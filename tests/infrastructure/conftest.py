"""What tests of projections share."""

from uuid import uuid4

import pytest

from application.views.registry import VIEWS
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.following.upkeep import PostgresProjections
from infrastructure.postgres.database import Database
from tests.services.postgres import TEST_SECRET
from tests.services.projecting import project
from tests.services.store_examples import busy_model, in_tenant


@pytest.fixture
def projections(database_url: str) -> PostgresProjections:
    return PostgresProjections(database_url, TEST_SECRET, VIEWS)


@pytest.fixture
def filled(database: Database, event_log: PostgresEventLog) -> int:
    """Six models in the live tables; the last position."""
    with in_tenant(uuid4()):
        for changes in range(6):
            position = event_log.save(busy_model(changes))
    project(database)
    return position
