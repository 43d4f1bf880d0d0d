"""An event of Edgewise as a CloudEvent 1.0 in JSON (https://cloudevents.io).

`id` is unique within `source`: the stream and the version in it. What Edgewise knows beyond the
standard is in extension attributes, whose names may only be lower-case letters and digits.
"""

from typing import Any

from interfaces.cli.ids import uuid_of

CONTENT_TYPE = "application/json"


def cloud_event(event: dict[str, Any], source: str, tenant_id: str | None = None) -> dict[str, Any]:
    """`event` is an `Event` of the API; `source` the address of the server."""
    stream = event["streamId"]
    mapped: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{stream}/{event['version']}",
        "source": source,
        "type": event["topic"],
        "subject": stream,
        "time": event["occurredAt"],
        "datacontenttype": CONTENT_TYPE,
        # An attribute may be a 32-bit number at most: a position is a string.
        "position": str(event["position"]),
        "recordedat": event["recordedAt"],
        "actor": event["actor"],
        "causationid": event["causationId"],
        "correlationid": event["correlationId"],
        "data": event["data"],
    }
    if tenant_id:
        mapped["tenantid"] = uuid_of(tenant_id)
    # An attribute that is known to be empty must be left out.
    return {name: value for name, value in mapped.items() if value is not None and value != ""}
