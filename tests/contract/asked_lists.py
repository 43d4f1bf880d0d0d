"""Every kind of question that lists ask of rows: filters, both directions, cursors, counts."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from application.ports.reads import EVERYTHING, Page, Paging, Rows, Where
from application.views.benchmark import BenchmarkRow
from application.views.dataset import DatasetRow, DatasetVersionRow
from application.views.device_profile import DeviceProfileRow
from application.views.job import JobRow
from application.views.model import AliasRow, ArtifactRow, ModelRow
from application.views.quota import QuotaUnitRow
from application.views.row_tables import TABLES
from application.views.tenant import ApiKeyRow, TenantRow

QUESTIONS: tuple[tuple[type[Any], Where], ...] = (
    *((row_class, EVERYTHING) for row_class in TABLES),
    (ModelRow, Where((("status", "ACTIVE"),))),
    (ModelRow, Where((("status", "ARCHIVED"), ("task", "DETECTION")))),
    (ModelRow, Where((), (("name", "M1"),))),
    (DatasetRow, Where((("purpose", "CALIBRATION"),))),
    (JobRow, Where((("status", "RUNNING"), ("kind", "optimize")))),
    (JobRow, Where((("stage", None),))),
    (QuotaUnitRow, Where((("returned_at", None),))),
)
PARENTS: tuple[tuple[type[Any], str, type[Any]], ...] = (
    (ArtifactRow, "model_id", ModelRow),
    (AliasRow, "model_id", ModelRow),
    (JobRow, "model_id", ModelRow),
    (DatasetVersionRow, "dataset_id", DatasetRow),
    (BenchmarkRow, "job_id", JobRow),
)
IDS: tuple[type[Any], ...] = (TenantRow, ApiKeyRow, ModelRow, DeviceProfileRow, DatasetRow)
ALL = Paging(100)


async def answers(rows: Rows) -> list[Any]:
    """What these rows answer to every question, to be compared with other rows' answers."""
    told: list[Any] = []
    for row_class, where in QUESTIONS:
        told.append(await rows.count(row_class, where))
        page = await rows.page(row_class, where, ALL)
        told.append(_plain(page))
        positions = [row.position for row in page.rows]
        pagings = _pagings(positions)
        told += [_plain(await rows.page(row_class, where, paging)) for paging in pagings]
    for row_class, column, parent in PARENTS:
        keys = [row.id for row in (await rows.page(parent, EVERYTHING, ALL)).rows]
        for paging in (Paging(1), Paging(1, backward=True), ALL):
            pages = await rows.pages(row_class, column, keys, EVERYTHING, paging)
            told.append({key: _plain(page) for key, page in pages.items()})
    tenants = [row.id for row in (await rows.page(TenantRow, EVERYTHING, ALL)).rows]
    for row_class, by in ((ModelRow, "status"), (JobRow, "stage"), (DatasetRow, "purpose")):
        told.append(await rows.counts(row_class, "tenant_id", tenants, by))
    for row_class in IDS:
        ids = [row.id for row in (await rows.page(row_class, EVERYTHING, ALL)).rows]
        found = await rows.find(row_class, "id", ids[:2])
        told.append(sorted((asdict(row) for row in found), key=lambda row: row["position"]))
    return told


def _pagings(positions: list[int]) -> Iterator[Paging]:
    yield Paging(1)
    yield Paging(2, backward=True)
    if positions:
        middle = positions[len(positions) // 2]
        yield Paging(1, after=middle)
        yield Paging(1, backward=True, before=middle)
        yield Paging(2, after=positions[0], before=positions[-1])


def _plain(page: Page[Any]) -> Any:
    return [asdict(row) for row in page.rows], page.has_next, page.has_previous
