"""Damaged ONNX files: read or refused, in a process of their own, as native libraries do it."""

import multiprocessing
import random
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from application.ports.engine import EngineRefusal
from infrastructure.engine.onnx.inspect import inspect_onnx
from tests.engine import models

SEEDS = 150
FIRST_BYTES = 600
"""Where most of the structure is; the weights come after it."""


def damaged(content: bytes, seed: int) -> bytes:
    chance, changed = random.Random(seed), bytearray(content)
    for _ in range(chance.randint(1, 6)):
        end = FIRST_BYTES if chance.random() < 0.9 else len(changed)
        changed[chance.randrange(min(end, len(changed)))] = chance.randrange(256)
    return bytes(changed)


def inspect_all(content: bytes, seeds: list[int], file: Path, answers: Connection) -> None:
    for seed in seeds:
        file.write_bytes(damaged(content, seed))
        try:
            inspect_onnx(file)
            answers.send((seed, "taken"))
        except EngineRefusal as refusal:
            answers.send((seed, refusal.code))
        except Exception as error:
            answers.send((seed, f"broke: {type(error).__name__}: {error}"))


def inspected(content: bytes, seeds: list[int], folder: Path) -> Iterator[tuple[int, str]]:
    """What became of each; one that ends the process is told so, and the next process goes on."""
    while seeds:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        arguments = (content, seeds, folder / "model.onnx", theirs)
        process = multiprocessing.get_context("spawn").Process(target=inspect_all, args=arguments)
        process.start()
        theirs.close()
        left = list(seeds)
        try:
            while left:
                yield ours.recv()
                left.pop(0)
        except EOFError:
            yield left.pop(0), "ended its process"
        process.join()
        seeds = left


@pytest.mark.timeout(900)
def test_damaged_files_are_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    content = models.matmul().SerializeToString()
    found = dict(inspected(content, list(range(SEEDS)), tmp_path))
    assert sorted(found) == list(range(SEEDS))
    broke = {seed: told for seed, told in found.items() if told.startswith("broke")}
    assert not broke
    assert {"taken", "NOT_A_MODEL", "INVALID_MODEL"} <= set(found.values())
