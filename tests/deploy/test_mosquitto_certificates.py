"""The broker's configuration lets in who holds a good certificate, and nobody else."""

import socket
import ssl
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from application.ports.certificates import KeyAndCertificate
from edge.protocol.topics import HEARD_FROM_ALL, Address, Said
from infrastructure.mqtt.hello import NotLetIn, say_hello
from infrastructure.pki.authority import GATEWAY
from infrastructure.pki.memory import memory_authority
from infrastructure.pki.root import CLIENT, Root
from tests.deploy.compose import ROOT
from tests.patience import PATIENCE, eventually
from tests.services.mosquitto_tls import Fleet, serial_of

FILES = ROOT / "deploy/mosquitto"
COMMAND = "00000000-0000-4000-8000-000000000000"
REFUSED = (ConnectionError, ssl.SSLError)


def foreign(fleet: Fleet, address: Address) -> KeyAndCertificate:
    return fleet.certificate(address, authority=memory_authority())


def expired(fleet: Fleet, address: Address) -> KeyAndCertificate:
    return fleet.certificate(address, lifetime=timedelta(minutes=-1))


def self_signed(fleet: Fleet, address: Address) -> KeyAndCertificate:
    return KeyAndCertificate(*reversed(_parts(Root.new(address.user_name))))


def the_brokers(fleet: Fleet, address: Address) -> KeyAndCertificate:
    return fleet.authority.server_certificate([address.user_name.replace("/", ".")])


def of_the_platform(fleet: Fleet, address: Address) -> KeyAndCertificate:
    return fleet.authority.platform.new_pair(address.user_name, CLIENT, timedelta(days=1))


def without_its_key(fleet: Fleet, address: Address) -> KeyAndCertificate:
    """The public certificate of another, with a name of the same authority, but a key of one's own
    cannot even be loaded; so it is signed by a root of the same name."""
    false = Root(generate_private_key(SECP256R1()), fleet.authority.devices.chain)
    return false.new_pair(address.user_name, CLIENT, timedelta(days=1))


def _parts(root: Root) -> tuple[str, str]:
    return root.certificates, root.pem.decode().removesuffix(root.certificates)


@pytest.mark.parametrize(
    "own", [foreign, expired, self_signed, the_brokers, of_the_platform, without_its_key]
)
def test_a_certificate_that_is_not_good_is_not_let_in(
    fleet: Fleet, address: Address, own: Callable[[Fleet, Address], KeyAndCertificate]
) -> None:
    with pytest.raises(REFUSED):
        fleet.device(address, own(fleet, address)).connect()


def test_nobody_comes_in_without_a_certificate_or_without_tls(fleet: Fleet) -> None:
    context = ssl.create_default_context(cadata=fleet.authority.authorities())
    for listener in (fleet.devices, fleet.gateway):
        with pytest.raises(NotLetIn):
            say_hello(listener, "nobody", context)
        with socket.create_connection((listener.host, listener.port), PATIENCE) as plain:
            plain.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04test")
            assert not _answer(plain).startswith(b"\x20")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_before_1_2_is_not_spoken(fleet: Fleet, address: Address) -> None:
    context = fleet.context(fleet.certificate(address))
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(NotLetIn):
        say_hello(fleet.devices, "old", context)


def test_a_device_does_not_come_in_where_the_gateways_do(fleet: Fleet, address: Address) -> None:
    named_like_it = fleet.authority.devices.new_pair(GATEWAY, CLIENT, timedelta(days=1))
    for own in (fleet.certificate(address), named_like_it):
        with pytest.raises(NotLetIn):
            say_hello(fleet.gateway, "device", fleet.context(own))


def test_a_revoked_device_is_kept_out_by_certificate_and_by_resumed_session(
    fleet: Fleet, address: Address, other: Address
) -> None:
    own = fleet.certificate(address)
    sessions = {
        version: _session(fleet, own, version)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    }
    running = fleet.device(address, own, will=(address.said(Said.STATE), b"lost")).connect()
    gateway = fleet.platform("sees-it-go").connect().subscribe(*HEARD_FROM_ALL)
    well = fleet.device(other).connect()
    fleet.broker.keep_out([serial_of(own)])
    assert running.ends == []
    fleet.broker.cut_off(address.user_name)
    eventually(lambda: running.ends)
    eventually(lambda: gateway.payloads(address.said(Said.STATE)) == [b"lost"])
    with pytest.raises(REFUSED):
        fleet.device(address, own).connect()
    for version, session in sessions.items():
        with pytest.raises((*REFUSED, AssertionError)):
            _session(fleet, own, version, session)
    assert well.ends == []
    renewed = fleet.device(address, fleet.certificate(address)).connect()
    assert renewed.is_connected


def _answer(plain: socket.socket) -> bytes:
    try:
        return plain.recv(4)
    except ConnectionError:
        return b""


def _session(
    fleet: Fleet,
    own: KeyAndCertificate,
    version: ssl.TLSVersion,
    resumed: tuple[ssl.SSLContext, ssl.SSLSession] | None = None,
) -> tuple[ssl.SSLContext, ssl.SSLSession]:
    """Comes in, and gives what a later connection can be resumed with."""
    context = resumed[0] if resumed else fleet.context(own)
    context.maximum_version = version
    with socket.create_connection((fleet.devices.host, fleet.devices.port), PATIENCE) as plain:
        session = resumed[1] if resumed else None
        with context.wrap_socket(
            plain, server_hostname=fleet.devices.host, session=session
        ) as client:
            client.sendall(b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03abc")
            assert client.recv(4) == b"\x20\x02\x00\x00"
            found = client.session
            assert found is not None
            return context, found
