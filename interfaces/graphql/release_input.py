"""What a rollout brings to devices, as mutations take it."""

from typing import Any

import strawberry
from strawberry.scalars import JSON

from application.commands.rollout_order import ComponentOrder, ReleaseOrder
from application.views.model import ArtifactRow
from domain.refusal import Refusal, invalid, not_found
from domain.release import Compatibility, ComponentKind
from interfaces.graphql.batching import Batched
from interfaces.graphql.device_label import selected_labels
from interfaces.graphql.node import parsed_id

_FIRST = ("release.components.0", "components.0")

strawberry.enum(
    ComponentKind,
    description="MODEL: an artifact, run by the agent. FILES: a bundle for programs on the device."
    " FIRMWARE: one file that the device's own installer takes. CONFIGURATION: settings of the"
    " agent.",
)


@strawberry.input(
    description="MODEL takes `artifactId`, FILES and FIRMWARE finished uploads with the purpose"
    " RELEASE, CONFIGURATION an object. `name` is its folder on the device, by default its kind's."
)
class ReleaseComponentInput:
    kind: ComponentKind
    name: str | None = None
    artifact_id: strawberry.ID | None = None
    upload_ids: list[strawberry.ID] | None = None
    configuration: JSON | None = None


@strawberry.input(
    description="What a device must be to be offered it; what is empty is not asked for. `minAgent`"
    " is a version of the agent, such as 0.2.0; `labels` are selectors such as `site=berlin`."
)
class CompatibilityInput:
    architectures: list[str] | None = None
    runtimes: list[str] | None = None
    min_agent: str | None = None
    labels: list[str] | None = None

    def compatibility(self) -> Compatibility:
        return Compatibility(
            architectures=tuple(self.architectures or ()),
            runtimes=tuple(self.runtimes or ()),
            min_agent=self.min_agent,
            labels=selected_labels(self.labels or (), "compatibility.labels"),
        )


@strawberry.input(
    description="One artifact, or several components that are installed, checked and taken back as"
    " one. `force` takes also an artifact that failed its gates."
)
class ReleaseInput:
    artifact_id: strawberry.ID | None = None
    components: list[ReleaseComponentInput] | None = None
    compatibility: CompatibilityInput | None = None
    force: bool = False

    async def order(self, rows: Batched) -> ReleaseOrder:
        """Raises Refusal naming the field."""
        if (self.artifact_id is None) == (not self.components):
            raise invalid("release", "Give an artifact, or components: one of them.")
        components = self.components or [
            ReleaseComponentInput(kind=ComponentKind.MODEL, artifact_id=self.artifact_id)
        ]
        given = self.compatibility
        return ReleaseOrder(
            tuple([await _ordered(one, place, rows) for place, one in enumerate(components)]),
            given.compatibility() if given else Compatibility(),
            self.force,
        )

    def as_given(self, refusal: Refusal) -> Refusal:
        """Of the one artifact, where no components were given."""
        if self.artifact_id is None or not (refusal.field or "").startswith(_FIRST):
            return refusal
        return Refusal(refusal.code, refusal.message, "release.artifactId")


async def _ordered(one: ReleaseComponentInput, place: int, rows: Batched) -> ComponentOrder:
    field = f"release.components.{place}"
    configuration: Any = one.configuration
    if configuration is not None and not isinstance(configuration, dict):
        raise invalid(f"{field}.configuration", "Give the settings as an object.")
    row = None
    if one.artifact_id is not None:
        where = f"{field}.artifactId"
        row = await rows.one(ArtifactRow, parsed_id("Artifact", one.artifact_id, where))
        if row is None:
            raise not_found("artifact", where)
    return ComponentOrder(
        kind=one.kind,
        name=one.name,
        model_id=row.model_id if row else None,
        artifact_id=row.id if row else None,
        upload_ids=tuple(
            parsed_id("Upload", id, f"{field}.uploadIds") for id in one.upload_ids or ()
        ),
        configuration=configuration,
    )
