"""Which artifact a model on devices is compared with."""

from application.commands.rollout_order import artifact_of
from application.golden import make_golden
from application.platform import Platform
from domain.artifact import Artifact
from domain.model import Model
from domain.release import Golden
from domain.rollout import Rollout


def golden_of(platform: Platform, rollout: Rollout) -> Golden | None:
    """None where there is no model in the release."""
    compared = compared_with(platform, rollout)
    if compared is None:
        return None
    return make_golden(platform, rollout.tenant_id, *compared)


def compared_with(platform: Platform, rollout: Rollout) -> tuple[Artifact, Artifact] | None:
    """The artifact that goes out and its reference: the plan's, else the source of its version."""
    component = rollout.release.model
    if component is None or component.model_id is None or component.source_id is None:
        return None
    artifact = artifact_of(platform, component.model_id, component.source_id, "rolloutId")
    if rollout.plan.reference_id is not None:
        wanted = rollout.plan.reference_id
        return artifact, artifact_of(platform, component.model_id, wanted, "plan.referenceId")
    model = platform.log.find(Model, component.model_id)
    assert model is not None
    source = next(one.source for one in model.versions if one.number == artifact.version)
    return artifact, source
