"""After any history every object has a whole chain: nothing hangs loose, no cause is younger."""

import random
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from application.why.chain import Chain, Subject, Tie
from application.why.explanation import MOST_LINES, explanation
from application.why.walk import why
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.postgres.database import Database
from infrastructure.postgres.reads import PostgresReads, PostgresTenantReads
from tests.contract.histories import History

BEGAN = {
    "model.registered": "Model",
    "dataset.registered": "Dataset",
    "device-profile.defined": "DeviceProfile",
    "job.requested": "Job",
    "tenant.registered": "Tenant",
    "quota.opened": "Quota",
}


@pytest.fixture
async def reading(database: Database) -> AsyncIterator[Database]:
    await database.open_reads()
    yield database
    await database.close_reads()


async def _subjects(reads: PostgresTenantReads) -> list[Subject]:
    return [
        Subject(BEGAN[row.topic], row.stream_id, row.stream_id)
        for row in await reads.story(0, 10_000, None)
        if row.topic in BEGAN
    ]


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_link_but_those_that_explain_leads_to_another(
    reading: Database, seed: int
) -> None:
    chance = random.Random(seed)
    history = History(PostgresEventLog(reading))
    for _ in range(60):
        history.happen((chance.randrange(18), chance.randrange(6), chance.randrange(6)))
    reads = PostgresReads(reading).within(history.tenant_id)
    subjects = await _subjects(reads)
    assert {subject.kind for subject in subjects} == set(BEGAN.values())
    for until in (history.positions[-1], history.positions[len(history.positions) // 2]):
        for subject in subjects:
            chain = await why(reads, subject, until)
            if chain is not None:
                _whole(chain, until)


def _whole(chain: Chain, until: int) -> None:
    positions = [link.position for link in chain.links]
    assert chain.complete
    assert positions == sorted(set(positions), reverse=True)
    assert positions[0] <= until
    leading = {because.reference for link in chain.links for because in link.because}
    for link in chain.links:
        assert link.explains or link.reference in leading, link
        assert link.summary.endswith((".", "…")), link.summary
        for because in link.because:
            assert because.position is None or because.position < link.position
    ends = [link for link in chain.links if not any(b.position for b in link.because)]
    assert all(link.because[-1].tie is Tie.REQUEST for link in ends), ends
    lines = explanation(chain).splitlines()
    for link in chain.links:
        assert any(f"#{link.position} {link.summary}" in line for line in lines)


async def test_a_long_life_is_explained_by_what_counts_of_it(reading: Database) -> None:
    """Eighty moves of an alias are no reason: the last one is."""
    history = History(PostgresEventLog(reading))
    for step in ((0, 0, 0), (1, 0, 0), (2, 0, 5), *[(3, 0, 0), (3, 0, 2)] * 40):
        history.happen(step)
    reads = PostgresReads(reading).within(history.tenant_id)
    model = next(subject for subject in await _subjects(reads) if subject.kind == "Model")
    chain = await why(reads, model, history.positions[-1])
    assert chain is not None
    explained = [link for link in chain.links if "alias a0" in link.explains]
    assert [link.event.topic for link in explained] == ["model.alias-moved"]
    assert len(chain.links) <= 6
    assert len(explanation(chain).splitlines()) < MOST_LINES


async def test_what_is_not_there_has_no_reason(reading: Database) -> None:
    history = History(PostgresEventLog(reading))
    reads = PostgresReads(reading).within(history.tenant_id)
    nobody = uuid4()
    assert await why(reads, Subject("Model", nobody, nobody), 10**6) is None
    tenant = Subject("Tenant", history.tenant_id, history.tenant_id)
    assert await why(reads, tenant, history.positions[0] - 1) is None
    other = PostgresReads(reading).within(uuid4())
    assert await why(other, tenant, 10**6) is None
