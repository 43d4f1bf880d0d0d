"""Toolchains are made whole or not at all, by one process at a time, of what is pinned."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from application.ports.engine import EngineCancelled, EngineRefusal
from application.ports.toolchains import InstallFailed, UnknownToolchain
from infrastructure.engine.abilities import Abilities, abilities
from infrastructure.engine.child_process import Unwatched
from infrastructure.toolchains.catalog import Toolchain
from infrastructure.toolchains.environments import Environments
from tests.infrastructure.tiny_toolchain import NAME, Index, toolchain, wheel

PATIENCE = 100.0
ROOT = Path(__file__).parents[2]
MAKE = """
import sys
from pathlib import Path
from infrastructure.engine.child_process import Unwatched
from infrastructure.toolchains.catalog import Toolchain
from infrastructure.toolchains.environments import Environments
folder, locks = map(Path, sys.argv[1:])
catalog = {"tiny": Toolchain("tiny", "What tests need.", locks=locks)}
Environments(folder, catalog=catalog).make("tiny", Unwatched())
"""


@pytest.fixture(autouse=True)
def without_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is installed comes from the test's own folder or index."""
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel in a folder that the installer looks into."""
    made = wheel(tmp_path / "wheels")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.parent))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return made


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    with Index(wheel(tmp_path / "wheels")) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        yield index


def having(tmp_path: Path, tiny: Toolchain, *, install: bool = True) -> Environments:
    return Environments(tmp_path / "toolchains", install, {"tiny": tiny})


def started(tmp_path: Path, tiny: Toolchain) -> "subprocess.Popen[bytes]":
    """Another process that makes the toolchain."""
    line = [sys.executable, "-c", MAKE, str(tmp_path / "toolchains"), str(tiny.locks)]
    return subprocess.Popen(line, cwd=ROOT, stderr=subprocess.DEVNULL)


def left(tmp_path: Path) -> list[str]:
    """Folders of environments, whole or not."""
    return [one.name for one in (tmp_path / "toolchains").iterdir() if one.is_dir()]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def version_of(python: Path) -> str:
    line = [python, "-c", f"import {NAME}; print({NAME}.VERSION)"]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()


class Noting(Unwatched):
    """Remembers what it was told; `stop` cancels."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.stop = threading.Event()

    def stage_started(self, name: str) -> None:
        self.told.append(name)

    def tick(self, percent: float, message: str) -> None:
        self.told.append(message)

    def cancelled(self) -> bool:
        return self.stop.is_set()


def test_what_the_lock_file_pins_is_installed_once_and_found_again(
    tmp_path: Path, made: Path
) -> None:
    tiny = toolchain(tmp_path / "locks", made)
    environments = having(tmp_path, tiny)
    assert (environments.installed(), environments.python("tiny")) == (frozenset(), None)
    watch = Noting()
    python = environments.needed("tiny", watch)
    assert watch.told[0] == "toolchain:tiny"
    assert version_of(python) == "1.0"
    made.unlink()
    assert environments.needed("tiny", Noting()) == python
    assert environments.make("tiny", Unwatched()) == python
    assert environments.installed() == {"tiny"}
    (told,) = environments.all()
    assert (told.name, told.wanted, told.python) == ("tiny", (f"{NAME}>=1",), python)
    assert told.bytes > 0


def test_a_server_that_installs_none_names_the_remedy(tmp_path: Path, made: Path) -> None:
    environments = having(tmp_path, toolchain(tmp_path / "locks", made), install=False)
    assert not environments.can_have("tiny")
    with pytest.raises(EngineRefusal) as refused:
        environments.needed("tiny", Unwatched())
    assert "edgewise toolchains install tiny" in str(refused.value)


def test_a_package_with_another_hash_is_not_installed(tmp_path: Path, made: Path) -> None:
    environments = having(tmp_path, toolchain(tmp_path / "locks", made, sha256="0" * 64))
    with pytest.raises(InstallFailed, match=r"(?i)hash"):
        environments.make("tiny", Unwatched())
    assert left(tmp_path) == []
    assert environments.python("tiny") is None


def test_without_a_network_the_installer_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    tiny = toolchain(tmp_path / "locks", wheel(tmp_path / "elsewhere"))
    environments = having(tmp_path, tiny)
    with pytest.raises(InstallFailed):
        environments.make("tiny", Unwatched())
    assert left(tmp_path) == []
    with pytest.raises(EngineRefusal, match="installing it failed"):
        environments.needed("tiny", Unwatched())


def test_two_processes_at_once_install_it_once(tmp_path: Path, index: Index) -> None:
    tiny = toolchain(tmp_path / "locks", index.wheel)
    both = [started(tmp_path, tiny), started(tmp_path, tiny)]
    assert index.asked.wait(PATIENCE)
    index.let.set()
    assert [one.wait(PATIENCE) for one in both] == [0, 0]
    assert index.downloads == 1
    python = having(tmp_path, tiny).python("tiny")
    assert python is not None
    assert version_of(python) == "1.0"


def test_after_kill_9_the_orphaned_installer_is_waited_for_and_the_rest_made_anew(
    tmp_path: Path, index: Index
) -> None:
    tiny = toolchain(tmp_path / "locks", index.wheel)
    killed = started(tmp_path, tiny)
    assert index.asked.wait(PATIENCE)
    killed.kill()
    killed.wait(PATIENCE)
    environments, watch, pythons = having(tmp_path, tiny), Noting(), []
    assert environments.python("tiny") is None, "what is half made is not taken for whole"
    again = threading.Thread(target=lambda: pythons.append(environments.make("tiny", watch)))
    again.start()
    until(lambda: any("another process" in told for told in watch.told))
    assert index.downloads == 1
    index.let.set()
    again.join(PATIENCE)
    assert version_of(pythons[0]) == "1.0"
    assert index.downloads == 2


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, index: Index) -> None:
    process = started(tmp_path, toolchain(tmp_path / "locks", index.wheel))
    assert index.asked.wait(PATIENCE)
    assert len(left(tmp_path)) == 1
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) != 0
    assert left(tmp_path) == []


def test_a_cancelled_job_stops_the_installer_or_the_waiting_for_another(
    tmp_path: Path, index: Index
) -> None:
    tiny = toolchain(tmp_path / "locks", index.wheel)
    environments, first, second = having(tmp_path, tiny), Noting(), Noting()
    ended: list[str] = []

    def made(watch: Noting, name: str) -> None:
        with pytest.raises(EngineCancelled):
            environments.make("tiny", watch)
        ended.append(name)

    threads = [threading.Thread(target=made, args=(first, "first"))]
    threads[0].start()
    assert index.asked.wait(PATIENCE)
    threads.append(threading.Thread(target=made, args=(second, "second")))
    threads[1].start()
    until(lambda: bool(second.told))
    second.stop.set()
    threads[1].join(PATIENCE)
    assert ended == ["second"]
    first.stop.set()
    threads[0].join(PATIENCE)
    assert ended == ["second", "first"]
    assert left(tmp_path) == []


def test_a_changed_lock_file_makes_another_environment_and_forgets_the_old(
    tmp_path: Path, made: Path
) -> None:
    locks = tmp_path / "locks"
    before = having(tmp_path, toolchain(locks, made)).make("tiny", Unwatched())
    environments = having(tmp_path, toolchain(locks, wheel(made.parent, "1.1")))
    assert environments.python("tiny") is None
    after = environments.make("tiny", Unwatched())
    assert (version_of(after), before.exists()) == ("1.1", False)
    assert len(left(tmp_path)) == 1


def test_removing_leaves_nothing_of_it_and_nothing_else_goes(tmp_path: Path, made: Path) -> None:
    tiny = toolchain(tmp_path / "locks", made)
    environments = having(tmp_path, tiny)
    environments.make("tiny", Unwatched())
    other = tmp_path / "toolchains" / "tiny-other-0123456789ab"
    broken = tmp_path / "toolchains" / "tiny-0123456789ab"
    for folder in (other, broken):
        folder.mkdir()
        (folder / "part").write_bytes(bytes(1_000))
    assert environments.remove("tiny", Unwatched()) > 1_000
    assert left(tmp_path) == [other.name]
    assert environments.installed() == frozenset()
    assert environments.remove("tiny", Unwatched()) == 0


def test_an_environment_whose_python_was_removed_is_made_anew(tmp_path: Path, made: Path) -> None:
    environments = having(tmp_path, toolchain(tmp_path / "locks", made))
    python = environments.make("tiny", Unwatched())
    python.unlink()
    python.symlink_to(tmp_path / "no-such-python")
    assert environments.python("tiny") is None
    assert version_of(environments.make("tiny", Unwatched())) == "1.0"


def test_an_unknown_name_names_those_that_there_are(tmp_path: Path, made: Path) -> None:
    environments = having(tmp_path, toolchain(tmp_path / "locks", made))
    with pytest.raises(UnknownToolchain, match="There are: tiny"):
        environments.make("other", Unwatched())
    with pytest.raises(UnknownToolchain):
        environments.remove("other", Unwatched())


def test_a_worker_offers_a_toolchain_as_soon_as_it_is_installed(tmp_path: Path, made: Path) -> None:
    tiny = toolchain(tmp_path / "locks", made)
    never, auto = having(tmp_path, tiny, install=False), having(tmp_path, tiny)
    told = Abilities(never)
    assert not {"toolchain:tiny", "installs:tiny"} & told()
    assert "installs:tiny" in abilities(auto)
    auto.make("tiny", Unwatched())
    assert "toolchain:tiny" in told()
    auto.remove("tiny", Unwatched())
    assert "toolchain:tiny" not in told()
