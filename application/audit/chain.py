"""The hash chain: what exactly is hashed.

Every event has two hashes of SHA-256. Integers are big-endian and signed, of the size given.

    stream_hash = sha256(
        "edgewise.stream.1"            17 bytes of ASCII
        stream_hash of the event before in its stream, 32 zero bytes for the first
        position                       8 bytes
        stream id                      16 bytes
        version in the stream          8 bytes
        tenant id                      16 bytes
        recorded_at                    8 bytes: microseconds since 2000-01-01T00:00:00Z
        length of the topic            4 bytes
        topic                          UTF-8
        length of the state            4 bytes
        state                          the stored bytes, as they are
    )
    log_hash = sha256(
        "edgewise.log.1"               14 bytes of ASCII
        log_hash of the event before in the log, 32 zero bytes for the first
        stream_hash                    32 bytes
    )

So a log_hash covers everything that was ever recorded up to it, in its order, and a stream_hash the
whole stream up to it. PostgreSQL makes them (migrations/0004_hash_chain.sql); this module is
written independently of that and checks it. Positions may have gaps, which mean nothing.

An export of one tenant has no events of others in it: there, the log is that of the tenant's own
events, and log_hash is made along those.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

NO_HASH = bytes(32)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class NoChain(RuntimeError):
    """The log has no hashes: it was not migrated yet."""


@dataclass(frozen=True, slots=True)
class ChainedEvent:
    """An event as it is stored, with its hashes."""

    position: int
    stream: UUID
    version: int
    topic: str
    state: bytes
    tenant_id: UUID
    recorded_at: datetime
    stream_hash: bytes
    log_hash: bytes


def stream_hash(before: bytes, event: ChainedEvent) -> bytes:
    """What the event's hash in its stream must be, after the one `before`."""
    topic = event.topic.encode()
    return sha256(
        b"".join(
            (
                b"edgewise.stream.1",
                before,
                _number(event.position),
                event.stream.bytes,
                _number(event.version),
                event.tenant_id.bytes,
                _number((event.recorded_at - _EPOCH) // _MICROSECOND),
                _number(len(topic), 4),
                topic,
                _number(len(event.state), 4),
                event.state,
            )
        )
    ).digest()


def log_hash(before: bytes, stream_hash: bytes) -> bytes:
    """What the event's hash in the log must be, after the one `before`."""
    return sha256(b"edgewise.log.1" + before + stream_hash).digest()


def _number(value: int, size: int = 8) -> bytes:
    return value.to_bytes(size, "big", signed=True)
