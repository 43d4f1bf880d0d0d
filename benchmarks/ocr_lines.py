"""Lines of text, drawn here and the same every time, and models that read them: real recognizers
(PP-OCR, from packages whose wheels have them) on data whose labels are known.

A seeded generator makes codes, drawn with the typeface that Pillow brings (Aileron), dark on light:
no file of this machine has a part in it. Labels are the model's own tokens, so that no vocabulary
has to be given.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.conversions.packages import in_package

V4 = in_package(
    "rapidocr-onnxruntime==1.4.4", "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
)
V6 = in_package("rapidocr==3.10.0", "rapidocr/models/PP-OCRv6_rec_small.onnx")
"""Given a folder, the recognizer's file there, fetched where it is not yet. Both raise
CalledProcessError where the package cannot be had."""
HEIGHT, WIDTH = 48, 320
MARGIN = 8
LETTERS = list("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")
"""Without those that are drawn nearly alike."""


def vocabulary(recognizer: Path) -> list[str]:
    """The text of each token: the blank, what the file itself lists, and the space."""
    found = onnx.load(recognizer, load_external_data=False).metadata_props
    listed = next(one.value for one in found if one.key == "character")
    return ["", *listed.split("\n"), " "]


def lines(count: int, seed: int = 5) -> list[str]:
    """Codes as on labels, `K7XM 2NQT 9AWE`: no language helps to read them."""
    random = np.random.default_rng(seed)
    return [" ".join("".join(random.choice(LETTERS, 4)) for _ in range(3)) for _ in range(count)]


def codes(count: int, seed: int = 5) -> list[str]:
    """Six to twelve letters without a space, `K7XM2NQT9`."""
    random = np.random.default_rng(seed)
    return ["".join(random.choice(LETTERS, random.integers(6, 13))) for _ in range(count)]


def drawn(text: str, margin: int = MARGIN) -> NDArray[np.float32]:
    """[3, 48, 320], −1 to 1, `margin` pixels of paper before and after the text, then padded with
    zeros as PP-OCR's own preparation does."""
    font = ImageFont.load_default(size=32)
    width = min(WIDTH, int(font.getlength(text)) + 2 * margin)
    image = Image.new("L", (width, HEIGHT), 255)
    ImageDraw.Draw(image).text((margin, 6), text, fill=0, font=font)
    row = np.zeros((3, HEIGHT, WIDTH), np.float32)
    row[:, :, :width] = (np.asarray(image, np.float32) / 255 - 0.5) / 0.5
    return row


def save(path: Path, recognizer: Path, texts: Sequence[str], margin: int = MARGIN) -> Path:
    """An .npz for the recognizer: its input, and `labels` [rows, longest], tokens and then −1."""
    numbers = {text: number for number, text in enumerate(vocabulary(recognizer))}
    longest = max(map(len, texts))
    labels = np.full((len(texts), longest), -1, np.int32)
    for row, text in enumerate(texts):
        labels[row, : len(text)] = [numbers[letter] for letter in text]
    name = onnx.load(recognizer, load_external_data=False).graph.input[0].name
    arrays = {name: np.stack([drawn(text, margin) for text in texts]), "labels": labels}
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path
