"""Models: their artifacts by version, the aliases that say which is in use, and their story."""

from datetime import datetime

import strawberry

from application.ports.reads import Paging, Where
from application.views.model import AliasRow, ArtifactRow, ModelRow
from domain.model import ModelStatus, Task
from interfaces.graphql.artifact import Artifact
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.event import EventPage, event_page
from interfaces.graphql.fields import field, nullable
from interfaces.graphql.job import Job, jobs_of
from interfaces.graphql.node import Node, global_id
from interfaces.graphql.paging import MOST, Connection, checked_paging, connection_of
from interfaces.graphql.reading import (
    Moment,
    checked_text,
    id_or_named,
    read_of,
    rows_at,
    waited,
)
from interfaces.graphql.scalars import BigInt

strawberry.enum(ModelStatus)
strawberry.enum(Task)


@strawberry.type(description="A name for an artifact, such as `production`.")
class Alias:
    row: strawberry.Private[AliasRow]
    rows: strawberry.Private[Batched]
    name: str
    moved_at: datetime
    moved_by: str

    @classmethod
    def of(cls, row: AliasRow, rows: Batched) -> "Alias":
        return cls(row=row, rows=rows, name=row.alias, moved_at=row.moved_at, moved_by=row.moved_by)

    @field()
    async def artifact(self) -> Artifact:
        row = await self.rows.one(ArtifactRow, self.row.artifact_id)
        assert row is not None  # an artifact that an alias points at cannot be removed
        return Artifact.of(row, self.rows)


@strawberry.type
class Model(Node):
    row: strawberry.Private[ModelRow]
    rows: strawberry.Private[Batched]
    name: str
    task: Task
    status: ModelStatus
    versions: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    position: BigInt
    changed: BigInt

    @classmethod
    def of(cls, row: ModelRow, rows: Batched) -> "Model":
        return cls(
            row=row,
            rows=rows,
            id=global_id("Model", row.id),
            name=row.name,
            task=Task(row.task),
            status=ModelStatus(row.status),
            versions=row.versions,
            created_at=row.created_at,
            created_by=row.created_by,
            updated_at=row.updated_at,
            position=BigInt(row.position),
            changed=BigInt(row.changed),
        )

    @field("Every artifact, or those of one version.")
    async def artifacts(
        self,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        version: int | None = None,
    ) -> Connection[Artifact]:
        paging = checked_paging(first, last, after, before)
        where = Where() if version is None else Where((("version", version),))
        page = await self.rows.page_of(ArtifactRow, "model_id", self.row.id, paging, where)
        return connection_of(page, lambda row: Artifact.of(row, self.rows))

    @field("What was uploaded for a version; for the latest by default.")
    async def source(self, version: int | None = None) -> Artifact | None:
        wanted = self.row.versions if version is None else version
        equal = [("variant", "source"), ("version", wanted)]
        page = await self.rows.page_of(
            ArtifactRow, "model_id", self.row.id, Paging(1), Where(tuple(equal))
        )
        return Artifact.of(page.rows[0], self.rows) if page.rows else None

    @field("The 100 that were moved last.")
    async def aliases(self) -> list[Alias]:
        page = await self.rows.page_of(AliasRow, "model_id", self.row.id, Paging(MOST))
        return [Alias.of(row, self.rows) for row in page.rows]

    @field()
    async def jobs(
        self,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Connection[Job]:
        paging = checked_paging(first, last, after, before)
        return await jobs_of(self.rows, self.row.id, paging)

    @field()
    async def events(self, info: Info, first: int, after: BigInt | None = None) -> EventPage:
        return await event_page(info, first, after, self.row.id, self.rows.until)


@strawberry.type
class ModelQuery:
    @nullable("By exactly one of id and name.")
    async def model(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        name: str | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Model | None:
        await waited(info, wait_for, "models")
        model_id = await id_or_named(info, "Model", ModelRow, id, name, as_of)
        return None if model_id is None else await read_of(info, Model, ModelRow, model_id, as_of)

    @field()
    async def models(
        self,
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        status: ModelStatus | None = None,
        name_contains: str | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Connection[Model]:
        paging = checked_paging(first, last, after, before)
        await waited(info, wait_for, "models")
        where = Where(
            () if status is None else (("status", status.value),),
            () if not name_contains else (("name", checked_text("nameContains", name_contains)),),
        )
        rows = await rows_at(info, as_of)
        page = await rows.rows.page(ModelRow, where, paging)
        return connection_of(page, lambda row: Model.of(row, rows))
