"""Where bytes live: on the local disk, or in S3 where it is set."""

from dataclasses import dataclass

from obstore.store import S3Store

from application.ports.blobs import Blobs, DownloadLinks
from application.ports.downloads import DownloadGrants
from application.ports.uploads import Staging
from infrastructure.blobs.local import LocalBlobs
from infrastructure.blobs.s3 import S3Blobs, S3Links, s3_store
from infrastructure.blobs.s3_bucket import ensure_bucket
from infrastructure.blobs.signed_links import SignedLinks
from infrastructure.uploads.local_staging import LocalStaging
from infrastructure.uploads.object_staging import ObjectStaging
from interfaces.settings import S3Settings, Settings


@dataclass(frozen=True)
class Storage:
    """Where bytes live, and how they are handed out."""

    blobs: Blobs
    staging: Staging
    links: DownloadLinks
    grants: DownloadGrants | None


def storage_of(settings: Settings) -> Storage:
    """The adapters that the settings ask for."""
    s3, home = settings.s3, settings.home
    if s3 is None:
        local = LocalBlobs(home / "blobs")
        links = SignedLinks(settings.secret, settings.url)
        return Storage(local, LocalStaging(home / "uploads", local), links, links)
    remote = S3Blobs(_store(s3, s3.endpoint))
    public = S3Links(_store(s3, s3.public_endpoint or s3.endpoint))
    return Storage(remote, ObjectStaging(remote), public, None)


def make_bucket(settings: Settings) -> None:
    """Makes the bucket where it is missing. Raises NoBucket."""
    if settings.s3 is not None:
        ensure_bucket(_store(settings.s3, settings.s3.endpoint), settings.s3.bucket)


def _store(s3: S3Settings, endpoint: str) -> S3Store:
    return s3_store(
        bucket=s3.bucket,
        endpoint=endpoint,
        region=s3.region,
        access_key=s3.access_key,
        secret_key=s3.secret_key,
    )
