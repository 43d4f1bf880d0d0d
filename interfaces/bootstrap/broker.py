"""The broker of the fleet: the embedded one, a private Mosquitto, or one that runs elsewhere."""

import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from application.ports.brokers import Broker
from infrastructure.embedded.broker import BrokerUnavailable, EmbeddedBroker
from infrastructure.embedded.mosquitto import EmbeddedMosquitto, MosquittoUnavailable
from infrastructure.mqtt.address import BadBrokerUrl, BrokerAddress
from infrastructure.mqtt.connection import BrokerAccess, group_of
from infrastructure.mqtt.open_broker import OpenBroker
from infrastructure.mqtt.tls import client_context
from infrastructure.mqtt.tls_broker import TlsBroker
from infrastructure.mqtt.trust_folder import TrustFolder
from infrastructure.pki.authority import Authority
from interfaces.settings import BadSetting, Settings

LOOPBACK, ANYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104
DEVICES_PORT = 8883
RENEWAL_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class FleetBroker:
    """A broker that runs. `devices_url` is what devices are told; `ensure` starts one of our own
    again where it has died; `stop` ends it."""

    devices_url: str
    access: BrokerAccess
    admission: Broker
    ensure: Callable[[], object]
    stop: Callable[[], None]


class NoBroker(BadSetting):
    """The broker that the settings ask for cannot be had; the message says why and the remedy."""


def start_broker(settings: Settings, authority: Authority) -> FleetBroker | None:
    """None where there is none. Raises NoBroker."""
    try:
        if settings.fleet.mqtt_url is not None:
            return _elsewhere(settings, settings.fleet.mqtt_url, authority)
        if settings.fleet.broker == "mosquitto":
            return _mosquitto(settings, authority)
        return _embedded(settings) if settings.fleet.broker == "embedded" else None
    except (BadBrokerUrl, BrokerUnavailable, MosquittoUnavailable, OSError) as error:
        raise NoBroker(str(error)) from error


def devices_url(settings: Settings) -> str | None:
    """Where devices connect, as far as the settings tell."""
    if settings.fleet.mqtt_public_url or settings.fleet.mqtt_url is None:
        return settings.fleet.mqtt_public_url
    return _for_devices(settings, BrokerAddress.parse(settings.fleet.mqtt_url)).url


def _for_devices(settings: Settings, gateway: BrokerAddress) -> BrokerAddress:
    """The listener for devices beside the one for gateways, as the platform reaches it."""
    if not gateway.tls:
        return gateway
    return BrokerAddress(gateway.host, settings.fleet.mqtt_port or DEVICES_PORT, tls=True)


def _embedded(settings: Settings) -> FleetBroker:
    server = EmbeddedBroker(settings.home / "broker", settings.fleet.mqtt_port)
    address = BrokerAddress.parse(server.start())
    return FleetBroker(
        address.url, BrokerAccess(address), OpenBroker(address), server.ensure, server.stop
    )


def _mosquitto(settings: Settings, authority: Authority) -> FleetBroker:
    trust = TrustFolder(settings.fleet.trust, authority)
    port = settings.fleet.mqtt_port or DEVICES_PORT
    public = settings.fleet.mqtt_public_url or f"mqtts://{urlsplit(settings.url).hostname}:{port}"
    told = BrokerAddress.parse(public)
    names = sorted({told.host, LOOPBACK, "localhost"})
    trust.publish(names)
    gateway = BrokerAddress(LOOPBACK, port + 1, tls=True)
    server = EmbeddedMosquitto(
        settings.home / "mosquitto", trust, BrokerAddress(ANYWHERE, port, tls=True), gateway
    )
    server.start()
    renew = _renewing(trust, names, server.reload)

    def ensure() -> None:
        renew()
        server.start()

    near = BrokerAddress(LOOPBACK, port, tls=True)
    return FleetBroker(
        told.url,
        _over_tls(settings, gateway, authority),
        TlsBroker(near, trust, authority, server.reload),
        ensure,
        server.stop,
    )


def _elsewhere(settings: Settings, url: str, authority: Authority) -> FleetBroker:
    gateway = BrokerAddress.parse(url)
    devices = _for_devices(settings, gateway)
    told = BrokerAddress.parse(settings.fleet.mqtt_public_url or devices.url)
    nothing: Callable[[], None] = lambda: None  # noqa: E731
    if not gateway.tls:
        if not gateway.is_local:
            raise NoBroker(
                f"MQTT_URL is “{url}”: beyond this machine a broker must know who comes in. "
                "Give mqtts://host:port, the broker's listener for gateways (docs/broker.md)."
            )
        return FleetBroker(told.url, BrokerAccess(gateway), OpenBroker(gateway), nothing, nothing)
    trust = TrustFolder(settings.fleet.trust, authority)
    names = sorted({told.host, gateway.host})
    trust.publish(names)
    return FleetBroker(
        told.url,
        _over_tls(settings, gateway, authority),
        TlsBroker(devices, trust, authority),
        _renewing(trust, names, nothing),
        nothing,
    )


def _renewing(
    trust: TrustFolder, names: Sequence[str], then: Callable[[], None]
) -> Callable[[], None]:
    """Looks every hour whether the broker's certificate is due for renewal."""
    looked = time.monotonic()

    def look() -> None:
        nonlocal looked
        if time.monotonic() - looked >= RENEWAL_SECONDS:
            looked = time.monotonic()
            if trust.publish(names):
                then()

    return look


def _over_tls(settings: Settings, address: BrokerAddress, authority: Authority) -> BrokerAccess:
    def context() -> ssl.SSLContext:
        return client_context(authority.authorities(), authority.gateway_certificate())

    return BrokerAccess(address, context, group_of(settings.secret))
