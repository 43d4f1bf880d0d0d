"""TLS towards a broker, with a key and certificate that exist in memory alone."""

import os
import ssl
import tempfile

from application.ports.certificates import KeyAndCertificate


def client_context(authorities: str, own: KeyAndCertificate) -> ssl.SSLContext:
    """Trusts these authorities (PEM) alone, checks the broker's name, and shows `own`."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cadata=authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The library takes them from a file only.
    descriptor, path = tempfile.mkstemp(prefix="edgewise-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(own.key + own.certificate)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
    return context
