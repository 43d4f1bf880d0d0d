"""Rows for MLPerf Tiny's models from the real data there is: pictures and spoken digits.

The keyword and the anomaly model were trained on other recordings, so these rows are for parity
alone: how near an INT8 file comes to its float source on the same inputs.
"""

import wave

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared_data import shared

Rows = NDArray[np.float32]
RATE = 8_000


def cifar(name: str) -> tuple[Rows, NDArray[np.int64]]:
    """Pictures [N, 32, 32, 3] from 0 to 255, and their labels."""
    with np.load(shared(f"cifar10/{name}.npz")) as file:
        return file["images"].astype(np.float32), file["labels"].astype(np.int64).ravel()


def enlarged(pictures: Rows) -> Rows:
    """[N, 96, 96, 3] from 0 to 1, for the visual wake word model."""
    return (pictures.repeat(3, axis=1).repeat(3, axis=2) / 255).astype(np.float32)


def coefficients(rows: int) -> Rows:
    """MFCC [N, 49, 10, 1], for keyword spotting: ten of a DCT-II over 40 mel bands."""
    mel = _log_mel(rows, frames=49, bands=40, width=240, step=160)
    places = np.arange(40)
    turns = np.cos(np.pi / 40 * (places + 0.5) * np.arange(10)[:, None]) * (2 / 40) ** 0.5
    made: Rows = (mel @ turns.T)[..., None].astype(np.float32)
    return made


def energies(rows: int) -> Rows:
    """Mel energies in decibels [N, 640], five frames of 128 bands, for anomaly detection."""
    mel = _log_mel(rows, frames=5, bands=128, width=512, step=256)
    made: Rows = (mel * 10 / np.log(10)).reshape(rows, -1).astype(np.float32)
    return made


def _log_mel(rows: int, frames: int, bands: int, width: int, step: int) -> Rows:
    files = sorted(shared("spoken-digits").glob("*.wav"))
    chosen = np.random.default_rng(1).permutation(len(files))[:rows]
    bank = _filters(bands, width)
    made = []
    for place in chosen:
        with wave.open(str(files[place])) as file:
            sound = np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32_768
        long = np.pad(sound, (0, max(0, frames * step + width - len(sound))))
        cut = np.stack([long[at * step : at * step + width] for at in range(frames)])
        power = np.abs(np.fft.rfft(cut * np.hanning(width), axis=1)) ** 2
        made.append(np.log(power @ bank.T + 1e-6))
    return np.asarray(made, np.float32)


def _filters(bands: int, width: int) -> NDArray[np.float64]:
    """Triangles that are evenly spaced on the mel scale."""
    most = 2_595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, most, bands + 2) / 2_595) - 1)
    frequencies = np.fft.rfftfreq(width, 1 / RATE)
    up = (frequencies - edges[:-2, None]) / np.maximum(edges[1:-1] - edges[:-2], 1e-9)[:, None]
    down = (edges[2:, None] - frequencies) / np.maximum(edges[2:] - edges[1:-1], 1e-9)[:, None]
    return np.maximum(0, np.minimum(up, down))
