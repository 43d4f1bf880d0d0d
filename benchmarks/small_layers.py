"""Two small image classifiers as lists of layers: what is trained, and what is exported to ONNX.

PLAIN is an own convolutional network; MOBILE follows MobileNetV2 (Sandler et al., 2018): inverted
residuals with depthwise convolutions, ReLU6 and linear bottlenecks, on 28 × 28 pixels.
"""

from dataclasses import dataclass

CLASSES, SIDE = 10, 28


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution of `kernel` × `kernel` with a bias; `add` is the layer whose result is added
    (−1 is the image); `active` puts a ReLU6 behind it."""

    channels: int
    kernel: int = 3
    stride: int = 1
    depthwise: bool = False
    active: bool = True
    add: int | None = None


def _mobile() -> tuple[Layer, ...]:
    layers, inside = [Layer(32)], 32
    for factor, channels, repeats, stride in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 2, 1),
    ):
        for number in range(repeats):
            came_from, wide = len(layers) - 1, inside * factor
            if factor > 1:
                layers.append(Layer(wide, kernel=1))
            layers.append(Layer(wide, stride=1 if number else stride, depthwise=True))
            same = number > 0
            layers.append(Layer(channels, kernel=1, active=False, add=came_from if same else None))
            inside = channels
    layers.append(Layer(256, kernel=1))
    return tuple(layers)


PLAIN = (Layer(32), Layer(64, stride=2), Layer(64), Layer(128, stride=2), Layer(128), Layer(128))
MOBILE = _mobile()
NETWORKS = {"cnn": PLAIN, "mobilenet": MOBILE}
