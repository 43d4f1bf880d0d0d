"""The bodies of the other messages, in their envelopes.

- `state` (retained, device): `{"online": true, "agent": "0.1.0", "started_at": …, "facts": {…},
  "will": 16}` at birth; `{"online": false, "reason": "lost" | "stopped"}` as the will and at a
  clean end. The envelope's boot_id tells which session ended, so an old will cannot mark a new
  session offline; `will` is the `seq` of this connection's own: what ended before was another one.
- `heartbeat` (device, every HEARTBEAT_SECONDS): `{}`.
- `twin/get` (device, at every connection): `{}`. The answer is `twin/delta`.
- `twin/delta` (platform): `{"version": 3, "desired": {…}, "reported_version": 7}`. The desired
  document is whole, so that nothing depends on an earlier message; a device that lost its store
  goes on from `reported_version`.
- `twin/reported` (device): `{"version": 8, "reported": {…}}`, whole, each version one higher than
  any before it. An old or equal version is late or a duplicate, and changes nothing.
- `telemetry/…` (device): `{"log": UUID, "first": 17, "events": [{"at": …, "kind": "…", …}]}`. The
  log names the device's event log, and its events are numbered in it from 1.
- `telemetry/taken` (platform): `{"log": UUID, "ranges": [[17, 42]]}`: these are durable at the
  platform (also what it had already), first and last included.
- `clock` (platform): `{"statement": …}` signed as CLOCK: `{"tenant", "device", "boot_id", "time"}`.
- `command/{id}/request` (platform): `{"statement": …}` signed as COMMAND.
- `command/{id}/response` (device): `edge.protocol.commands.Answer`.

The platform's envelopes carry its own boot_id and count from 1 a process.
"""

HEARTBEAT_SECONDS = 15.0
OVERDUE_AFTER = 3.5
"""Heartbeats missed before a device counts as lost."""
MOST_DOCUMENT_BYTES = 8_192
MOST_DOCUMENT_DEPTH = 8
MOST_EVENTS = 1_000
"""In one batch of telemetry; its envelope limits their bytes."""
LONGEST_KIND = 100
"""Characters of an event's kind."""
