"""What people see of datasets and of what validation found in them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, Update, View
from domain.dataset import Dataset, DatasetArray, DatasetVersion


@dataclass(frozen=True, slots=True)
class DatasetRow:
    id: UUID
    tenant_id: UUID
    name: str
    purpose: str
    versions: int
    deleted: bool
    created_at: datetime
    created_by: str
    updated_at: datetime
    position: int
    changed: int


@dataclass(frozen=True, slots=True)
class DatasetVersionRow:
    dataset_id: UUID
    number: int
    tenant_id: UUID
    sha256: str
    bytes: int
    rows: int
    arrays: list[dict[str, Any]]
    label_counts: dict[str, int] | None
    created_at: datetime
    position: int


datasets = View("datasets", {"datasets": ("id",), "dataset_versions": ("dataset_id", "number")})


@datasets.on(Dataset.Registered)
def _registered(event: Dataset.Registered, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "datasets",
        {
            "id": event.originator_id,
            "tenant_id": at.tenant_id,
            "name": event.name,
            "purpose": event.purpose,
            "versions": 0,
            "deleted": False,
            "created_at": event.timestamp,
            "created_by": event.cause.actor,
            "updated_at": event.timestamp,
            "position": at.position,
            "changed": at.position,
        },
    )


@datasets.on(Dataset.VersionUploaded)
def _version_uploaded(event: Dataset.VersionUploaded, at: RecordedEvent) -> Iterator[Change]:
    version = event.version
    yield Insert(
        "dataset_versions",
        {
            "dataset_id": event.originator_id,
            "number": version.number,
            "tenant_id": at.tenant_id,
            "sha256": version.sha256,
            "bytes": version.bytes,
            "rows": version.rows,
            "arrays": [asdict(array) for array in (*version.arrays, *_labels(version))],
            "label_counts": version.label_counts,
            "created_at": event.timestamp,
            "position": at.position,
        },
    )
    yield Update(
        "datasets",
        {"id": event.originator_id},
        {
            "versions": version.number,
            "updated_at": event.timestamp,
            "changed": at.position,
        },
    )


def _labels(version: DatasetVersion) -> tuple[DatasetArray, ...]:
    return () if version.labels is None else (version.labels,)


@datasets.on(Dataset.Deleted)
def _deleted(event: Dataset.Deleted, at: RecordedEvent) -> Iterator[Change]:
    yield Update(
        "datasets",
        {"id": event.originator_id},
        {"deleted": True, "updated_at": event.timestamp, "changed": at.position},
    )
