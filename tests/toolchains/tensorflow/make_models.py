"""Run by the toolchain's Python: a network with two inputs and two outputs, in each way that Keras
saves one, and an .h5 whose Lambda leaves a mark where it is run."""

import sys
from pathlib import Path

import keras


def main(folder: Path) -> None:
    keras.utils.set_random_seed(7)
    image = keras.Input((8, 8, 3), name="image")
    extra = keras.Input((4,), name="extra")
    seen = keras.layers.DepthwiseConv2D(3, padding="same")(image)
    seen = keras.layers.Conv2D(16, 3, activation="relu")(seen)
    seen = keras.layers.GlobalAveragePooling2D()(seen)
    both = keras.layers.Concatenate()([seen, extra])
    both = keras.layers.Dense(64, activation="relu")(both)
    kind = keras.layers.Dense(10, activation="softmax", name="kind")(both)
    score = keras.layers.Dense(1, name="score")(both)
    model = keras.Model([image, extra], [kind, score])
    model.save(folder / "two.keras")
    model.save(folder / "two.h5")
    model.export(folder / "two", format="tf_saved_model", verbose=False)
    mark = str(folder / "mark")
    code = keras.layers.Lambda(lambda x: (open(mark, "w").close(), x)[1], output_shape=(4,))
    keras.Model(extra, code(extra)).save(folder / "lambda.h5")
    Path(mark).unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
