"""Runs in the tree of the release that is recorded, for events that no mutation of it leads to:
`python -P supplement.py`, with its settings in the environment.
"""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from domain.cause import Cause, acting
from domain.job import Failure, Fault, Job
from domain.principal import Role
from domain.tenant import Tenant
from interfaces.bootstrap import Installation
from interfaces.first_key import FIRST_TENANT
from interfaces.settings import read_settings

CRASH = Failure("ENGINE_KILLED", "something outside killed it", Fault.PLATFORM, retryable=True)
BAD = Failure("CANNOT_FEED", "The input “x” cannot be fed.", Fault.REQUEST)


def main() -> None:
    installation = Installation.of(read_settings())
    log = installation.platform.log
    with acting(Cause(FIRST_TENANT, "system", "request:supplement", "supplement")):
        tenant = log.find(Tenant, FIRST_TENANT)
        assert tenant is not None
        for role in (Role.OWNER, Role.VIEWER):
            tenant.add_member(UUID(int=list(Role).index(role) + 1), role)
        tenant.remove_member(UUID(int=1))
        log.save(tenant)
        job = Job.request(uuid4(), "benchmark", uuid4(), {"artifacts": [], "spec": {}}, "hash")
        job.fail(job.claim("worker:1:1"), CRASH, datetime.now(UTC))
        job.interrupt(job.claim("worker:1:1"))
        attempt = job.claim("worker:1:1")
        job.start_stage(attempt, "measure")
        job.finish_stage(attempt, "measure")
        job.fail(attempt, BAD, datetime.now(UTC))
        log.save(job)
    installation.close()


main()
