"""Keys that never leave a hardware security module: SoftHSM stands for one, by PKCS#11."""

import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
from tuf.api.metadata import Metadata, Root

from application.ports.trusted_targets import TrustRole
from domain.refusal import Refusal
from infrastructure.tuf.key_files import FileKeys
from infrastructure.tuf.keys import KeyUse
from infrastructure.tuf.repositories import Repositories
from infrastructure.tuf.shelves import MemoryShelves
from tests.services.programs import program, unavailable

PIN = "4321"
HSM = "hsm:7?label=edgewise"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token with one key pair on P-256, of the id 7, that cannot be taken out."""
    pkcs11 = pytest.importorskip("pkcs11")
    util = program("softhsm2-util", package="softhsm2")
    library = next(Path("/usr/lib").rglob("libsofthsm2.so"), None)
    if library is None:
        unavailable("softhsm2-util is there, and libsofthsm2.so is not below /usr/lib")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    monkeypatch.setenv("PYKCS11LIB", str(library))
    subprocess.run(
        [util, "--init-token", "--free", "--label", "edgewise", "--pin", PIN, "--so-pin", PIN],
        check=True, capture_output=True,
    )  # fmt: skip
    loaded = pkcs11.lib(str(library))
    loaded.reinitialize()
    with loaded.get_token(token_label="edgewise").open(user_pin=PIN, rw=True) as session:
        curve = pkcs11.util.ec.encode_named_curve_parameters("secp256r1")
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: curve}, local=True
        )
        parameters.generate_keypair(id=b"\x07", store=True, label="edgewise targets")


def test_an_hsm_signs_for_all_tenants_and_gives_no_key_away(module: None, tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "keys", {KeyUse.ROOT: HSM, KeyUse.ONLINE: HSM}, lambda name: PIN)
    repositories = Repositories(MemoryShelves(), keys)
    for tenant in (uuid4(), uuid4()):
        root = Metadata[Root].from_bytes(repositories.root(tenant))
        root.verify_delegate("root", root)
        timestamp = repositories.metadata(tenant, TrustRole.TIMESTAMP, None)
        root.verify_delegate("timestamp", Metadata.from_bytes(timestamp or b""))
    assert not list((tmp_path / "keys").rglob("*.pem"))


def test_a_repository_goes_over_to_an_hsm(module: None, tmp_path: Path) -> None:
    tenant = uuid4()
    keys = FileKeys(tmp_path / "keys", {}, lambda name: PIN)
    repositories = Repositories(MemoryShelves(), keys)
    before = Metadata[Root].from_bytes(repositories.root(tenant))
    state = repositories.rotate(tenant, root=True, uri=HSM)
    after = Metadata[Root].from_bytes(repositories.root(tenant))
    before.verify_delegate("root", after)
    after.verify_delegate("root", after)
    (used,) = state.roles[0].key_ids
    assert state.keys[used] == HSM


def test_a_wrong_pin_is_refused_in_words(module: None, tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "keys", {KeyUse.ROOT: HSM}, lambda name: "1111")
    with pytest.raises(Refusal, match="PinIncorrect"):
        Repositories(MemoryShelves(), keys).root(uuid4())
