"""A process that ended by a signal for what it did itself was brought down by the file that it
read: that is told as the file's fault, not as the platform's."""

from collections.abc import Iterator
from contextlib import contextmanager

from application.ports.engine import EngineCrashed, EngineRefusal

FATAL = ("SIGSEGV", "SIGBUS", "SIGABRT", "SIGFPE", "SIGILL")


@contextmanager
def told_of_the_model(field: str) -> Iterator[None]:
    """`field` is where the request names the model. Raises EngineRefusal(CRASHES_ITS_READER), and
    every other EngineCrashed as it is."""
    try:
        yield
    except EngineCrashed as crash:
        if not any(name in crash.detail for name in FATAL):
            raise
        told = crash.detail.strip(" :")[:120]
        raise EngineRefusal(
            "CRASHES_ITS_READER",
            f"The process that read the model came down ({told}): the file is damaged, or made to "
            "do harm.",
            "Export the model again, and see that its own runtime loads the file.",
            field,
        ) from crash
