"""A device profile: what kind of hardware a model is meant for.

Built-in templates belong to everybody and are constants; a tenant defines and revises its own.
Figures of a template are the maker's published ones, never measurements.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, CreatedEvent
from domain.naming import checked_name
from domain.refusal import invalid

MOST_NAMES = 20
TEMPLATES_NAMESPACE = UUID("6f9a3c52-0f5e-5d0e-9c1b-2f6d1a7b8e10")


class Architecture(StrEnum):
    X86_64 = "X86_64"
    AARCH64 = "AARCH64"
    ARMV7 = "ARMV7"


@dataclass(frozen=True, slots=True)
class Hardware:
    """`memory_bytes` is what a model may use at most; `runtimes` are the runtimes installed;
    `accelerators` beyond the CPU."""

    architecture: Architecture
    cores: int
    memory_bytes: int
    runtimes: tuple[str, ...]
    accelerators: tuple[str, ...] = ()

    def checked(self) -> "Hardware":
        """Raises Refusal naming the field that cannot be."""
        if not 1 <= self.cores <= 1024:
            raise invalid("cores", "Give a number of cores from 1 to 1024.")
        if not 2**20 <= self.memory_bytes <= 2**44:
            raise invalid("memoryBytes", "Give the memory in bytes, from 1 MiB to 16 TiB.")
        if not self.runtimes:
            raise invalid("runtimes", "Name at least one runtime, such as onnxruntime.")
        for field_name, names in (("runtimes", self.runtimes), ("accelerators", self.accelerators)):
            if len(names) > MOST_NAMES:
                raise invalid(field_name, f"Name at most {MOST_NAMES}.")
            for name in names:
                checked_name(name, field_name)
        return self


class DeviceProfile(Aggregate):
    """A tenant's own profile."""

    TOPIC = "device-profile"
    name: str = field(init=False)
    hardware: Hardware = field(init=False)
    deleted: bool = field(init=False, default=False)

    class Event(Aggregate.Event):
        pass

    class Defined(Event, CreatedEvent):
        TOPIC = "device-profile.defined"
        name: str
        hardware: Hardware

        def apply(self, aggregate: "DeviceProfile") -> None:
            aggregate.name = self.name
            aggregate.hardware = self.hardware

    class Revised(Event):
        TOPIC = "device-profile.revised"
        hardware: Hardware

        def apply(self, aggregate: "DeviceProfile") -> None:
            aggregate.hardware = self.hardware

    class Deleted(Event):
        TOPIC = "device-profile.deleted"

        def apply(self, aggregate: "DeviceProfile") -> None:
            aggregate.deleted = True

    @classmethod
    def define(
        cls, profile_id: UUID, name: str, hardware: Hardware, request_hash: str
    ) -> "DeviceProfile":
        return cls._create(
            cls.Defined,
            id=profile_id,
            request_hash=request_hash,
            name=name,
            hardware=hardware.checked(),
        )

    def revise(self, hardware: Hardware) -> None:
        if hardware != self.hardware:
            self.trigger_event(DeviceProfile.Revised, hardware=hardware.checked())

    def delete(self) -> None:
        if not self.deleted:
            self.trigger_event(DeviceProfile.Deleted)


@dataclass(frozen=True, slots=True)
class Template:
    """A built-in profile."""

    name: str
    hardware: Hardware

    @property
    def id(self) -> UUID:
        return uuid5(TEMPLATES_NAMESPACE, self.name)


_GIB = 2**30
TEMPLATES = (
    Template("x86-64 server", Hardware(Architecture.X86_64, 4, 8 * _GIB, ("onnxruntime",))),
    Template("Raspberry Pi 5", Hardware(Architecture.AARCH64, 4, 8 * _GIB, ("onnxruntime",))),
    Template("Raspberry Pi 4", Hardware(Architecture.AARCH64, 4, 4 * _GIB, ("onnxruntime",))),
    Template(
        "Raspberry Pi Zero 2 W",
        Hardware(Architecture.AARCH64, 4, 512 * 2**20, ("onnxruntime",)),
    ),
    Template(
        "NVIDIA Jetson Orin Nano",
        Hardware(Architecture.AARCH64, 6, 8 * _GIB, ("onnxruntime", "tensorrt"), ("cuda",)),
    ),
)
