"""Patches as a stream: what bsdiff4 makes is applied byte for byte, and nothing else is."""

import random
import tracemalloc
from pathlib import Path

import bsdiff4
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.update.delta import BadPatch, apply


def applied(folder: Path, old: bytes, patch: bytes, size: int) -> bytes:
    (folder / "old").write_bytes(old)
    (folder / "patch").write_bytes(patch)
    apply(folder / "old", folder / "patch", folder / "new", size, lambda _: None)
    return (folder / "new").read_bytes()


@settings(deadline=None)
@given(
    old=st.binary(max_size=300),
    new=st.binary(min_size=1, max_size=300),
    times=st.sampled_from([1, 700]),
)
def test_a_patch_makes_the_new_file(
    tmp_path_factory: pytest.TempPathFactory, old: bytes, new: bytes, times: int
) -> None:
    old, new = old * times, (new + old[: len(old) // 2]) * times
    patch = bsdiff4.diff(old, new)
    assert applied(tmp_path_factory.mktemp("delta"), old, patch, len(new)) == new


def test_a_change_here_and_there_is_small_and_memory_is_too(tmp_path: Path) -> None:
    some = random.Random(1)
    old = some.randbytes(8_000_000)
    new = bytearray(old)
    for _ in range(2_000):
        new[some.randrange(len(new))] ^= 1
    patch = bsdiff4.diff(old, bytes(new))
    assert len(patch) < len(new) / 100
    (tmp_path / "old").write_bytes(old)
    (tmp_path / "patch").write_bytes(patch)
    tracemalloc.start()
    apply(tmp_path / "old", tmp_path / "patch", tmp_path / "new", len(new), lambda _: None)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "new").read_bytes() == new
    assert most < 2_000_000


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda patch: b"not a patch at all, but long enough", "no patch"),
        (lambda patch: patch[:20], "no patch"),
        (lambda patch: patch[:60], "damaged"),
        (lambda patch: patch[:40] + bytes(20) + patch[60:], "damaged"),
        (lambda patch: patch[:24] + (1 << 40).to_bytes(8, "little") + patch[32:], "another size"),
    ],
)
def test_what_is_no_patch_is_refused(tmp_path: Path, change: object, words: str) -> None:
    old, new = random.Random(1).randbytes(5_000), random.Random(2).randbytes(6_000)
    patch = change(bsdiff4.diff(old, new))  # type: ignore[operator]
    with pytest.raises(BadPatch, match=words):
        applied(tmp_path, old, patch, len(new))
