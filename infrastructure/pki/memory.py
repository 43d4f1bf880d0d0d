"""An authority that lasts as long as its process."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infrastructure.pki.authority import Authority
from infrastructure.pki.root import Root

DEVICES, PLATFORM = "Edgewise devices", "Edgewise platform"


def memory_authority() -> Authority:
    """A new one."""
    return Authority(Root.new(DEVICES), Root.new(PLATFORM), Ed25519PrivateKey.generate())
