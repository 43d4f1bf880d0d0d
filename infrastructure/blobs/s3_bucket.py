"""The bucket is made by `edgewise migrate` where it is missing and we may make it."""

from datetime import timedelta

import httpx
import obstore
from obstore.store import S3Store

_THERE = (200, 409)
_FORBIDDEN = 403


class NoBucket(RuntimeError):
    """The bucket is missing and cannot be made."""


def ensure_bucket(store: S3Store, bucket: str) -> None:
    """Raises NoBucket; does nothing where the bucket is there. A key that may not make buckets is
    taken to have one: what is wrong then shows at `/readyz`."""
    # S3 makes a bucket by PUT on its root, which a presigned URL for the empty key names.
    url = obstore.sign(store, "PUT", "", timedelta(minutes=5))
    try:
        answer = httpx.put(url, timeout=30)
    except httpx.HTTPError as error:
        raise NoBucket(f"S3 cannot be reached: {error}. Check S3_ENDPOINT.") from error
    if answer.status_code not in (*_THERE, _FORBIDDEN):
        told = " ".join(answer.text.split())[:300]
        raise NoBucket(f"the bucket {bucket} cannot be made: {answer.status_code} {told}")
