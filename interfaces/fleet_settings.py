"""The settings of the fleet: its broker, and who signs for its devices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from interfaces.setting import BadSetting, number, path

BROKERS = ("embedded", "mosquitto", "off")


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """`broker` is the one that this installation starts itself; with `mqtt_url` it is another's, by
    its listener for gateways. `mqtt_public_url` is where devices connect, where that is another
    address. `authority` holds the keys that sign for devices, `trust` is what the broker reads.
    `target_keys` holds the keys of TUF, of which `root_key` and `online_key` say where a tenant's
    first ones are (docs/trust.md), and `key_pin` opens an HSM."""

    authority: Path
    trust: Path
    target_keys: Path
    broker: str = "embedded"
    mqtt_url: str | None = None
    mqtt_public_url: str | None = None
    mqtt_port: int = 0
    certificate_days: int = 30
    root_key: str | None = None
    online_key: str | None = None
    key_pin: str | None = field(default=None, repr=False)


def fleet_settings(environment: Mapping[str, str], home: Path) -> FleetSettings:
    """Raises BadSetting."""
    url = environment.get("MQTT_URL") or None
    broker = environment.get("EDGEWISE_BROKER") or ("off" if url else "embedded")
    if broker not in BROKERS:
        raise BadSetting(f"EDGEWISE_BROKER is “{broker}”: give {', '.join(BROKERS)}.")
    if url and broker != "off":
        raise BadSetting(f"MQTT_URL is set, and EDGEWISE_BROKER is {broker}: set only one of them.")
    for name in ("MQTT_URL", "EDGEWISE_MQTT_PUBLIC_URL"):
        given = environment.get(name)
        if given and urlsplit(given).scheme not in ("mqtt", "mqtts"):
            raise BadSetting(f"{name} is “{given}”: give mqtts://host:port.")
    return FleetSettings(
        authority=path(environment.get("EDGEWISE_AUTHORITY")) or home / "authority",
        trust=path(environment.get("EDGEWISE_TRUST")) or home / "trust",
        target_keys=path(environment.get("EDGEWISE_TARGET_KEYS")) or home / "target-keys",
        root_key=environment.get("EDGEWISE_TARGETS_ROOT_KEY") or None,
        online_key=environment.get("EDGEWISE_TARGETS_ONLINE_KEY") or None,
        key_pin=environment.get("EDGEWISE_TARGETS_PIN") or None,
        broker=broker,
        mqtt_url=url,
        mqtt_public_url=environment.get("EDGEWISE_MQTT_PUBLIC_URL") or None,
        mqtt_port=number(environment, "EDGEWISE_MQTT_PORT", 0, 0, 65535),
        certificate_days=number(environment, "EDGEWISE_DEVICE_CERTIFICATE_DAYS", 30, 1, 3650),
    )
