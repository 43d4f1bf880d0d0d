"""The headers of tus 1.0.0 (https://tus.io/protocols/resumable-upload), read and written.

Everything that is read comes from outside and is refused by the name of its header or of its
metadata key.
"""

import base64
import binascii
import re
from datetime import UTC
from email.utils import format_datetime

from starlette.datastructures import Headers

from application.commands.upload import UploadRequest
from application.commands.upload_stream import ChunkChecksum
from domain.refusal import invalid
from domain.upload import Upload

TUS_VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
CHECKSUM_ALGORITHMS = {"sha1": 20, "sha256": 32}
CHUNK_TYPE = "application/offset+octet-stream"

_NUMBER = re.compile(r"[0-9]{1,18}")


def number(headers: Headers, name: str) -> int:
    """A count of bytes. Refuses INVALID naming the header."""
    value = headers.get(name, "")
    if not _NUMBER.fullmatch(value):
        raise invalid(name, f"{name} must be a whole number of bytes, 0 or more.")
    return int(value)


def declared_size(headers: Headers) -> int | None:
    """The body's size in bytes; None when it comes in HTTP chunks."""
    return number(headers, "Content-Length") if "content-length" in headers else None


def creation(headers: Headers) -> UploadRequest:
    """What a POST declares."""
    if "upload-defer-length" in headers:
        raise invalid("Upload-Length", "Declare the length: deferring it is not supported.")
    length = number(headers, "Upload-Length")
    metadata = _metadata(headers.get("Upload-Metadata", ""))
    for key, meaning in (("filename", "the name of the file"), ("purpose", "what it is for")):
        if key not in metadata:
            raise invalid(key, f"Upload-Metadata must give `{key}`: {meaning}.")
    return UploadRequest(
        length, metadata["filename"], metadata["purpose"], metadata.get("sha256") or None
    )


def checksum(headers: Headers) -> ChunkChecksum | None:
    """The chunk's checksum, `<algorithm> <base64 digest>`, if the client sent one."""
    if "upload-checksum" not in headers:
        return None
    algorithm, _, encoded = headers["upload-checksum"].partition(" ")
    size = CHECKSUM_ALGORITHMS.get(algorithm)
    digest = _decoded("Upload-Checksum", encoded)
    if size is None or len(digest) != size:
        raise invalid(
            "Upload-Checksum", "Give `sha1` or `sha256`, a space and the digest in base64."
        )
    return ChunkChecksum(algorithm, digest)


def state(upload: Upload) -> dict[str, str]:
    """Where an upload stands. `Upload-Sha256` is ours and is there once the blob exists."""
    headers = {"Upload-Offset": str(upload.offset)}
    if upload.sha256:
        headers["Upload-Sha256"] = upload.sha256
    else:
        headers["Upload-Expires"] = format_datetime(upload.expires_at.astimezone(UTC), usegmt=True)
    return headers


def description(upload: Upload) -> dict[str, str]:
    """What was declared at creation."""
    pairs = {"filename": upload.file_name, "purpose": upload.purpose.value}
    encoded = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
    return {"Upload-Length": str(upload.length), "Upload-Metadata": ",".join(encoded)}


def _metadata(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in header.split(","))):
        key, _, encoded = pair.partition(" ")
        if key in found:
            raise invalid("Upload-Metadata", f"Upload-Metadata gives `{key}` twice.")
        try:
            found[key] = _decoded("Upload-Metadata", encoded).decode()
        except UnicodeDecodeError:
            raise invalid(key, f"The metadata `{key}` is not UTF-8.") from None
    return found


def _decoded(name: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise invalid(name, f"{name} is not valid base64.") from None
