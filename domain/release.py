"""What a rollout brings to a device: files and settings that are installed, checked and taken back
as one unit.

A release is named by its content: `id` is the sha256 of its canonical JSON, so that what a device
says it runs is that or is something else.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.artifact import ArtifactFile
from domain.refusal import invalid

MOST_COMPONENTS = 16
GOLDEN = "golden.npz"


class ComponentKind(StrEnum):
    """MODEL: an artifact, run by the agent's inference module. FILES: a bundle, put where programs
    on the device find it. FIRMWARE: one file that the device's own installer takes.
    CONFIGURATION: settings of the agent."""

    MODEL = "MODEL"
    FILES = "FILES"
    FIRMWARE = "FIRMWARE"
    CONFIGURATION = "CONFIGURATION"


@dataclass(frozen=True, slots=True)
class Component:
    """`name` is its folder in the device's slot; `source_id` the artifact that its files came from,
    of the model `model_id`; `format` a model's; `configuration` plain JSON."""

    kind: ComponentKind
    name: str
    files: tuple[ArtifactFile, ...] = ()
    source_id: UUID | None = None
    format: str | None = None
    configuration: dict[str, Any] | None = None
    model_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Compatibility:
    """What a device must be to be offered it: what is empty is not asked for. `min_agent` is a
    version of the agent, such as 0.2.0."""

    architectures: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    min_agent: str | None = None
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Golden:
    """Inputs with the outputs that are expected: what the device runs before it says that it is
    well. `file` is an .npz with `input/{sample}/{name}` and `output/{sample}/{name}`. A sample
    agrees where each output has the shape and kind of the expected one, is finite, and has at least
    this cosine similarity with it; all samples must. (`edge.update.golden` says what holds for
    outputs of whole numbers, and of a single number.)"""

    file: ArtifactFile
    samples: int
    min_cosine: float
    reference_id: UUID


@dataclass(frozen=True, slots=True)
class Release:
    """`golden` is None where no model is in it, and while a rollout is a draft."""

    components: tuple[Component, ...]
    compatibility: Compatibility = Compatibility()
    golden: Golden | None = None

    @property
    def id(self) -> str:
        """sha256, hexadecimal."""
        text = json.dumps(asdict(self), sort_keys=True, default=str, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def files(self) -> tuple[ArtifactFile, ...]:
        """All of them, what the golden inputs are in among them."""
        own = tuple(file for one in self.components for file in one.files)
        return own if self.golden is None else (*own, self.golden.file)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def model(self) -> Component | None:
        return next((one for one in self.components if one.kind is ComponentKind.MODEL), None)

    def with_golden(self, golden: Golden | None) -> "Release":
        return replace(self, golden=golden)

    def checked(self) -> "Release":
        """Raises Refusal naming the field."""
        if not 1 <= len(self.components) <= MOST_COMPONENTS:
            raise invalid("components", f"Give 1 to {MOST_COMPONENTS} components.")
        names = [one.name for one in self.components]
        if len(set(names)) < len(names):
            raise invalid("components", "Give each component another name.")
        if sum(one.kind is ComponentKind.MODEL for one in self.components) > 1:
            raise invalid("components", "Give at most one model.")
        return self
