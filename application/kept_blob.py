"""Stores a file that the platform itself made, before anything refers to it."""

from pathlib import Path
from uuid import UUID

from application.platform import Platform
from domain.blob import BlobRef


def keep(platform: Platform, tenant_id: UUID, path: Path) -> BlobRef:
    """No sweep removes it within the grace period."""
    blobs = platform.blobs
    ref = blobs.put_file(tenant_id, path)
    with platform.holds.holding(tenant_id, ref.sha256):
        if blobs.size(tenant_id, ref.sha256) is None:
            blobs.put_file(tenant_id, path)
    return ref
