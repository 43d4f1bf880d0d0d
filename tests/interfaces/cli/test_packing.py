"""A model of several files is pushed as one zip: what is in it, and what happens to it."""

import zipfile
from pathlib import Path

import pytest

from infrastructure.engine import bundle
from interfaces.cli.packing import name_of, one_file
from interfaces.cli.refused import CommandRefused, ServerAway


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("EDGEWISE_STATE_HOME", str(folder))
    return folder


def files(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"what is in {name}".encode() * 1000)
    return folder


def names_in(file: Path) -> list[str]:
    with zipfile.ZipFile(file) as packed:
        return packed.namelist()


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_folder_becomes_one_zip_without_what_is_hidden(tmp_path: Path, state: Path) -> None:
    folder = files(tmp_path / "net", "saved_model.pb", "variables/a", ".DS_Store", ".git/config")
    seen: list[tuple[int, int]] = []
    with one_file(folder, lambda done, size: seen.append((done, size))) as packed:
        assert packed.name == "net.zip"
        assert names_in(packed) == ["saved_model.pb", "variables/a"]
    assert seen[-1][0] == seen[-1][1] > 0
    assert not left(state)


def test_the_same_files_give_the_bytes_that_the_engine_would_pack(tmp_path: Path) -> None:
    folder = files(tmp_path / "net", "b.onnx", "a/c", "a.x")
    bundle.pack(folder, tmp_path / "engine.zip")
    with one_file(folder) as packed:
        assert packed.read_bytes() == (tmp_path / "engine.zip").read_bytes()


@pytest.mark.parametrize(
    ("pushed", "beside"),
    [
        ("net.xml", "net.bin"),
        ("net.onnx", "net.onnx.data"),
        ("net.onnx", "net.onnx_data"),
        ("net.onnx", "net.data"),
    ],
)
def test_a_file_is_packed_with_what_belongs_to_it(tmp_path: Path, pushed: str, beside: str) -> None:
    files(tmp_path, pushed, beside, "other.bin", "other.onnx.data")
    with one_file(tmp_path / pushed) as packed:
        assert names_in(packed) == sorted([pushed, beside])


@pytest.mark.parametrize("alone", ["net.onnx", "net.xml", "net.tflite"])
def test_a_file_that_stands_alone_is_pushed_as_it_is(tmp_path: Path, alone: str) -> None:
    file = files(tmp_path, alone) / alone
    with one_file(file) as packed:
        assert packed == file


def refuse(again: Path, first: Path, written: int) -> None:
    assert (again, again.stat().st_mtime_ns) == (first, written)
    raise CommandRefused("MODEL_REFUSED", "no model", "uploadId")


def test_a_push_that_was_cut_off_finds_its_zip_again_and_a_refused_one_leaves_none(
    tmp_path: Path, state: Path
) -> None:
    folder = files(tmp_path / "net", "a.onnx")
    with pytest.raises(ServerAway), one_file(folder) as first:
        raise ServerAway("gone")
    before = first.stat()
    with pytest.raises(CommandRefused), one_file(folder) as again:
        refuse(again, first, before.st_mtime_ns)
    assert not left(state)


def test_a_changed_folder_is_packed_anew(tmp_path: Path, state: Path) -> None:
    folder = files(tmp_path / "net", "a.onnx")
    with pytest.raises(ServerAway), one_file(folder):
        raise ServerAway("gone")
    files(folder, "b")
    with one_file(folder) as packed:
        assert names_in(packed) == ["a.onnx", "b"]
        assert left(state) == [packed]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    with pytest.raises(CommandRefused, match="empty"), one_file(tmp_path / "net"):
        pass


def test_a_folder_gives_its_name(tmp_path: Path) -> None:
    for name, called in (("v1.2", "v1.2"), ("net.mlpackage", "net")):
        (tmp_path / name).mkdir()
        assert name_of(tmp_path / name) == called
    assert name_of(tmp_path / "net.onnx") == "net"
