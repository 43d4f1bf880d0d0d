"""Loading a Keras model, which runs no code of its maker's: Lambda layers and classes that are not
Keras' own are refused, in .h5 as in .keras."""

from pathlib import Path
from typing import Any

import keras

from infrastructure.engine.refusals import model_refused


class _DepthwiseConv2D(keras.layers.DepthwiseConv2D):  # type: ignore[misc]
    """Keras 2 wrote `groups`, always 1 here, which Keras 3 does not take."""

    def __init__(self, *arguments: Any, groups: int = 1, **options: Any) -> None:
        super().__init__(*arguments, **options)


OLD = {"DepthwiseConv2D": _DepthwiseConv2D}


def loaded(file: Path) -> Any:
    """A `keras.Model`, built and called once: before that it has no inputs to export. Raises
    EngineRefusal."""
    named = file if file.suffix in (".keras", ".h5") else _named(file)
    try:
        model = keras.saving.load_model(named, custom_objects=OLD, compile=False, safe_mode=True)
    except (TypeError, ValueError, OSError, KeyError) as error:
        raise model_refused(
            "NOT_RUNNABLE",
            f"Keras {keras.__version__} does not load it: {' '.join(str(error).split())[:400]}",
            "Use Keras' own layers only, and save the model again: model.save(“model.keras”).",
        ) from error
    if not getattr(model, "inputs", None):
        raise model_refused(
            "NOT_RUNNABLE",
            "The model was never called before it was saved, so it has no inputs.",
            "Call it once, model(example), and save it again.",
        )
    return model


def _named(file: Path) -> Path:
    """A link whose name ends as Keras wants it, beside what is worked on."""
    with file.open("rb") as stream:
        suffix = ".keras" if stream.read(2) == b"PK" else ".h5"
    link = Path.cwd() / f"source{suffix}"
    link.unlink(missing_ok=True)
    link.symlink_to(file)
    return link
