"""A Keras model in TensorFlow, behind the protocol `runtime.Session`."""

from pathlib import Path

from infrastructure.engine.keras.load import loaded
from infrastructure.engine.tensorflow.frozen import frozen_keras, use_threads
from infrastructure.engine.tensorflow.sessions import FrozenSession


def opened(file: Path, threads: int, spin: bool) -> FrozenSession:
    """As `runtime.open_model` asks for it; TensorFlow's threads never spin."""
    use_threads(threads)
    return FrozenSession(frozen_keras(loaded(file)))
