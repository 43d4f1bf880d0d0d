"""What a device asks to have signed: a PKCS #10 request (RFC 2986). Only its key is taken."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from domain.refusal import Refusal, invalid

MOST_BYTES = 16_384


def key_of_request(pem: bytes) -> EllipticCurvePublicKey:
    """The key, which the request proves to hold. Raises Refusal(INVALID, "csr")."""
    if len(pem) > MOST_BYTES:
        raise _refused(f"The signing request has {len(pem):,} bytes; {MOST_BYTES:,} is the most.")
    try:
        request = x509.load_pem_x509_csr(pem)
        key, proven = request.public_key(), request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _refused("This is no signing request (PKCS #10) in PEM.") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise _refused("The signing request is for another kind of key: make a P-256 one.")
    if not proven:
        raise _refused("The signing request is not signed by its own key: make a new one.")
    return key


def _refused(message: str) -> Refusal:
    return invalid("csr", message)
