"""Given a model's events, when it is changed, then what happened or what was refused."""

from dataclasses import replace
from uuid import uuid4

import pytest

from domain.artifact import Artifact, ArtifactFile, Origin
from domain.model import Model, ModelStatus, Task
from domain.model_format import ModelFormat
from domain.refusal import Refusal, RefusalCode


def artifact(version: int = 1, variant: str = "source", passed: bool = True) -> Artifact:
    return Artifact(
        id=uuid4(),
        version=version,
        variant=variant,
        format=ModelFormat.ONNX,
        files=(ArtifactFile("model.onnx", "00" * 32, 10),),
        signature=None,
        origin=Origin(),
        passed=passed,
    )


def model() -> Model:
    return Model.register(uuid4(), "digits", Task.CLASSIFICATION, "")


def test_versions_are_numbered_from_one() -> None:
    digits = model()
    digits.upload_version(artifact(1))
    digits.upload_version(artifact(2))
    assert [version.number for version in digits.versions] == [1, 2]


def test_uploading_the_same_version_again_changes_nothing() -> None:
    digits, source = model(), artifact(1)
    digits.upload_version(source)
    digits.upload_version(source)
    assert len(digits.versions) == 1


def test_a_number_that_was_taken_meanwhile_is_a_conflict() -> None:
    digits = model()
    digits.upload_version(artifact(1))
    with pytest.raises(Refusal) as refused:
        digits.upload_version(artifact(1))
    assert refused.value.code is RefusalCode.CONFLICT


def test_an_alias_moves_and_remembers_where_it_was() -> None:
    digits, first, second = model(), artifact(1), artifact(2)
    digits.upload_version(first)
    digits.upload_version(second)
    digits.move_alias("production", first.id)
    digits.move_alias("production", second.id)
    moved = digits.pending_events[-1]
    assert isinstance(moved, Model.AliasMoved)
    assert (moved.artifact_id, moved.previous_id) == (second.id, first.id)


@pytest.mark.parametrize("alias", ["", "Prod", "1st", "a" * 41, "a b", "über", "-x"])
def test_an_alias_is_a_plain_word(alias: str) -> None:
    digits, source = model(), artifact(1)
    digits.upload_version(source)
    with pytest.raises(Refusal) as refused:
        digits.move_alias(alias, source.id)
    assert refused.value.field == "alias"


def test_a_variant_that_failed_its_gates_is_never_promoted() -> None:
    digits = model()
    digits.upload_version(artifact(1))
    gates = [
        {"name": "FINITE", "passed": True, "reason": "Every value is finite."},
        {"name": "FIDELITY", "passed": False, "reason": "A drop of 74.00%, 73.00% too far."},
    ]
    failed = replace(artifact(1, "static-int8", passed=False), proof={"verdict": {"gates": gates}})
    built = artifact(1, "built", passed=False)
    for one in (failed, built):
        digits.add_artifact(one)
        with pytest.raises(Refusal, match="failed its gates") as refused:
            digits.move_alias("production", one.id)
        assert refused.value.code is RefusalCode.INVALID_STATE
        told = "FIDELITY: A drop of 74.00%, 73.00% too far." in refused.value.message
        assert told is (one is failed)
    assert digits.aliases == {}


def test_an_artifact_that_an_alias_points_at_cannot_be_removed() -> None:
    digits = model()
    digits.upload_version(artifact(1))
    variant = artifact(1, "fp16")
    digits.add_artifact(variant)
    digits.move_alias("production", variant.id)
    with pytest.raises(Refusal, match="production"):
        digits.remove_artifact(variant.id)
    digits.remove_alias("production")
    digits.remove_artifact(variant.id)
    assert str(variant.id) not in digits.artifacts


def test_what_was_uploaded_cannot_be_removed_alone() -> None:
    digits, source = model(), artifact(1)
    digits.upload_version(source)
    with pytest.raises(Refusal) as refused:
        digits.remove_artifact(source.id)
    assert refused.value.code is RefusalCode.INVALID_STATE


def test_an_archived_model_takes_no_versions_until_it_is_restored() -> None:
    digits = model()
    digits.archive()
    with pytest.raises(Refusal):
        digits.upload_version(artifact(1))
    digits.restore()
    digits.upload_version(artifact(1))


def test_a_job_that_ends_after_its_model_adds_nothing() -> None:
    digits = model()
    digits.delete()
    digits.add_artifact(artifact(1, "fp16"))
    assert digits.status is ModelStatus.DELETED
    assert digits.artifacts == {}
