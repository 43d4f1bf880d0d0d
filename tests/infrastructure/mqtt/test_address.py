"""URLs of brokers."""

import pytest

from infrastructure.mqtt.address import BadBrokerUrl, BrokerAddress


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://127.0.0.1", BrokerAddress("127.0.0.1", 1883, tls=False)),
        ("mqtts://broker.example.org", BrokerAddress("broker.example.org", 8883, tls=True)),
        ("mqtts://broker:18883/", BrokerAddress("broker", 18883, tls=True)),
        ("mqtts://[::1]:8884", BrokerAddress("::1", 8884, tls=True)),
    ],
)
def test_a_url_names_host_port_and_tls(url: str, address: BrokerAddress) -> None:
    assert BrokerAddress.parse(url) == address
    assert BrokerAddress.parse(address.url) == address


@pytest.mark.parametrize(
    "url",
    ["", "broker:8883", "http://broker", "mqtts://", "mqtts://b:99999", "mqtts://b:x",
     "mqtts://b/topic", "mqtts://user:secret@b", "mqtts://b?x=1", "mqtts://[::1"],
)  # fmt: skip
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(BadBrokerUrl):
        BrokerAddress.parse(url)
