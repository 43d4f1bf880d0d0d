"""Which event set each property of an object last: the views' own changes, traced to their events.

A change that leaves a value as it was does not count. What hangs on an object, such as the aliases
of a model, are properties of it too, each named for what it is.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from application.ports.event_log import RecordedEvent
from application.views.registry import VIEWS
from application.views.view import Change, Delete, Insert
from application.why.chain import Subject

_KEEPING_BOOKS = {"id", "tenant_id", "position", "changed", "updated_at", "created_at"}
_SHOWN = [view for view in VIEWS if not view.live]
_KEYS = {table: key for view in _SHOWN for table, key in view.tables.items()}

_OWN_ROW: dict[str, tuple[str, ...]] = {
    "Model": ("models", "id"),
    "Artifact": ("artifacts", "id"),
    "Job": ("jobs", "id"),
    "Dataset": ("datasets", "id"),
    "DeviceProfile": ("device_profiles", "id"),
    "Device": ("devices", "id"),
    "DeviceClaim": ("device_claims", "id"),
    "DeviceGroup": ("device_groups", "id"),
    "Rollout": ("rollouts", "id"),
    "Update": ("updates", "id"),
    "Tenant": ("tenants", "id"),
    "ApiKey": ("api_keys", "id"),
    "Benchmark": ("benchmarks", "job_id"),
}
_HANGS_ON: dict[str, dict[str, str]] = {
    "Model": {"artifacts": "artifact {variant}@{version}", "model_aliases": "alias {alias}"},
    "Dataset": {"dataset_versions": "version {number}"},
    "Quota": {"quota_units": "unit {subject}"},
    "Rollout": {"rollout_waves": "wave {wave}"},
    "Device": {"device_certificates": "certificate {serial}", "device_commands": "command {id}"},
    "Tenant": {
        "tenant_flags": "flag {flag}",
        "tenant_members": "member {user_id}",
        "api_keys": "key {label}",
    },
}
KINDS = (*_OWN_ROW, "Quota")

_Place = tuple[str, tuple[Any, ...]]


class Provenance:
    """Folds the events of one stream; the values are kept only to see whether they change.

    `positions` are those of the events, by reference."""

    def __init__(self) -> None:
        self._rows: dict[_Place, dict[str, tuple[Any, str]]] = {}
        self._first: str | None = None
        self.positions: dict[str, int] = {}

    def fold(self, events: list[RecordedEvent]) -> None:
        for recorded in events:
            self._first = self._first or recorded.event.reference
            self.positions[recorded.event.reference] = recorded.position
            for view in _SHOWN:
                for change in view.changes(recorded):
                    self._apply(change, recorded.event.reference)

    def _apply(self, change: Change, reference: str) -> None:
        if isinstance(change, Delete):
            for place in [place for place in self._rows if self._matches(place, change)]:
                del self._rows[place]
            return
        key = change.row if isinstance(change, Insert) else change.key
        place = (change.table, tuple(key[column] for column in _KEYS[change.table]))
        columns = change.row if isinstance(change, Insert) else change.columns
        if isinstance(change, Insert):
            row = self._rows.setdefault(place, {})
        elif (found := self._rows.get(place)) is not None:
            row = found
        else:
            return
        for column, value in columns.items():
            if column not in row or row[column][0] != value:
                row[column] = (value, reference)

    def _matches(self, place: _Place, change: Delete) -> bool:
        table, row = place[0], self._rows[place]
        return table == change.table and all(
            row[column][0] == value for column, value in change.match.items()
        )

    def of(self, subject: Subject) -> dict[str, list[str]]:
        """The properties that each event set last, by its reference; empty where there is no such
        object."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        if subject.kind == "Quota" and self._first is not None:
            found[self._first].append("period")
        for (table, _), row in self._rows.items():
            if self._is_own(subject, table, row):
                for column, (value, reference) in row.items():
                    if column not in _KEEPING_BOOKS and value is not None:
                        found[reference].append(_camel(column))
            elif name := _HANGS_ON.get(subject.kind, {}).get(table):
                values = {column: value for column, (value, _) in row.items()}
                for reference in sorted({reference for _, reference in row.values()}):
                    found[reference].append(name.format_map(values))
        own = _OWN_ROW.get(subject.kind)
        there = any(self._is_own(subject, table, row) for (table, _), row in self._rows.items())
        return dict(found) if there or own is None else {}

    @staticmethod
    def _is_own(subject: Subject, table: str, row: Mapping[str, tuple[Any, str]]) -> bool:
        own = _OWN_ROW.get(subject.kind)
        if own is None or own[0] != table or row[own[1]][0] != subject.id:
            return False
        return subject.part is None or row["artifact_id"][0] == subject.part


def _camel(column: str) -> str:
    first, *rest = column.split("_")
    return first + "".join(word.capitalize() for word in rest)
