"""The golden file of a rollout: from which data, and kept as what."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from application.golden import make_golden
from application.platform import Platform
from application.ports.engine import EngineRefusal
from domain.artifact import Artifact, ArtifactFile, Origin
from domain.job import Job
from domain.model_format import ModelFormat
from domain.refusal import Refusal, RefusalCode
from edge.update.golden import read
from infrastructure.engine.golden import SandboxedGoldenMaker
from infrastructure.engine.sandbox import Sandbox
from tests.engine import models


@pytest.fixture
def here(platform: Platform) -> Platform:
    return replace(platform, goldens=SandboxedGoldenMaker(Sandbox(), platform.scratch))


@pytest.fixture
def source(here: Platform, tenant: UUID, tmp_path: Path) -> Artifact:
    file = here.blobs.put_file(
        tenant, models.saved(models.matmul(4, 3), tmp_path, "reference.onnx")
    )
    files = (ArtifactFile("model.onnx", file.sha256, file.bytes),)
    return Artifact(uuid4(), 1, "source", ModelFormat.ONNX, files, None, Origin(upload_id=uuid4()))


def data(
    platform: Platform, tenant: UUID, folder: Path, first: float
) -> tuple[str, NDArray[np.float32]]:
    """A dataset's sha256, and its rows."""
    rows = first + np.arange(40, dtype=np.float32).reshape(10, 4)
    np.savez(folder / "data.npz", rows=rows, labels=np.arange(10) % 3)
    return platform.blobs.put_file(tenant, folder / "data.npz").sha256, rows


def variant(platform: Platform, source: Artifact, **data: str | None) -> Artifact:
    """One that a job made, with this data."""
    given = {name: None if sha256 is None else {"sha256": sha256} for name, sha256 in data.items()}
    job = Job.request(uuid4(), "optimize", uuid4(), given, "")
    platform.log.save(job)
    return replace(source, id=uuid4(), variant="fp16", origin=Origin(None, job.id, source.id))


def inputs(platform: Platform, tenant: UUID, sha256: str, folder: Path) -> NDArray[np.float32]:
    platform.blobs.checkout(tenant, sha256, folder / "golden.npz")
    found = [one for sample in read(folder / "golden.npz") for one in sample.inputs.values()]
    return np.concatenate(found)


def test_it_is_kept_as_a_blob_and_made_again_it_is_the_same(
    here: Platform, tenant: UUID, source: Artifact
) -> None:
    golden = make_golden(here, tenant, source, source)
    assert golden == make_golden(here, tenant, source, source)
    assert (golden.samples, golden.min_cosine, golden.reference_id) == (8, 0.98, source.id)
    assert here.blobs.size(tenant, golden.file.sha256) == golden.file.bytes
    assert list(here.scratch.iterdir()) == []


def test_the_inputs_are_of_what_the_artifact_was_judged_by_before_what_it_was_calibrated_with(
    here: Platform, tenant: UUID, source: Artifact, tmp_path: Path
) -> None:
    calibration, _ = data(here, tenant, tmp_path, 0)
    evaluation, rows = data(here, tenant, tmp_path, 100)
    made = variant(here, source, evaluation=evaluation, calibration=calibration)
    golden = make_golden(here, tenant, made, source)
    assert np.array_equal(inputs(here, tenant, golden.file.sha256, tmp_path), rows[:8])


def test_data_that_is_gone_is_passed_over(
    here: Platform, tenant: UUID, source: Artifact, tmp_path: Path
) -> None:
    calibration, rows = data(here, tenant, tmp_path, 0)
    made = variant(here, source, evaluation="0" * 64, calibration=calibration)
    golden = make_golden(here, tenant, made, source)
    assert np.array_equal(inputs(here, tenant, golden.file.sha256, tmp_path), rows[:8])
    neither = variant(here, source, evaluation=None, calibration="0" * 64)
    assert make_golden(here, tenant, neither, source).samples == 8


def test_a_reference_that_does_not_run_is_refused_and_leaves_nothing(
    here: Platform, tenant: UUID, source: Artifact, tmp_path: Path
) -> None:
    (tmp_path / "no.onnx").write_bytes(b"no model")
    file = here.blobs.put_file(tenant, tmp_path / "no.onnx")
    broken = replace(source, files=(ArtifactFile("no.onnx", file.sha256, file.bytes),))
    with pytest.raises(EngineRefusal):
        make_golden(here, tenant, source, broken)
    assert list(here.scratch.iterdir()) == []


def test_a_process_without_an_engine_says_so(
    platform: Platform, tenant: UUID, source: Artifact
) -> None:
    with pytest.raises(Refusal) as refused:
        make_golden(platform, tenant, source, source)
    assert refused.value.code is RefusalCode.UNAVAILABLE
