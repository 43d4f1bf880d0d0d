"""Which table keeps the rows of each class, which view writes it, and which rows readers see.

Said once, for PostgreSQL and for memory: the present and the past leave out the same things.
"""

from collections.abc import Mapping
from typing import Any

from application.views.benchmark import BenchmarkRow
from application.views.dataset import DatasetRow, DatasetVersionRow
from application.views.device import DeviceRow
from application.views.device_certificate import DeviceCertificateRow
from application.views.device_claim import DeviceClaimRow
from application.views.device_command import DeviceCommandRow
from application.views.device_group import DeviceGroupRow
from application.views.device_profile import DeviceProfileRow
from application.views.invitation import InvitationRow
from application.views.job import JobRow
from application.views.model import AliasRow, ArtifactRow, ModelRow
from application.views.quota import QuotaUnitRow
from application.views.registry import VIEWS
from application.views.rollout import RolloutRow, RolloutWaveRow
from application.views.tenant import ApiKeyRow, MemberRow, TenantRow
from application.views.update import UpdateRow
from application.views.view import View

TABLES: dict[type[Any], str] = {
    TenantRow: "tenants",
    ApiKeyRow: "api_keys",
    MemberRow: "tenant_members",
    InvitationRow: "invitations",
    QuotaUnitRow: "quota_units",
    ModelRow: "models",
    ArtifactRow: "artifacts",
    AliasRow: "model_aliases",
    DatasetRow: "datasets",
    DatasetVersionRow: "dataset_versions",
    DeviceProfileRow: "device_profiles",
    DeviceRow: "devices",
    DeviceCertificateRow: "device_certificates",
    DeviceCommandRow: "device_commands",
    DeviceClaimRow: "device_claims",
    DeviceGroupRow: "device_groups",
    JobRow: "jobs",
    BenchmarkRow: "benchmarks",
    RolloutRow: "rollouts",
    RolloutWaveRow: "rollout_waves",
    UpdateRow: "updates",
}
GONE: dict[str, tuple[str, Any]] = {
    "models": ("status", "DELETED"),
    "datasets": ("deleted", True),
    "device_profiles": ("deleted", True),
    "device_groups": ("deleted", True),
}
"""The column and value that mark a row as deleted, where a table keeps what was deleted."""


def is_gone(table: str, columns: Mapping[str, Any]) -> bool:
    """Whether readers must not see the row."""
    mark = GONE.get(table)
    return mark is not None and columns[mark[0]] == mark[1]


def view_of(row_class: type[Any]) -> View:
    """The view that writes the rows of this class."""
    table = TABLES[row_class]
    return next(view for view in VIEWS if table in view.tables)
