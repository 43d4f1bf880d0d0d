"""Run by the Python of the toolchain `sklearn`: fits models on handwritten digits into a folder."""

import sys
from pathlib import Path

import numpy as np
import skops.io
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FITTED_ON = 1_200
MODELS = {
    "forest": RandomForestClassifier(100, random_state=0),
    "boosted": HistGradientBoostingClassifier(max_iter=50, random_state=0),
    "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
    "network": MLPClassifier((128,), max_iter=100, random_state=0),
}


def main(folder: Path) -> None:
    """Writes NAME.skops for each model, and digits.npz with the rows that were held out."""
    images, labels = load_digits(return_X_y=True)
    images = images.astype(np.float32)
    for name, model in MODELS.items():
        model.fit(images[:FITTED_ON], labels[:FITTED_ON])
        skops.io.dump(model, folder / f"{name}.skops")
    held_out = {"X": images[FITTED_ON:], "labels": labels[FITTED_ON:].astype(np.int64)}
    np.savez(folder / "digits.npz", **held_out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
