"""Why an object is as it is: the chain of events behind its state, now or at a moment."""

from uuid import UUID

import strawberry

from application.ports.reads import Page, Paging, page_of
from application.views.model import ArtifactRow
from application.views.tenant import ApiKeyRow
from application.why.chain import Because as BecauseLink
from application.why.chain import Chain, Link, Subject, Tie
from application.why.explanation import explanation
from application.why.walk import why
from domain.dataset import Dataset
from domain.device import Device
from domain.device_claim import DeviceClaim
from domain.device_group import DeviceGroup
from domain.device_profile import DeviceProfile
from domain.job import Job
from domain.model import Model
from domain.principal import Role
from domain.quota import Quota
from domain.rollout import Rollout
from domain.tenant import Tenant
from domain.update import Update
from interfaces.graphql.artifact import artifacts_at
from interfaces.graphql.context import Info
from interfaces.graphql.event import Event
from interfaces.graphql.fields import field, nullable
from interfaces.graphql.node import bare_id, parsed_any_id, parsed_pair
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import Moment, moment_of
from interfaces.graphql.scalars import BigInt

strawberry.enum(Tie, description="How something led to an event.")

_BEGAN = {
    Model.Registered.TOPIC: "Model",
    Dataset.Registered.TOPIC: "Dataset",
    DeviceProfile.Defined.TOPIC: "DeviceProfile",
    Device.Registered.TOPIC: "Device",
    DeviceClaim.Issued.TOPIC: "DeviceClaim",
    DeviceGroup.Defined.TOPIC: "DeviceGroup",
    Rollout.Drafted.TOPIC: "Rollout",
    Update.Queued.TOPIC: "Update",
    Job.Requested.TOPIC: "Job",
    Tenant.Registered.TOPIC: "Tenant",
    Quota.Opened.TOPIC: "Quota",
}


@strawberry.type(description="What led to an event: another event, or a request (`tie` REQUEST).")
class Because:
    tie: Tie
    reference: str
    position: BigInt | None
    summary: str

    @classmethod
    def of(cls, because: BecauseLink) -> "Because":
        position = None if because.position is None else BigInt(because.position)
        return cls(
            tie=because.tie,
            reference=because.reference,
            position=position,
            summary=because.summary,
        )


@strawberry.type(description="An event of the chain. `explains`: the properties that it set last.")
class WhyLink:
    event: Event
    explains: list[str]
    because: list[Because]
    summary: str

    @classmethod
    def of(cls, link: Link) -> "WhyLink":
        return cls(
            event=Event.of(link.event),
            explains=list(link.explains),
            because=[Because.of(one) for one in link.because],
            summary=link.summary,
        )


@strawberry.type(description="`complete` is false where more led to it than is followed.")
class Why:
    chain: strawberry.Private[Chain]
    kind: str
    object_id: strawberry.ID
    position: BigInt
    total: int
    complete: bool

    @field("Every event of the chain, newest first: an effect before its causes.")
    async def links(
        self,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Connection[WhyLink]:
        paging = checked_paging(first, last, after, before)
        return connection_of(_page(self.chain.links, paging), WhyLink.of)

    @field("The chain as a tree of sentences, one a line.")
    async def explanation(self) -> str:
        return explanation(self.chain)


@strawberry.type
class WhyQuery:
    @nullable("Why an object is as it is. Also a quota and a benchmark have an id to ask by.")
    async def why(self, info: Info, id: strawberry.ID, as_of: Moment | None = None) -> Why | None:
        reads = info.context.present.reads
        until = await moment_of(info, as_of)
        until = await reads.head() if until is None else until
        subject = await _subject(info, id, until)
        chain = None if subject is None else await why(reads, subject, until)
        if chain is None:
            return None
        return Why(
            chain=chain,
            kind=chain.subject.kind,
            object_id=bare_id(chain.subject.id),
            position=BigInt(until),
            total=len(chain.links),
            complete=chain.complete,
        )


async def _subject(info: Info, given: str, until: int) -> Subject | None:
    """The object and its stream; None where there is none of this kind."""
    pair = parsed_pair("Benchmark", given)
    if pair is not None:
        return Subject("Benchmark", pair[0], pair[0], pair[1])
    kind, id = parsed_any_id(given, "id")
    if kind in _BEGAN.values():
        return Subject(str(kind), id, id)
    if kind is None and (first := await info.context.present.reads.story(0, 1, id, until)):
        began = _BEGAN.get(first[0].topic)
        return None if began is None else Subject(began, id, id)
    if kind in ("Artifact", None):
        rows = await artifacts_at(info, [id], until)
        if (row := await rows.one(ArtifactRow, id)) is not None:
            return Subject("Artifact", row.model_id, id)
    return await _key(info, kind, id)


async def _key(info: Info, kind: str | None, id: UUID) -> Subject | None:
    context = info.context
    if kind not in ("ApiKey", None) or not context.caller.role.includes(Role.OWNER):
        return None
    held = await context.present.one(ApiKeyRow, id)
    return None if held is None else Subject("ApiKey", context.tenant_id, id)


def _page(links: tuple[Link, ...], paging: Paging) -> Page[Link]:
    inside = [
        link
        for link in links
        if (paging.after is None or link.position < paging.after)
        and (paging.before is None or link.position > paging.before)
    ]
    if paging.backward:
        inside.reverse()
    return page_of(inside, paging)
