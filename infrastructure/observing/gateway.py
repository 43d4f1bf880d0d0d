"""What the gateway counts."""

from prometheus_client import Counter

DROPPED = Counter(
    "edgewise_device_messages_dropped", "Messages of devices that were dropped", ["reason"]
)


def dropped(reason: str) -> None:
    DROPPED.labels(reason).inc()
