"""Commands on datasets."""

from uuid import UUID

from application.commands.command import (
    Receipt,
    Request,
    command,
    create_once,
    hash_of,
    load,
)
from application.commands.reservation import release_name, reserve_name
from application.commands.uploaded import uploaded_file
from application.platform import Platform
from application.ports.engine import DatasetInspection
from domain.aggregate import Aggregate
from domain.dataset import LABELS, Dataset, DatasetArray, DatasetPurpose, DatasetVersion
from domain.flag import Flag
from domain.naming import checked_name
from domain.principal import Role
from domain.refusal import not_found
from domain.upload import Upload, UploadPurpose

NAME_KIND = "dataset"


@command(Role.OPERATOR, Flag.MODELS)
def register_dataset(
    platform: Platform, request: Request, *, name: str, purpose: DatasetPurpose
) -> Receipt:
    """A new dataset, without data yet."""
    name = checked_name(name)
    dataset_id = request.new_id("datasetRegister")
    hashed = hash_of(name=name, purpose=purpose)

    def make() -> tuple[Aggregate, ...]:
        dataset = Dataset.register(dataset_id, name, purpose, hashed)
        return dataset, reserve_name(platform, request.tenant_id, NAME_KIND, name, dataset_id)

    return create_once(platform, Dataset, dataset_id, hashed, make)


def upload_dataset_version(
    platform: Platform, request: Request, *, dataset_id: UUID, upload_id: UUID
) -> Receipt:
    """The next version of a dataset, from a finished upload: validated first, in isolation."""
    upload, found = _inspected(platform, request, dataset_id=dataset_id, upload_id=upload_id)
    return _add_version(platform, request, dataset_id=dataset_id, upload=upload, found=found)


@command(Role.OPERATOR, Flag.MODELS)
def _inspected(
    platform: Platform, request: Request, *, dataset_id: UUID, upload_id: UUID
) -> tuple[Upload, DatasetInspection]:
    live_dataset(platform, dataset_id)
    with uploaded_file(platform, request, upload_id, UploadPurpose.DATASET) as (
        upload,
        path,
    ):
        return upload, platform.dataset_inspector.inspect(path)


@command(Role.OPERATOR, Flag.MODELS)
def _add_version(
    platform: Platform,
    request: Request,
    *,
    dataset_id: UUID,
    upload: Upload,
    found: DatasetInspection,
) -> Receipt:
    dataset = live_dataset(platform, dataset_id)
    assert upload.sha256 is not None
    arrays = {
        a.name: DatasetArray(a.name, a.dtype, a.shape, a.minimum, a.maximum) for a in found.arrays
    }
    labels = arrays.pop(LABELS, None)
    dataset.upload_version(
        DatasetVersion(
            number=dataset.next_version,
            sha256=upload.sha256,
            bytes=upload.length,
            rows=found.rows,
            arrays=tuple(arrays.values()),
            label_counts=found.label_counts,
            upload_id=upload.id,
            labels=labels,
        )
    )
    return Receipt(dataset_id, platform.log.save(dataset))


@command(Role.OPERATOR, Flag.MODELS)
def delete_dataset(platform: Platform, request: Request, *, dataset_id: UUID) -> Receipt:
    dataset = load(platform, Dataset, dataset_id, "dataset")
    if dataset.deleted:
        return Receipt(dataset_id, platform.log.save(dataset))
    dataset.delete()
    name = release_name(platform, request.tenant_id, NAME_KIND, dataset.name, dataset_id)
    return Receipt(dataset_id, platform.log.save(dataset, name))


def live_dataset(platform: Platform, dataset_id: UUID, field: str = "id") -> Dataset:
    """The dataset, unless it is unknown here or deleted: then NOT_FOUND."""
    dataset = load(platform, Dataset, dataset_id, "dataset", field)
    if dataset.deleted:
        raise not_found("dataset", field)
    return dataset
