"""What workers lack, in sentences with a remedy: for a refusal, and for a job that waits."""

from collections.abc import Collection, Iterable, Iterator

from application.jobs.capability import Words, kinds_in, missing, of_pass
from domain.declared import Route, formats, routes, targets
from domain.model_format import ModelFormat
from domain.refusal import Refusal, RefusalCode

_DISTRIBUTIONS = {"sklearn": "scikit-learn", "llama_cpp": "llama-cpp-python"}
"""Where pip knows a module by another name than Python."""
_HARDWARE = {str(format): format.hardware for format in ModelFormat}


def refusal_of(needed: Words, offers: Iterable[Collection[str]], field: str) -> Refusal | None:
    """For a job that workers of its kind are alive for, and none of them can do. While nobody does
    that kind of job at all, it may wait: workers come and go."""
    kinds = {word for word in needed if word.startswith("kind:")}
    of_kind = [offered for offered in offers if kinds <= set(offered)]
    lacking = missing(needed, of_kind) if of_kind else []
    if not lacking:
        return None
    return Refusal(RefusalCode.NO_WORKER, " ".join(sentences(lacking)), field)


def sentences(lacking: Collection[str]) -> list[str]:
    """Each thing once, with its remedy; the format goes without saying where a pass is named."""
    passes = [word for word in lacking if word.startswith("pass:")]
    rest = [word for word in lacking if not (word.startswith(("pass:", "kind:")))]
    named = [word for word in rest if not (word.startswith("format:") and passes)]
    told = [*_of_kinds(lacking), *_of_passes(passes), *map(_of_word, named)]
    return list(dict.fromkeys(told))


def _of_kinds(lacking: Collection[str]) -> Iterator[str]:
    for kind in kinds_in(lacking):
        yield (
            f"No living worker does jobs of the kind “{kind}”. Start one with `edgewise worker`, "
            f"and with {kind} in its EDGEWISE_WORKER_KINDS where that is set."
        )


def _of_passes(words: Collection[str]) -> Iterator[str]:
    known = {
        of_pass(takes, way.made_by.made_by, gives): way
        for takes in formats()
        for gives in targets(takes)
        for way in routes(takes, gives)
    }
    for word in words:
        yield _of_route(known[word]) if word in known else _of_word(word)


def _of_route(way: Route) -> str:
    takes, gives = way.steps[0].format, way.made_by.given
    kind = takes if gives is takes else f"{takes} to {gives}"
    what = f"No living worker can do {way.made_by.made_by} on {kind}."
    packages = " ".join(_DISTRIBUTIONS.get(need, need).replace("_", "-") for need in way.needs)
    if not way.toolchain:
        return f"{what} Where the worker runs: `pip install {packages}`."
    return (
        f"{what} Where the worker runs: `edgewise toolchains install {way.toolchain}`, "
        f"or `pip install {packages}` into its own environment."
    )


def _of_word(word: str) -> str:
    sort, _, name = word.partition(":")
    if sort == "toolchain":
        return (
            f"No living worker has the toolchain “{name}”. Where the worker runs: "
            f"`edgewise toolchains install {name}`."
        )
    if sort == "hardware":
        return f"No living worker has seen {name} hardware. Start one on a machine that has it."
    if sort == "format":
        format = name.upper().replace("-", "_")
        if hardware := _HARDWARE.get(format):
            return f"No living worker runs files of the format {format}: it takes {hardware}."
        return (
            f"No living worker runs files of the format {format}. "
            "`edgewise toolchains list` shows what can be installed for it where the worker runs."
        )
    if sort == "isolation":
        return "No living worker runs a user's own code apart: install bubblewrap where one runs."
    return f"No living worker offers {word}. Upgrade the workers to this version."
