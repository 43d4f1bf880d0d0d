"""What the platform publishes for a broker: whole, renewed in time, revocations added up."""

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from infrastructure.mqtt.trust_folder import TrustFolder
from infrastructure.pki.authority import Authority
from infrastructure.pki.memory import memory_authority
from infrastructure.pki.root import SERVER

NAMES = ["broker.example.org", "127.0.0.1"]


@pytest.fixture
def authority() -> Authority:
    return memory_authority()


@pytest.fixture
def trust(tmp_path: Path, authority: Authority) -> TrustFolder:
    made = TrustFolder(tmp_path / "trust", authority)
    assert made.publish(NAMES)
    return made


def own(trust: TrustFolder) -> x509.Certificate:
    return x509.load_pem_x509_certificate((trust.folder / "broker.pem").read_bytes())


def listed(trust: TrustFolder) -> dict[int, datetime]:
    known = x509.load_pem_x509_crl((trust.folder / "revoked.pem").read_bytes())
    return {one.serial_number: one.revocation_date_utc for one in known}


def updated(trust: TrustFolder) -> datetime:
    return x509.load_pem_x509_crl((trust.folder / "revoked.pem").read_bytes()).last_update_utc


def test_it_is_published_once(trust: TrustFolder) -> None:
    before = {one: one.read_bytes() for one in trust.folder.glob("*.pem")}
    assert not trust.publish(NAMES)
    assert not trust.publish(NAMES[:1])
    assert {one: one.read_bytes() for one in trust.folder.glob("*.pem")} == before
    assert len(before) == 4


def test_its_group_may_read_it_and_nobody_else(trust: TrustFolder) -> None:
    modes = {stat.S_IMODE(one.stat().st_mode) for one in trust.folder.glob("*.pem")}
    assert modes == {0o640}
    assert stat.S_IMODE(trust.folder.stat().st_mode) == 0o750


def test_a_new_name_brings_a_new_certificate(trust: TrustFolder) -> None:
    before = own(trust)
    assert trust.publish([*NAMES, "other.example.org"])
    assert own(trust) != before
    names = own(trust).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "other.example.org" in names.get_values_for_type(x509.DNSName)


def test_the_brokers_certificate_is_renewed_before_its_end(
    trust: TrustFolder, authority: Authority
) -> None:
    names = [x509.DNSName(NAMES[0])]
    old = authority.platform.new_pair("old", SERVER, timedelta(days=100), names)
    (trust.folder / "broker.pem").write_text(old.key + old.certificate)
    assert trust.publish(NAMES[:1])
    assert own(trust).not_valid_after_utc - datetime.now(UTC) > timedelta(days=300)


def test_another_authority_replaces_everything(trust: TrustFolder) -> None:
    trust.revoke([7])
    other = memory_authority()
    assert TrustFolder(trust.folder, other).publish(NAMES)
    own(trust).verify_directly_issued_by(other.platform.chain[0])
    known = x509.load_pem_x509_crl((trust.folder / "revoked.pem").read_bytes())
    assert known.is_signature_valid(other.devices.key.public_key())
    assert list(known) == []


def test_a_damaged_file_is_made_anew(trust: TrustFolder) -> None:
    for name in ("broker.pem", "revoked.pem", "devices-ca.pem"):
        (trust.folder / name).write_text("damaged")
    assert trust.publish(NAMES)
    assert own(trust) is not None
    assert listed(trust) == {}


def test_each_list_is_later_than_the_one_before(trust: TrustFolder) -> None:
    times = [updated(trust)]
    for number in range(3):
        trust.revoke([number + 1])
        times.append(updated(trust))
    assert times == sorted(set(times))
    assert times[-1] <= datetime.now(UTC)


def test_what_two_processes_revoke_at_once_is_revoked(
    trust: TrustFolder, authority: Authority
) -> None:
    others = [TrustFolder(trust.folder, authority) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda one: one[1].revoke([one[0] + 1]), enumerate(others)))
    assert set(listed(trust)) == {1, 2, 3}


def test_what_is_not_named_any_more_goes_after_an_hour(
    trust: TrustFolder, authority: Authority
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    old, young = now - timedelta(hours=2), now - timedelta(minutes=30)
    made = authority.revocation_list({1: old, 2: young, 3: old}, now - timedelta(minutes=1))
    (trust.folder / "revoked.pem").write_text(made)
    trust.revoke([3, 4])
    assert set(listed(trust)) == {2, 3, 4}
    assert listed(trust)[3] == old
    assert listed(trust)[4] >= now
