"""Domain tests do no I/O: events are caused by nobody in particular."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from domain.cause import Cause, acting

TENANT = UUID("11111111-1111-4111-8111-111111111111")


@pytest.fixture(autouse=True)
def _acting() -> Iterator[None]:
    with acting(Cause(TENANT, "key:test", "request:1", "1")):
        yield
