"""`kill -9` of a publisher at any instant leaves a whole repository, with all that was
acknowledged, for every other process."""

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from tuf.api.metadata import Metadata, Root

from application.ports.trusted_targets import TrustRole
from infrastructure.postgres.database import Database
from infrastructure.tuf.in_postgres import PostgresShelves
from infrastructure.tuf.key_files import FileKeys
from infrastructure.tuf.repositories import Repositories
from tests.edge.running import ROOT
from tests.patience import eventually

TENANT = UUID(int=9)
KILLS = 6
PUBLISHER = """
import hashlib, sys
from pathlib import Path
from uuid import UUID, uuid4
from application.ports.trusted_targets import Target
from infrastructure.postgres.database import Database, PoolSizes
from infrastructure.tuf.in_postgres import PostgresShelves
from infrastructure.tuf.key_files import FileKeys
from infrastructure.tuf.repositories import Repositories

app_url, system_url, folder, tenant = sys.argv[1:]
database = Database(app_url, system_url, PoolSizes(1, 1, 1))
database.open()
keys = FileKeys(Path(folder), {}, str)
repositories = Repositories(PostgresShelves(database), keys)
turn = 0
while True:
    sha256 = hashlib.sha256(uuid4().bytes).hexdigest()
    repositories.publish(UUID(tenant), [Target.of(sha256, turn)])
    turn += 1
    if turn % 5 == 0:
        repositories.rotate(UUID(tenant), root=turn % 2 == 0)
    print(sha256, flush=True)
"""


def test_a_killed_publisher_leaves_a_whole_repository(database: Database, tmp_path: Path) -> None:
    repositories = Repositories(PostgresShelves(database), FileKeys(tmp_path / "keys", {}, str))
    acknowledged: list[str] = []
    for kill in range(KILLS):
        output = tmp_path / f"output-{kill}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", PUBLISHER, database.app_url, database.system_url,
                 str(tmp_path / "keys"), str(TENANT)],
                stdout=file, cwd=ROOT,
            )  # fmt: skip
            try:
                some = random.Random(kill).randint(0, 12)
                eventually(lambda file=output, least=some: len(lines(file)) >= least)
                assert process.poll() is None
            finally:
                process.kill()
                process.wait()
        acknowledged += lines(output)
        repositories.root(TENANT)
        assert set(acknowledged) <= whole(repositories)
    assert acknowledged


def lines(file: Path) -> list[str]:
    """Those that were printed to their end."""
    return [line.strip() for line in file.read_text().splitlines(True) if line.endswith("\n")]


def whole(repositories: Repositories) -> set[str]:
    """The sha256 of all targets, once every link of the chain was found right."""
    root = Metadata[Root].from_bytes(repositories.root(TENANT))
    known = Metadata[Root].from_bytes(found(repositories, TrustRole.ROOT, 1))
    for version in range(2, root.signed.version + 1):
        following = Metadata[Root].from_bytes(found(repositories, TrustRole.ROOT, version))
        known.verify_delegate("root", following)
        following.verify_delegate("root", following)
        known = following
    named, content = None, b""
    for role, names in (
        (TrustRole.TIMESTAMP, "snapshot.json"),
        (TrustRole.SNAPSHOT, "targets.json"),
        (TrustRole.TARGETS, None),
    ):
        content = found(repositories, role, named["version"] if named else None)
        root.verify_delegate(role, Metadata.from_bytes(content))
        assert named is None or named["hashes"]["sha256"] == hashlib.sha256(content).hexdigest()
        named = json.loads(content)["signed"]["meta"][names] if names else None
    return {path.removeprefix("sha256/") for path in json.loads(content)["signed"]["targets"]}


def found(repositories: Repositories, role: TrustRole, version: int | None) -> bytes:
    content = repositories.metadata(TENANT, role, version)
    assert content is not None
    return content
