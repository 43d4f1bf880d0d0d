"""A SavedModel in TensorFlow, behind the protocol `runtime.Session`."""

from pathlib import Path

from infrastructure.engine.saved_model.load import folder_of
from infrastructure.engine.tensorflow.frozen import frozen_saved_model, use_threads
from infrastructure.engine.tensorflow.sessions import FrozenSession


def opened(file: Path, threads: int, spin: bool) -> FrozenSession:
    """As `runtime.open_model` asks for it; TensorFlow's threads never spin."""
    use_threads(threads)
    with folder_of(file) as folder:
        return FrozenSession(frozen_saved_model(folder))
