"""Whether an optimization that was done again made the same files, and what differs if not.

Same inputs and same pins give the same bytes. What is pinned is recorded with every result: the
versions of the libraries, the processor and its instructions (kernels and 7-bit weights follow from
them), and how the engine's processes were kept apart.
"""

from dataclasses import dataclass
from uuid import UUID

from domain.optimization import OptimizationResult, VariantResult


@dataclass(frozen=True, slots=True)
class Again:
    """One variant, by the sha256 of its file then and now; None where there was no file."""

    name: str
    then: str | None
    now: str | None

    @property
    def identical(self) -> bool:
        return self.then == self.now


@dataclass(frozen=True, slots=True)
class Difference:
    """Something recorded that is not as it was; None where it was not there."""

    what: str
    then: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class Reproduction:
    """`of` is the job that was done again. `differences` are told whether or not a file changed:
    with other versions the same bytes are luck that is worth knowing."""

    of: UUID
    identical: bool
    variants: tuple[Again, ...]
    differences: tuple[Difference, ...]
    told: str


def reproduction(of: UUID, then: OptimizationResult, now: OptimizationResult) -> Reproduction:
    """Compares the variants file by file, and names what differs between both runs."""
    before = {one.name: one for one in then.variants}
    after = {one.name: one for one in now.variants}
    names = dict.fromkeys((*before, *after))
    variants = tuple(Again(name, _sha(before.get(name)), _sha(after.get(name))) for name in names)
    differences = _differences(then, now)
    changed = [one.name for one in variants if not one.identical]
    return Reproduction(of, not changed, variants, differences, _told(changed, differences))


def _sha(variant: VariantResult | None) -> str | None:
    return variant.file.sha256 if variant is not None and variant.file is not None else None


def _differences(then: OptimizationResult, now: OptimizationResult) -> tuple[Difference, ...]:
    was, is_now = _pins(then), _pins(now)
    return tuple(
        Difference(what, was.get(what), is_now.get(what))
        for what in dict.fromkeys((*was, *is_now))
        if was.get(what) != is_now.get(what)
    )


def _pins(result: OptimizationResult) -> dict[str, str]:
    machine = result.machine
    return {
        **machine.versions,
        "cpu": machine.cpu,
        "architecture": machine.architecture,
        "instruction sets": " ".join(machine.instruction_sets),
        "cores": str(machine.cores),
        "isolation": result.isolation,
        "source": result.source.sha256,
    }


def _told(changed: list[str], differences: tuple[Difference, ...]) -> str:
    other = ", ".join(f"{one.what} ({one.then} then, {one.now} now)" for one in differences)
    if not changed:
        same = "Every file is the same, byte for byte"
        return f"{same}, although these differ: {other}." if other else f"{same}."
    names = ", ".join(changed)
    if other:
        return f"Not the same: {names}. What differs: {other}."
    return (
        f"Not the same: {names}, and nothing that is recorded differs: the pass itself does not "
        "give the same bytes twice. Please report it."
    )
