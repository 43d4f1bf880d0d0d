"""The arithmetic of a small convolutional network: forward, backward, Adam; numpy and no more.

Convolutions are matrix products over 3×3 patches, so that numpy's BLAS does the work. Weights are
named as in the ONNX file; `w3` and `w4` are [inputs, outputs].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Weights = dict[str, Floats]

FIRST, SECOND, HIDDEN = 16, 32, 128
POOLED = 4


def initial(random: np.random.Generator, classes: int) -> Weights:
    """He's initialization."""

    def he(*shape: int, inputs: int) -> Floats:
        drawn: Floats = (random.standard_normal(shape) * np.sqrt(2 / inputs)).astype(np.float32)
        return drawn

    flat = SECOND * POOLED * POOLED
    return {
        "w1": he(FIRST, 1, 3, 3, inputs=9),
        "b1": np.zeros(FIRST, np.float32),
        "w2": he(SECOND, FIRST, 3, 3, inputs=9 * FIRST),
        "b2": np.zeros(SECOND, np.float32),
        "w3": he(flat, HIDDEN, inputs=flat),
        "b3": np.zeros(HIDDEN, np.float32),
        "w4": he(HIDDEN, classes, inputs=HIDDEN),
        "b4": np.zeros(classes, np.float32),
    }


def logits(weights: Weights, images: Floats) -> Floats:
    """The scores [N, classes] of images [N, 1, 8, 8]."""
    return _forward(weights, images).logits


def gradients(weights: Weights, images: Floats, labels: NDArray[np.int64]) -> Weights:
    """Of the mean cross-entropy, by weight."""
    seen = _forward(weights, images)
    rows = np.arange(len(labels))
    shifted = np.exp(seen.logits - seen.logits.max(axis=1, keepdims=True))
    d_logits = shifted / shifted.sum(axis=1, keepdims=True)
    d_logits[rows, labels] -= 1
    d_logits = (d_logits / len(labels)).astype(np.float32)

    found: Weights = {"w4": seen.hidden.T @ d_logits, "b4": d_logits.sum(axis=0)}
    d_hidden = (d_logits @ weights["w4"].T) * (seen.hidden > 0)
    found |= {"w3": seen.flat.T @ d_hidden, "b3": d_hidden.sum(axis=0)}
    d_pooled = (d_hidden @ weights["w3"].T).reshape(seen.pooled.shape)
    d_second = _unpool(d_pooled, seen.second, seen.pooled) * (seen.second > 0)
    found["w2"], found["b2"], d_patches = _convolution_gradients(
        d_second, seen.patches2, weights["w2"]
    )
    d_first = _fold(d_patches, seen.first.shape) * (seen.first > 0)
    found["w1"], found["b1"], _ = _convolution_gradients(d_first, seen.patches1, weights["w1"])
    return found


class Adam:
    """Adam with the usual constants; changes the weights in place."""

    def __init__(self, weights: Weights) -> None:
        self._mean = {name: np.zeros_like(value) for name, value in weights.items()}
        self._square = {name: np.zeros_like(value) for name, value in weights.items()}
        self._steps = 0

    def update(self, weights: Weights, gradients: Weights, step: float) -> None:
        self._steps += 1
        scale = np.float32(step * np.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps))
        for name, gradient in gradients.items():
            mean, square = self._mean[name], self._square[name]
            mean += np.float32(0.1) * (gradient - mean)
            square += np.float32(0.001) * (gradient * gradient - square)
            weights[name] -= scale * mean / (np.sqrt(square) + np.float32(1e-8))


@dataclass(frozen=True, slots=True)
class _Forward:
    """Every value on the way that the way back needs."""

    patches1: Floats
    first: Floats
    patches2: Floats
    second: Floats
    pooled: Floats
    flat: Floats
    hidden: Floats
    logits: Floats


def _forward(weights: Weights, images: Floats) -> _Forward:
    patches1 = _patches(images)
    first = _convolved(patches1, weights["w1"], weights["b1"])
    patches2 = _patches(first)
    second = _convolved(patches2, weights["w2"], weights["b2"])
    count, channels, height, width = second.shape
    pooled = second.reshape(count, channels, height // 2, 2, width // 2, 2).max(axis=(3, 5))
    flat = pooled.reshape(count, -1)
    hidden = np.maximum(flat @ weights["w3"] + weights["b3"], 0)
    return _Forward(
        patches1,
        first,
        patches2,
        second,
        pooled,
        flat,
        hidden,
        hidden @ weights["w4"] + weights["b4"],
    )


def _patches(images: Floats) -> Floats:
    """[N, C, H, W] to [N, H, W, C·9]: the 3×3 surroundings of each place, zeros at the edge."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    count, channels, height, width = images.shape
    return np.ascontiguousarray(windows.transpose(0, 2, 3, 1, 4, 5)).reshape(
        count, height, width, channels * 9
    )


def _convolved(patches: Floats, weight: Floats, bias: Floats) -> Floats:
    """Convolution and Relu: [N, out, H, W]."""
    found = patches @ weight.reshape(len(weight), -1).T + bias
    positive: Floats = np.maximum(found, 0).transpose(0, 3, 1, 2)
    return positive


def _convolution_gradients(
    d_out: Floats, patches: Floats, weight: Floats
) -> tuple[Floats, Floats, Floats]:
    flat = np.ascontiguousarray(d_out.transpose(0, 2, 3, 1)).reshape(-1, len(weight))
    d_weight = (flat.T @ patches.reshape(len(flat), -1)).reshape(weight.shape)
    d_patches = (flat @ weight.reshape(len(weight), -1)).reshape(patches.shape)
    return d_weight, flat.sum(axis=0), d_patches


def _fold(d_patches: Floats, shape: tuple[int, ...]) -> Floats:
    """The way back of `_patches`: each place gathers what its nine surroundings say of it."""
    count, channels, height, width = shape
    by_offset = d_patches.reshape(count, height, width, channels, 3, 3)
    padded = np.zeros((count, channels, height + 2, width + 2), np.float32)
    for row in range(3):
        for column in range(3):
            part = by_offset[..., row, column].transpose(0, 3, 1, 2)
            padded[:, :, row : row + height, column : column + width] += part
    return padded[:, :, 1:-1, 1:-1]


def _unpool(d_pooled: Floats, values: Floats, pooled: Floats) -> Floats:
    """To the places that held the maximum; where several did, each gets its share."""
    largest = pooled.repeat(2, axis=2).repeat(2, axis=3) == values
    count, channels, height, width = values.shape
    ties = largest.reshape(count, channels, height // 2, 2, width // 2, 2).sum(axis=(3, 5))
    shared = d_pooled / ties.astype(np.float32)
    spread: Floats = largest * shared.repeat(2, axis=2).repeat(2, axis=3)
    return spread
