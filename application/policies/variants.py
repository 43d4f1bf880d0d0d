"""What an optimization made becomes the model's artifacts."""

from application.commands.command import Request
from application.commands.model import add_artifacts
from application.jobs.optimize import OPTIMIZE
from application.plain_json import from_json
from application.platform import Platform
from application.policies.policy import Policy
from domain.artifact import Artifact
from domain.job import Job

variants = Policy("variants")


@variants.on(Job.Succeeded)
def _succeeded(platform: Platform, request: Request, event: Job.Succeeded) -> None:
    if event.kind == OPTIMIZE:
        made = from_json(event.result["artifacts"], list[Artifact])
        add_artifacts(platform, request, model_id=event.model_id, artifacts=made)
