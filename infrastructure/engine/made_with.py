"""With which libraries a pass was carried out: those of the environment that it ran in, which may
be a toolchain's and not the server's."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

ALWAYS = ("numpy",)
"""What every pass computes with."""
DISTRIBUTIONS = {
    "sklearn": ("scikit-learn",),
    "tensorflow": ("tensorflow-cpu", "tensorflow"),
    "tensorrt_rtx_bindings": ("tensorrt-rtx-cu13-bindings",),
}
"""Of modules whose distributions have other names. To look into all that is installed for them
takes a quarter of a second."""


def made_with(needs: Iterable[str]) -> dict[str, str]:
    """Versions by the names of distributions, of those that have these modules and are here."""
    names = [name for need in (*needs, *ALWAYS) for name in distributions(need)]
    return {name: found for name in sorted(set(names)) if (found := _version(name)) is not None}


def distributions(module: str) -> tuple[str, ...]:
    """Those that may bring the module."""
    return DISTRIBUTIONS.get(module, (module.replace("_", "-"),))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
