"""TLS on a device whose clock may be wrong.

OpenSSL's own check of times is off (X509_V_FLAG_NO_CHECK_TIME); chain, purpose and name are checked
as always. After the handshake, and before anything is sent, the server's certificate is held
against the device's own clock (`edge.clock`): its end against the floor, below which it cannot be,
and its beginning where the platform has signed the time in this run.
"""

import ssl
from pathlib import Path

from cryptography import x509

from edge.clock import DeviceClock

NO_CHECK_TIME = 0x200000


class WrongTime(ssl.SSLCertVerificationError):
    """The server's certificate does not hold now."""


def context(
    clock: DeviceClock,
    authorities: str | None,
    client: tuple[Path, Path] | None = None,
    system_too: bool = False,
) -> ssl.SSLContext:
    """Trusts `authorities` (PEM), and the system's where there are none or `system_too`; `client`
    is certificate and key. Raises ssl.SSLError, OSError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.verify_flags = ssl.VerifyFlags(made.verify_flags | NO_CHECK_TIME)
    if authorities:
        made.load_verify_locations(cadata=authorities)
    if system_too or not authorities:
        made.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if client is not None:
        made.load_cert_chain(*client)
    made.sslsocket_class = _checked(clock)
    return made


def _checked(clock: DeviceClock) -> type[ssl.SSLSocket]:
    class Checked(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            der = self.getpeercert(binary_form=True)
            if der is not None:
                judge(x509.load_der_x509_certificate(der), clock)

    return Checked


def judge(certificate: x509.Certificate, clock: DeviceClock) -> None:
    """Raises WrongTime."""
    end = certificate.not_valid_after_utc
    known = clock.now() if clock.sure else clock.floor
    if end.timestamp() < known:
        raise WrongTime(f"the server's certificate ended on {end:%Y-%m-%d}")
    begin = certificate.not_valid_before_utc
    if clock.sure and begin.timestamp() > clock.now():
        raise WrongTime(f"the server's certificate begins only on {begin:%Y-%m-%d}")
