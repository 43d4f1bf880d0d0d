"""Having a device run a model."""

import strawberry

from application.commands.device_model import run_model
from application.views.model import ArtifactRow
from domain.refusal import not_found
from interfaces.graphql.context import Info
from interfaces.graphql.device_mutation import DevicePayload, shown_device
from interfaces.graphql.mutating import carry_out, mutation
from interfaces.graphql.node import parsed_id
from interfaces.graphql.reading import rows_at


@strawberry.type
class DeviceModelMutation:
    @mutation(
        DevicePayload,
        "Has the device run this artifact: names it in what is desired of the device, which fetches"
        " it, checks it, and reports when it runs.",
    )
    async def device_model_run(
        self, info: Info, device_id: strawberry.ID, artifact_id: strawberry.ID
    ) -> DevicePayload:
        device = parsed_id("Device", device_id, "deviceId")
        artifact = parsed_id("Artifact", artifact_id, "artifactId")
        row = await (await rows_at(info, None)).one(ArtifactRow, artifact)
        if row is None:
            raise not_found("artifact", "artifactId")
        receipt = await carry_out(
            info, run_model, device_id=device, model_id=row.model_id, artifact_id=artifact
        )
        return await shown_device(info, receipt.position, device)
