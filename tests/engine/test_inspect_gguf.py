"""What a GGUF file is told to be, and that no count, length or offset in it is believed."""

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports.engine import EngineRefusal
from infrastructure.engine.gguf.inspect import inspect_gguf
from infrastructure.engine.inspectors import SandboxedModelInspector
from infrastructure.engine.sandbox import Sandbox
from tests.engine.gguf_file import F32, described, gguf, language_model, pair, text

HUGE = 2**63 - 1
NAMED = [pair("general.architecture", "llama")]


def saved(tmp_path: Path, content: bytes) -> Path:
    file = tmp_path / "upload"
    file.write_bytes(content)
    return file


def test_a_language_model_takes_tokens_and_gives_a_score_for_each_word(tmp_path: Path) -> None:
    found = inspect_gguf(saved(tmp_path, language_model()))
    signature = found["signature"]
    assert signature["inputs"] == [{"name": "tokens", "dtype": "int32", "shape": [1, "tokens"]}]
    assert signature["outputs"][0]["shape"] == [1, "tokens", 64]
    assert signature["parameters"] == 2 * 64 * 32
    assert signature["operators"] == {"F32": 1, "Q8_0": 1}
    assert found["warnings"] == []


def test_a_part_of_a_split_model_is_refused_with_the_way_to_join_it(tmp_path: Path) -> None:
    pairs = [*NAMED, pair("split.count", 3), pair("split.no", 1)]
    content = gguf(pairs, [described("w", (4,), F32, 0)], bytes(16))
    with pytest.raises(EngineRefusal, match="part 2 of 3") as caught:
        inspect_gguf(saved(tmp_path, content))
    assert "--merge" in caught.value.remedy


ARRAY_OF = text("k") + struct.pack("<I", 9)
FALSE: list[tuple[str, bytes]] = [
    ("cannot hold so many", gguf(NAMED, [], counts=(HUGE, 1))),
    ("cannot hold so many", gguf(NAMED, [], counts=(0, HUGE))),
    ("cannot hold so many", gguf(NAMED, [described("w", (4,), F32, 0)], counts=(900, 1))),
    ("asks for", gguf([struct.pack("<Q", HUGE) + b"k"], [])),
    ("asks for", gguf([text("k") + struct.pack("<IQ", 8, HUGE)], [])),
    ("more than fit", gguf([ARRAY_OF + struct.pack("<IQ", 4, HUGE)], [])),
    ("more than fit", gguf([ARRAY_OF + struct.pack("<IQ", 8, 2**40)], [])),
    ("more than fit", gguf([ARRAY_OF + struct.pack("<IQ", 9, 2**40)], [])),
    ("unknown type 77", gguf([text("k") + struct.pack("<I", 77)], [])),
    ("twice", gguf([*NAMED, *NAMED], [described("w", (4,), F32, 0)], bytes(16))),
    ("twice", gguf(NAMED, [described("w", (8,), F32, n * 32) for n in (0, 1)], bytes(64))),
    ("alignment", gguf([*NAMED, pair("general.alignment", 3)], [described("w", (4,), F32, 0)])),
    ("dimensions", gguf(NAMED, [text("w") + struct.pack("<I", 2**31)], bytes(16))),
    ("unknown type 4", gguf(NAMED, [described("w", (4,), 4, 0)], bytes(16))),
    ("impossible shape", gguf(NAMED, [described("w", (2**32, 2**32), F32, 0)], bytes(16))),
    ("impossible shape", gguf(NAMED, [described("w", (0, 4), F32, 0)], bytes(16))),
    ("do not divide", gguf(NAMED, [described("w", (33,), 8, 0)], bytes(64))),
    ("said to begin", gguf(NAMED, [described("w", (4,), F32, HUGE)], bytes(16))),
    ("needs the file up to", gguf(NAMED, [described("w", (400,), F32, 0)], bytes(16))),
    ("GGUF version 4,000", gguf(NAMED, [], version=4000)),
    ("big-endian", gguf(NAMED, [], version=3 << 24)),
    ("without tensors", gguf(NAMED, [])),
]


@pytest.mark.parametrize(("word", "content"), FALSE)
def test_what_a_header_claims_falsely_is_refused_by_name(
    tmp_path: Path, word: str, content: bytes
) -> None:
    with pytest.raises(EngineRefusal, match=word) as caught:
        inspect_gguf(saved(tmp_path, content))
    assert caught.value.remedy
    assert caught.value.field == "uploadId"


def test_a_false_count_is_refused_through_the_sandbox_too(tmp_path: Path) -> None:
    file = saved(tmp_path, gguf(NAMED, [], counts=(2**40, 1)))
    with pytest.raises(EngineRefusal, match=r"1,099,511,627,776 tensors"):
        SandboxedModelInspector(Sandbox(), tmp_path).inspect(file)


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
@given(places=st.lists(st.tuples(st.integers(4, 1_400), st.integers(0, 255)), max_size=12))
def test_a_damaged_header_is_read_or_refused_and_nothing_else(
    tmp_path: Path, places: list[tuple[int, int]]
) -> None:
    content = bytearray(language_model())
    for place, value in places:
        content[place] = value
    with suppress(EngineRefusal):
        assert inspect_gguf(saved(tmp_path, bytes(content)))["signature"]
