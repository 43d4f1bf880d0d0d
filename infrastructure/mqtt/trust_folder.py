"""What a broker reads to know whom to trust, published by the platform into a folder:

- `devices-ca.pem` and `platform-ca.pem`: who signs for devices, and for the platform;
- `broker.pem`: the broker's own key and certificates, in one file so that they never come apart;
- `revoked.pem`: devices' certificates that hold no longer (X.509 CRL).

Each is replaced whole. The group may read them: a broker has another user than the platform.
"""

import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from application.ports.certificates import BrokerAuthority
from infrastructure.private_file import replace

RENEW_BEFORE = timedelta(days=180)
KEPT_FOR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)


class TrustFolder:
    """One folder, for one broker or several. Any number of processes may publish into it."""

    def __init__(self, folder: Path, authority: BrokerAuthority) -> None:
        self.folder, self._authority = folder, authority

    def publish(self, names: Sequence[str]) -> bool:
        """Makes what is missing, and a new certificate for the broker where its own ends soon, is
        of another authority, or lacks one of its names. Says whether anything changed."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        with self._turn():
            changed = [
                self._put("devices-ca.pem", self._authority.device_authorities()),
                self._put("platform-ca.pem", self._authority.authorities()),
            ]
            if changed[1] or not self._serves(names):
                made = self._authority.server_certificate(names)
                changed.append(self._put("broker.pem", made.key + made.certificate))
            if self._revoked() is None:
                changed.append(self._revoke(()))
        return any(changed)

    def revoke(self, serials: Iterable[int]) -> None:
        """From the broker's next look on these certificates are revoked. Others that were named
        within the last hour stay so: another process may know of them. Takes up to a second more
        where the list was replaced within this one: of two lists a broker goes by the later."""
        with self._turn():
            self._revoke(serials)

    def _revoke(self, serials: Iterable[int]) -> bool:
        now, known = datetime.now(UTC), self._revoked()
        if known is not None and now < known.last_update_utc + _SECOND:
            time.sleep((known.last_update_utc + _SECOND - now).total_seconds())
            now = max(datetime.now(UTC), known.last_update_utc + _SECOND)
        before = {one.serial_number: one.revocation_date_utc for one in known or ()}
        revoked = {serial: since for serial, since in before.items() if since > now - KEPT_FOR}
        revoked |= {serial: before.get(serial, now) for serial in serials}
        return self._put("revoked.pem", self._authority.revocation_list(revoked, now))

    def _revoked(self) -> x509.CertificateRevocationList | None:
        """The list that is published; None also where its time is yet to come (a clock was wrong),
        and where it is of another authority."""
        try:
            known = x509.load_pem_x509_crl((self.folder / "revoked.pem").read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        ours = x509.load_pem_x509_certificate(self._authority.device_authorities().encode())
        if known.last_update_utc > datetime.now(UTC) + _SECOND or known.issuer != ours.subject:
            return None
        key = ours.public_key()
        assert isinstance(key, EllipticCurvePublicKey)
        return known if known.is_signature_valid(key) else None

    def _serves(self, names: Sequence[str]) -> bool:
        try:
            own = x509.load_pem_x509_certificate((self.folder / "broker.pem").read_bytes())
            known = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (FileNotFoundError, ValueError, x509.ExtensionNotFound):
            return False
        said = {str(one) for one in known.get_values_for_type(x509.DNSName)}
        said |= {str(one) for one in known.get_values_for_type(x509.IPAddress)}
        return set(names) <= said and own.not_valid_after_utc - datetime.now(UTC) > RENEW_BEFORE

    def _put(self, name: str, content: str) -> bool:
        path, new = self.folder / name, content.encode()
        if path.exists() and path.read_bytes() == new:
            return False
        replace(path, new, mode=0o640)
        return True

    @contextmanager
    def _turn(self) -> Iterator[None]:
        descriptor = os.open(self.folder / ".turn", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
