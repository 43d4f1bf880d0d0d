"""Private keys by their URIs, as securesystemslib names them: what each scheme needs to give its
public key, and what went wrong in words.

`file2:PATH` (PEM, PKCS #8), `hsm:KEYID?label=TOKEN` (PKCS #11), `awskms:`, `gcpkms:` and `hv:`
(HashiCorp Vault), each of which wants its library: docs/trust.md.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.exceptions import UnsupportedLibraryError
from securesystemslib.signer import (
    AWSSigner,
    CryptoSigner,
    GCPSigner,
    HSMSigner,
    Key,
    Signer,
    SSlibKey,
    VaultSigner,
)

from domain.refusal import Refusal, RefusalCode, invalid

Secrets = Callable[[str], str]
"""Answers what a signer asks for by its name, such as the `pin` of an HSM."""

SCHEMES = ("file2", "hsm", "awskms", "gcpkms", "hv")


def public_key(uri: str, secrets: Secrets) -> tuple[str, Key]:
    """The URI as it is to be kept, and the key's public half. Raises Refusal(INVALID or
    UNAVAILABLE)."""
    scheme, _, rest = uri.partition(":")
    if scheme not in SCHEMES:
        raise invalid("uri", f"A key is named by {', '.join(f'{one}:' for one in SCHEMES)}: {uri}.")
    with _in_words(uri):
        if scheme == CryptoSigner.SCHEME:
            private = load_pem_private_key(Path(rest).read_bytes(), password=None)
            return uri, SSlibKey.from_crypto(private.public_key())
        if scheme == HSMSigner.SCHEME:
            parts = urlsplit(uri)
            label = dict(parse_qsl(parts.query)).get("label")
            return HSMSigner.import_(int(parts.path) if parts.path else None, label, secrets)
        if scheme == AWSSigner.SCHEME:
            return AWSSigner.import_(rest)
        if scheme == GCPSigner.SCHEME:
            return GCPSigner.import_(rest)
        return VaultSigner.import_(rest.partition("/")[0])


def signer_of(uri: str, key: Key, secrets: Secrets) -> Signer:
    """Raises Refusal(UNAVAILABLE)."""
    with _in_words(uri):
        return Signer.from_priv_key_uri(uri, key, secrets)


@contextmanager
def _in_words(uri: str) -> Iterator[None]:
    try:
        yield
    except Refusal:
        raise
    except UnsupportedLibraryError as error:
        raise unavailable(f"{uri}: {error}; install it beside edgewise") from error
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise unavailable(f"{uri}: {error}") from error
    except Exception as error:  # the libraries of devices and services have their own
        raise unavailable(f"{uri}: {type(error).__name__}: {error}") from error


def unavailable(why: str) -> Refusal:
    return Refusal(RefusalCode.UNAVAILABLE, f"A key that signs targets cannot be used: {why}.")
