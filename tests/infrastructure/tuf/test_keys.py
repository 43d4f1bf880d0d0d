"""Keys in files: private, each tenant's own, shared by processes, and wherever a URI says."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from securesystemslib.signer import CryptoSigner, Signer

from domain.refusal import Refusal, RefusalCode
from infrastructure.tuf.key_files import FileKeys
from infrastructure.tuf.keys import KeyUse

TENANT = UUID(int=5)


def keys(folder: Path, **first: str) -> FileKeys:
    given = {KeyUse(use): uri for use, uri in first.items()}
    return FileKeys(folder, given, lambda name: "1234")


def id_of(signer: Signer) -> str:
    found: str = signer.public_key.keyid
    return found


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    made = keys(tmp_path).current(TENANT, KeyUse.ONLINE)
    again = keys(tmp_path)
    assert id_of(again.current(TENANT, KeyUse.ONLINE)) == id_of(made)
    signature = again.signer(TENANT, id_of(made)).sign(b"data")
    made.public_key.verify_signature(signature, b"data")


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    for use in KeyUse:
        keys(tmp_path / "keys").current(TENANT, use)
    files = [file for file in (tmp_path / "keys").rglob("*") if file.is_file()]
    assert sorted(file.name for file in files) == [
        "online-1.json", "online-1.pem", "root-1.json", "root-1.pem"
    ]  # fmt: skip
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "keys" / str(TENANT)).stat().st_mode) == 0o700


def test_what_says_where_a_key_is_does_not_hold_it(tmp_path: Path) -> None:
    keys(tmp_path).current(TENANT, KeyUse.ROOT)
    document = json.loads((tmp_path / str(TENANT) / "root-1.json").read_bytes())
    assert document.keys() == {"uri", "keyid", "key"}
    assert document["uri"] == "file2:root-1.pem"
    assert document["key"]["keyval"].keys() == {"public"}


def test_tenants_and_uses_have_keys_of_their_own(tmp_path: Path) -> None:
    store = keys(tmp_path)
    made = {id_of(store.current(tenant, use)) for tenant in (TENANT, uuid4()) for use in KeyUse}
    assert len(made) == 4


def test_processes_that_begin_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = pool.map(lambda _: keys(tmp_path).current(TENANT, KeyUse.ROOT), range(8))
        assert len({id_of(one) for one in made}) == 1


def test_the_next_key_is_in_use_and_the_former_one_can_still_sign(tmp_path: Path) -> None:
    store = keys(tmp_path)
    former = store.current(TENANT, KeyUse.ROOT)
    new = store.next(TENANT, KeyUse.ROOT, None)
    other = keys(tmp_path)
    assert id_of(new) != id_of(former)
    assert id_of(other.current(TENANT, KeyUse.ROOT)) == id_of(new)
    assert other.places(TENANT) == {
        id_of(former): "file2:root-1.pem", id_of(new): "file2:root-2.pem"
    }  # fmt: skip
    former.public_key.verify_signature(other.signer(TENANT, id_of(former)).sign(b"x"), b"x")


def test_a_key_of_ones_own_is_used_where_it_is(tmp_path: Path) -> None:
    for tenant in (TENANT, other := uuid4()):
        own = CryptoSigner.generate_ecdsa()
        (tmp_path / f"{tenant}.pem").write_bytes(own.private_bytes)
    store = keys(tmp_path / "keys", online=f"file2:{tmp_path}/{{tenant}}.pem")
    used = store.current(TENANT, KeyUse.ONLINE)
    assert used.public_key.scheme == "ecdsa-sha2-nistp256"
    assert id_of(store.current(other, KeyUse.ONLINE)) == id_of(own) != id_of(used)
    assert not list((tmp_path / "keys").rglob("*.pem"))


def test_the_folder_may_be_moved(tmp_path: Path) -> None:
    made = keys(tmp_path / "here").current(TENANT, KeyUse.ROOT)
    (tmp_path / "here").rename(tmp_path / "there")
    assert id_of(keys(tmp_path / "there").signer(TENANT, id_of(made))) == id_of(made)


@pytest.mark.parametrize(
    ("uri", "code", "words"),
    [
        ("file2:/nowhere/key.pem", RefusalCode.UNAVAILABLE, "No such file"),
        ("vault:thing", RefusalCode.INVALID, "file2:, hsm:"),
        ("nothing", RefusalCode.INVALID, "file2:, hsm:"),
        ("awskms:alias/key", RefusalCode.UNAVAILABLE, "install"),
        ("hv:key", RefusalCode.UNAVAILABLE, "install"),
        ("gcpkms:projects/x", RefusalCode.UNAVAILABLE, "install"),
    ],
)
def test_a_key_that_cannot_be_had_is_refused_with_the_reason(
    tmp_path: Path, uri: str, code: RefusalCode, words: str
) -> None:
    with pytest.raises(Refusal, match=words) as refused:
        keys(tmp_path, root=uri).current(TENANT, KeyUse.ROOT)
    assert refused.value.code is code
    assert not list(tmp_path.rglob("*.json"))


def test_a_file_without_a_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(Refusal, match=r"key\.pem"):
        keys(tmp_path, root=f"file2:{tmp_path}/key.pem").current(TENANT, KeyUse.ROOT)


def test_a_key_that_is_not_here_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="EDGEWISE_TARGET_KEYS"):
        keys(tmp_path).signer(TENANT, "0" * 64)


def test_another_key_in_the_place_of_a_known_one_is_refused(tmp_path: Path) -> None:
    made = keys(tmp_path).current(TENANT, KeyUse.ROOT)
    (tmp_path / str(TENANT) / "root-1.pem").write_bytes(
        CryptoSigner.generate_ed25519().private_bytes
    )
    with pytest.raises(Refusal, match="does not match"):
        keys(tmp_path).signer(TENANT, id_of(made))


def test_an_rsa_key_is_taken_too(tmp_path: Path) -> None:
    private = rsa.generate_private_key(65537, 3072)
    (tmp_path / "rsa.pem").write_bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    signer = keys(tmp_path, root=f"file2:{tmp_path}/rsa.pem").current(TENANT, KeyUse.ROOT)
    signer.public_key.verify_signature(signer.sign(b"data"), b"data")
