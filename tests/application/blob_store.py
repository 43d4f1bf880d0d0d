"""One tenant's uploads, models and blobs on a database and a folder; its views go by hand."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from application.blob_sweep import Sweeping, Swept, sweep_blobs
from application.commands import upload as commands
from application.commands.upload import UploadRequest, Uploads
from application.commands.upload_stream import append
from application.ports.blobs import BlobMissing
from application.views.registry import VIEWS
from domain.artifact import Artifact, ArtifactFile, Origin
from domain.cause import Cause, acting
from domain.model import Model, Task
from domain.model_format import ModelFormat
from domain.principal import Principal, Role
from domain.upload import Upload
from infrastructure.blobs.local import LocalBlobs
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.following.follower import Follower
from infrastructure.following.projection import Projection
from infrastructure.postgres.blob_ledger import READ_TABLES, PostgresBlobLedger
from infrastructure.postgres.database import Database
from infrastructure.postgres.uploads import PostgresUploads
from infrastructure.uploads.local_staging import LocalStaging

NOW = timedelta(0)
VIEWS_READ = [view for view in VIEWS if view.tables.keys() & READ_TABLES]


class Store:
    """`late` moves the clock of uploads on; there is no grace period to hide behind."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder, self.late = database, folder, timedelta(0)
        self.tenant_id = uuid4()
        self.principal = Principal(self.tenant_id, "key:1", Role.OPERATOR)
        self.log = PostgresEventLog(database)
        self.blobs = LocalBlobs(folder / "blobs")
        self.ledger = PostgresBlobLedger(database, VIEWS, ())
        self.uploads = Uploads(
            PostgresUploads(database),
            LocalStaging(folder / "staging", self.blobs),
            lambda tenant: 10**9,
            lambda: datetime.now(UTC) + self.late,
            holds=self.ledger,
        )
        self.sweeping = Sweeping(self.blobs, self.uploads, self.ledger, NOW)
        self.followers = [
            Follower(database, Projection(view), TypedMapper()) for view in VIEWS_READ
        ]

    def upload(self, content: bytes) -> Upload:
        request = UploadRequest(len(content), "model.onnx", "model")
        upload = commands.create(self.uploads, self.principal, request)
        return asyncio.run(append(self.uploads, self.principal, upload.id, 0, whole(content)))

    def model_of(self, upload: Upload) -> UUID:
        """A model whose version is the upload."""
        assert upload.sha256
        source = Artifact(
            id=uuid4(),
            version=1,
            variant="source",
            format=ModelFormat.ONNX,
            files=(ArtifactFile("model.onnx", upload.sha256, upload.length),),
            signature=None,
            origin=Origin(upload_id=upload.id),
        )
        with self.acting():
            model = Model.register(uuid4(), f"model {uuid4()}", Task.OTHER, "")
            model.upload_version(source)
            self.log.save(model)
        return model.id

    def delete_model(self, model_id: UUID) -> None:
        with self.acting():
            model = self.log.find(Model, model_id)
            assert model is not None
            model.delete()
            self.log.save(model)

    def expire_uploads(self) -> None:
        self.late += timedelta(days=8)
        while commands.sweep(self.uploads):
            pass

    def follow(self) -> None:
        for follower in self.followers:
            for _ in range(3):
                while follower.step():
                    pass

    def sweep(self) -> Swept:
        self.follow()
        return sweep_blobs(self.sweeping)

    def has(self, content: bytes) -> bool:
        sha256 = hashlib.sha256(content).hexdigest()
        try:
            return b"".join(self.blobs.read(self.tenant_id, sha256)) == content
        except BlobMissing:
            return False

    @contextmanager
    def acting(self) -> Iterator[None]:
        with acting(Cause(self.tenant_id, "key:1", "request:1", "1")):
            yield


async def whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
