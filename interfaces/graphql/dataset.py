"""Datasets: what calibrates a quantization, and what accuracy is judged by."""

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from application.commands.dataset import delete_dataset, register_dataset, upload_dataset_version
from application.ports.reads import Paging, Where
from application.views.dataset import DatasetRow, DatasetVersionRow
from domain.dataset import DatasetPurpose
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.event import EventPage, event_page
from interfaces.graphql.fields import field, nullable
from interfaces.graphql.mutating import Payload, carry_out, mutation, shown_after
from interfaces.graphql.node import Node, global_id, parsed_id
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import Moment, id_or_named, read_of, rows_at, waited
from interfaces.graphql.scalars import BigInt

strawberry.enum(DatasetPurpose)


@strawberry.type(description="A version, and what validation found in it.")
class DatasetVersion:
    number: int
    sha256: str
    bytes: BigInt
    rows: int
    arrays: JSON
    label_counts: JSON | None
    created_at: datetime

    @classmethod
    def of(cls, row: DatasetVersionRow) -> "DatasetVersion":
        return cls(
            number=row.number,
            sha256=row.sha256,
            bytes=BigInt(row.bytes),
            rows=row.rows,
            arrays=JSON(row.arrays),
            label_counts=None if row.label_counts is None else JSON(row.label_counts),
            created_at=row.created_at,
        )


@strawberry.type
class Dataset(Node):
    row: strawberry.Private[DatasetRow]
    rows: strawberry.Private[Batched]
    name: str
    purpose: DatasetPurpose
    versions: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    position: BigInt
    changed: BigInt

    @classmethod
    def of(cls, row: DatasetRow, rows: Batched) -> "Dataset":
        return cls(
            row=row,
            rows=rows,
            id=global_id("Dataset", row.id),
            name=row.name,
            purpose=DatasetPurpose(row.purpose),
            versions=row.versions,
            created_at=row.created_at,
            created_by=row.created_by,
            updated_at=row.updated_at,
            position=BigInt(row.position),
            changed=BigInt(row.changed),
        )

    @field("The latest version; null before the first upload.")
    async def latest(self) -> DatasetVersion | None:
        page = await self.rows.page_of(DatasetVersionRow, "dataset_id", self.row.id, Paging(1))
        return DatasetVersion.of(page.rows[0]) if page.rows else None

    @field()
    async def events(self, info: Info, first: int, after: BigInt | None = None) -> EventPage:
        return await event_page(info, first, after, self.row.id, self.rows.until)


@strawberry.type
class DatasetQuery:
    @nullable("By exactly one of id and name.")
    async def dataset(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        name: str | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Dataset | None:
        await waited(info, wait_for, "datasets")
        found = await id_or_named(info, "Dataset", DatasetRow, id, name, as_of)
        return None if found is None else await read_of(info, Dataset, DatasetRow, found, as_of)

    @field()
    async def datasets(
        self,
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        purpose: DatasetPurpose | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Connection[Dataset]:
        paging = checked_paging(first, last, after, before)
        await waited(info, wait_for, "datasets")
        where = Where() if purpose is None else Where((("purpose", purpose.value),))
        rows = await rows_at(info, as_of)
        page = await rows.rows.page(DatasetRow, where, paging)
        return connection_of(page, lambda row: Dataset.of(row, rows))


@strawberry.type
class DatasetPayload(Payload):
    dataset: Dataset | None = None


async def _shown(info: Info, position: int, dataset_id: UUID) -> DatasetPayload:
    dataset = await shown_after(info, position, Dataset, DatasetRow, dataset_id, "datasets")
    return DatasetPayload(dataset=dataset, event_position=BigInt(position))


@strawberry.type
class DatasetMutation:
    @mutation(DatasetPayload, "A new dataset, without data yet.")
    async def dataset_register(
        self,
        info: Info,
        name: str,
        purpose: DatasetPurpose,
        idempotency_key: str | None = None,
    ) -> DatasetPayload:
        receipt = await carry_out(
            info, register_dataset, idempotency_key, name=name, purpose=purpose
        )
        return await _shown(info, receipt.position, receipt.id)

    @mutation(DatasetPayload, "The next version, from a finished upload.")
    async def dataset_version_upload(
        self, info: Info, dataset_id: strawberry.ID, upload_id: strawberry.ID
    ) -> DatasetPayload:
        dataset = parsed_id("Dataset", dataset_id, "datasetId")
        upload = parsed_id("Upload", upload_id, "uploadId")
        receipt = await carry_out(
            info, upload_dataset_version, dataset_id=dataset, upload_id=upload
        )
        return await _shown(info, receipt.position, dataset)

    @mutation(DatasetPayload, "Ends the dataset: `dataset` is null then; its events remain.")
    async def dataset_delete(self, info: Info, dataset_id: strawberry.ID) -> DatasetPayload:
        dataset = parsed_id("Dataset", dataset_id, "datasetId")
        receipt = await carry_out(info, delete_dataset, dataset_id=dataset)
        return await _shown(info, receipt.position, dataset)
