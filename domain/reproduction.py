"""Whether an optimization that was done again made the same files, and what differs if not.

Same inputs and same pins give the same bytes. What is pinned is recorded with every result: the
versions of the libraries, of a toolchain's too, the processor and its instructions (kernels and
7-bit weights follow from them), and how the engine's processes were kept apart.
"""

from dataclasses import dataclass
from uuid import UUID

from domain.optimization import OptimizationResult, Outcome, VariantResult


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
    compiled = all(one in after and after[one].outcome is Outcome.BUILT for one in changed)
    told = _told(changed, differences, compiled)
    return Reproduction(of, not changed, variants, differences, told)


def _sha(variant: VariantResult | None) -> str | None:
    return variant.file.sha256 if variant is not None and variant.file is not None else None


def _differences(then: OptimizationResult, now: OptimizationResult) -> tuple[Difference, ...]:
    was, is_now = _pins(then), _pins(now)
    if _recorded(then) and _recorded(now):
        was, is_now = {**was, **_libraries(then)}, {**is_now, **_libraries(now)}
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


def _recorded(result: OptimizationResult) -> bool:
    """Results of before it was recorded do not say what each variant was made with."""
    return any(one.versions for one in result.variants)


def _libraries(result: OptimizationResult) -> dict[str, str]:
    """Versions by library, all of them where toolchains and the server have different ones."""
    found: dict[str, set[str]] = {name: {one} for name, one in result.machine.versions.items()}
    for variant in result.variants:
        for name, one in variant.versions.items():
            found.setdefault(name, set()).add(one)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def _told(changed: list[str], differences: tuple[Difference, ...], compiled: bool) -> str:
    other = ", ".join(f"{one.what} ({one.then} then, {one.now} now)" for one in differences)
    if not changed:
        same = "Every file is the same, byte for byte"
        return f"{same}, although these differ: {other}." if other else f"{same}."
    names = ", ".join(changed)
    if other:
        return f"Not the same: {names}. What differs: {other}."
    if compiled:
        return (
            f"Not the same: {names}, and nothing that is recorded differs: the compiler for that "
            "hardware does not write the same bytes twice."
        )
    return (
        f"Not the same: {names}, and nothing that is recorded differs: the pass itself does not "
        "give the same bytes twice. Please report it."
    )
