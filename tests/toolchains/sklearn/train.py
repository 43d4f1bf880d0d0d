"""Run by the toolchain's Python: fits small models on handwritten digits and saves them."""

import sys
from pathlib import Path

import numpy as np
import skops.io
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler


class Doubled(TransformerMixin, BaseEstimator):
    """A step of somebody's own."""

    def fit(self, _images, _labels=None):
        return self

    def transform(self, images):
        return 2 * images


folder = Path(sys.argv[1])
images, labels = load_digits(return_X_y=True)
images = images.astype(np.float32)
models = {
    "forest": RandomForestClassifier(20, random_state=0),
    "boosted": HistGradientBoostingClassifier(max_iter=10, random_state=0),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
    "network": MLPClassifier((128,), max_iter=30, random_state=0),
    "regression": Ridge(),
    "clusters": KMeans(10, n_init=1, random_state=0),
    "own": make_pipeline(Doubled(), Ridge()),
    "function": make_pipeline(FunctionTransformer(np.nan_to_num), Ridge()),
}
for name, model in models.items():
    skops.io.dump(model.fit(images[:1200], labels[:1200]), folder / f"{name}.skops")
np.savez(folder / "data.npz", X=images[1200:1260], labels=labels[1200:1260].astype(np.int64))
