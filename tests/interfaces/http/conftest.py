"""One server for all tests of a module; those that need other settings start their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interfaces.http.serving import Served, served
from tests.services import postgres


@pytest.fixture(scope="module")
def server(
    postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    home: Path = tmp_path_factory.mktemp("served")
    with (
        postgres.fresh_database(postgres_server, migrated_template) as url,
        served(url, home / "home") as server,
    ):
        yield server
