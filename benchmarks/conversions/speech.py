"""What Silero's detector of speech is fed: spoken digits, 32 ms at a time.

At 8 kHz it takes 256 samples and the 32 before them, and a state from the samples before; here each
row begins anew, its state zero.
"""

import os
import wave
from pathlib import Path

import numpy as np

SHARED = Path(
    os.environ.get("EDGEWISE_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data"
)
RATE, SAMPLES, ROWS = 8_000, 288, 240


def spoken(folder: Path) -> Path:
    """`input` [240, 1, 288] float32 from -1 to 1, `state` [240, 2, 1, 128], `sr` [240] int64."""
    made = folder / "spoken.npz"
    files = sorted((SHARED / "spoken-digits").glob("*.wav"))
    if not files:
        raise FileNotFoundError("there are no recordings in the shared data")
    rows = [_middle(files[place]) for place in np.linspace(0, len(files) - 1, ROWS).astype(int)]
    np.savez(
        made,
        input=np.stack(rows)[:, None],
        state=np.zeros((ROWS, 2, 1, 128), np.float32),
        sr=np.full(ROWS, RATE, np.int64),
    )
    return made


def _middle(file: Path) -> np.ndarray:
    with wave.open(str(file)) as opened:
        heard = np.frombuffer(opened.readframes(opened.getnframes()), np.int16)
    start = max(0, (len(heard) - SAMPLES) // 2)
    part = heard[start : start + SAMPLES].astype(np.float32) / 2**15
    return np.pad(part, (0, SAMPLES - len(part)))
