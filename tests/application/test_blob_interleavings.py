"""Whatever comes in whatever order: no blob that something refers to is ever removed."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from application.blob_sweep import sweep_blobs
from application.commands import upload as commands
from domain.upload import Upload
from infrastructure.postgres.database import Database
from tests.application.blob_store import NOW, Store
from tests.patience import PATIENCE
from tests.services.postgres import opened


class Interleavings(RuleBasedStateMachine):
    """Uploads, models, deletions and sweeps in any order, without any grace period."""

    CONTENTS = (b"a", b"bb", b"ccc")
    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[UUID, bytes] = {}
        self.uploaded: list[tuple[Upload, bytes]] = []

    @rule(content=st.sampled_from(CONTENTS))
    def upload(self, content: bytes) -> None:
        self.uploaded.append((self.store.upload(content), content))

    @precondition(lambda self: self.uploaded)
    @rule(data=st.data())
    def make_a_model(self, data: st.DataObject) -> None:
        upload, content = data.draw(st.sampled_from(self.uploaded))
        self.kept[self.store.model_of(upload)] = content

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def delete_a_model(self, data: st.DataObject) -> None:
        model = data.draw(st.sampled_from(sorted(self.kept)))
        self.store.delete_model(model)
        del self.kept[model]

    @rule()
    def uploads_expire(self) -> None:
        self.store.expire_uploads()
        self.uploaded = []

    @rule()
    def sweep(self) -> None:
        self.store.sweep()
        needed = {*self.kept.values(), *(content for _, content in self.uploaded)}
        for content in self.CONTENTS:
            assert self.store.has(content) == (content in needed)

    @invariant()
    def what_is_needed_is_there(self) -> None:
        for content in {*self.kept.values(), *(content for _, content in self.uploaded)}:
            assert self.store.has(content)


def test_no_interleaving_ever_removes_what_is_referred_to(
    database: Database, tmp_path: Path
) -> None:
    class Machine(Interleavings):
        def __init__(self) -> None:
            super().__init__()
            self.store = Store(database, tmp_path / uuid4().hex)

        def teardown(self) -> None:
            for model in self.kept:
                self.store.delete_model(model)

    run_machine(
        Machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_threads_that_upload_expire_and_sweep_at_once_lose_nothing(
    database_url: str, tmp_path: Path
) -> None:
    """Real interleavings inside the steps, with no grace period to hide behind."""
    with opened(database_url) as database:
        store = Store(database, tmp_path)
        held: dict[UUID, bytes] = {}
        failures: list[BaseException] = []
        until = time.monotonic() + 4

        def guarded(step: Callable[[random.Random], None], seed: int) -> threading.Thread:
            def run() -> None:
                chance = random.Random(seed)
                try:
                    while time.monotonic() < until:
                        step(chance)
                except BaseException as error:
                    failures.append(error)

            return threading.Thread(target=run)

        def upload_and_let_go(chance: random.Random) -> None:
            content = chance.choice([b"x", b"yy"])
            upload = store.upload(content)
            held[upload.id] = content
            for _ in range(chance.randrange(3)):
                assert store.has(content), "an upload that is there has lost its bytes"
            del held[upload.id]
            commands.remove(store.uploads, upload)

        def sweep(_: random.Random) -> None:
            sweep_blobs(store.sweeping)

        store.follow()
        threads = [*(guarded(upload_and_let_go, seed) for seed in range(3)), guarded(sweep, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []


@pytest.mark.slow
def test_a_sweep_that_is_killed_at_any_moment_is_gone_on_with(
    database: Database, tmp_path: Path
) -> None:
    """`kill -9` of a real process, again and again, until one comes to its end."""
    store = Store(database, tmp_path)
    kept = store.upload(b"kept")
    for number in range(200):
        commands.remove(store.uploads, store.upload(f"garbage {number}".encode()))
    chance, ended = random.Random(1), False
    for patience in (*(chance.uniform(0.05, 0.5) for _ in range(4)), PATIENCE):
        sweeping = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.application.sweeping_process"),
                *(database.app_url, database.system_url, str(tmp_path)),
            ],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
        )
        assert sweeping.stdout is not None
        assert sweeping.stdout.readline() == b"sweeping\n"
        try:
            ended = sweeping.wait(timeout=patience) == 0
        except subprocess.TimeoutExpired:
            sweeping.kill()
            sweeping.wait()
    assert ended
    assert [blob.sha256 for blob in store.blobs.stored()] == [kept.sha256]
    assert store.has(b"kept")
    assert store.ledger.due(NOW) == []
