"""The first words with a broker: one CONNECT of MQTT 3.1.1 with a clean session, and goodbye."""

import socket
import ssl

from infrastructure.mqtt.address import BrokerAddress

ACCEPTED = 0


class NoAnswer(Exception):
    """There is no broker, or none that speaks MQTT; the text says what came instead."""


class NotLetIn(Exception):
    """The broker does not take the certificate."""


def say_hello(
    address: BrokerAddress,
    client_id: str,
    tls: ssl.SSLContext | None = None,
    within: float = 5.0,
) -> int:
    """The broker's return code (MQTT 3.1.1, 3.2.2.3); 0 lets the client in. A session that has
    this client id is taken over by ours, and ends with it. Raises NoAnswer and NotLetIn."""
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x0a" + len(name).to_bytes(2, "big") + name
    try:
        with socket.create_connection((address.host, address.port), timeout=within) as plain:
            connection = tls.wrap_socket(plain, server_hostname=address.host) if tls else plain
            with connection:
                # With TLS 1.3 the broker judges the certificate after our handshake is over.
                connection.sendall(bytes([0x10, len(body)]) + body)
                answer = connection.recv(4)
                if tls is not None and not answer:
                    raise NotLetIn("the broker ended the connection")
                if len(answer) < 4 or answer[0] != 0x20:
                    raise NoAnswer(f"no broker: it answered {answer!r}")
                connection.sendall(b"\xe0\x00")  # DISCONNECT
                return answer[3]
    except ssl.SSLCertVerificationError as error:
        raise NoAnswer(f"the certificate is not the broker's: {error.verify_message}") from error
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError) as error:
        if tls is None:
            raise NoAnswer(str(error)) from error
        raise NotLetIn(str(error)) from error
    except OSError as error:
        raise NoAnswer(str(error)) from error
