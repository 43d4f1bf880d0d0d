"""A dataset: arrays to calibrate quantization with, or labelled arrays to judge accuracy by.

A version is usable only as its validation found it: shapes, types, rows and labels are facts read
from the file, not promises of the uploader.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from domain.aggregate import Aggregate, CreatedEvent
from domain.refusal import Refusal, RefusalCode, not_found

LABELS = "labels"
_OF_DETECTION = ("boxes", "classes")


def is_label(name: str) -> bool:
    """Whether an array of this name tells what is right, where no input of a model has the name:
    `labels`, `labels_…`, and `boxes` with `classes` for detection."""
    return name == LABELS or name.startswith(f"{LABELS}_") or name in _OF_DETECTION


class DatasetPurpose(StrEnum):
    CALIBRATION = "CALIBRATION"
    EVALUATION = "EVALUATION"
    TRAINING = "TRAINING"


@dataclass(frozen=True, slots=True)
class DatasetArray:
    """One array as found in the file. `shape` includes the rows as its first number; `minimum`
    and `maximum` are over all values."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """A version by its number (from 1), its file, and what validation found in it. `arrays` are
    all but `labels`; `label_counts` is of labels that are one class a row."""

    number: int
    sha256: str
    bytes: int
    rows: int
    arrays: tuple[DatasetArray, ...]
    label_counts: dict[str, int] | None
    upload_id: UUID
    labels: DatasetArray | None = None

    @property
    def label_array(self) -> DatasetArray | None:
        """The array `labels`; of versions that were validated before its facts were kept, what is
        known from its counts."""
        if self.labels is None and self.label_counts is not None:
            return DatasetArray(LABELS, "int64", (self.rows,))
        return self.labels

    @property
    def labelled(self) -> bool:
        return self.label_array is not None or any(is_label(one.name) for one in self.arrays)


class Dataset(Aggregate):
    """A registered dataset."""

    TOPIC = "dataset"
    name: str = field(init=False)
    purpose: DatasetPurpose = field(init=False)
    versions: list[DatasetVersion] = field(init=False, default_factory=list)
    deleted: bool = field(init=False, default=False)

    class Event(Aggregate.Event):
        pass

    class Registered(Event, CreatedEvent):
        TOPIC = "dataset.registered"
        name: str
        purpose: DatasetPurpose

        def apply(self, aggregate: "Dataset") -> None:
            aggregate.name = self.name
            aggregate.purpose = self.purpose

    class VersionUploaded(Event):
        TOPIC = "dataset.version-uploaded"
        version: DatasetVersion

        def apply(self, aggregate: "Dataset") -> None:
            aggregate.versions.append(self.version)

    class Deleted(Event):
        TOPIC = "dataset.deleted"

        def apply(self, aggregate: "Dataset") -> None:
            aggregate.deleted = True

    @classmethod
    def register(
        cls, dataset_id: UUID, name: str, purpose: DatasetPurpose, request_hash: str
    ) -> "Dataset":
        return cls._create(
            cls.Registered,
            id=dataset_id,
            request_hash=request_hash,
            name=name,
            purpose=purpose,
        )

    def upload_version(self, version: DatasetVersion) -> None:
        """Adds the next version. Repeating it with the same upload changes nothing."""
        if any(known.upload_id == version.upload_id for known in self.versions):
            return
        if self.deleted:
            raise not_found("dataset")
        if self.purpose is DatasetPurpose.EVALUATION and not version.labelled:
            raise Refusal(
                RefusalCode.DATASET_REFUSED,
                "An evaluation dataset needs labels: add an array named `labels` with one row for "
                "each row of data (or `boxes` and `classes` for detection), or register the "
                "dataset for CALIBRATION.",
                "uploadId",
            )
        if version.number != self.next_version:
            raise Refusal(
                RefusalCode.CONFLICT,
                f"Version {version.number} was taken meanwhile. Try again.",
            )
        self.trigger_event(Dataset.VersionUploaded, version=version)

    def delete(self) -> None:
        if not self.deleted:
            self.trigger_event(Dataset.Deleted)

    @property
    def next_version(self) -> int:
        return len(self.versions) + 1

    @property
    def latest(self) -> DatasetVersion:
        """Raises Refusal(INVALID_STATE) when nothing was uploaded yet."""
        if not self.versions:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                f"The dataset “{self.name}” has no data yet. Upload a version first.",
            )
        return self.versions[-1]
