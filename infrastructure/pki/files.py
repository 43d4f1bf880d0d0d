"""The authority in a folder: `devices.pem`, `platform.pem` (each a private key and its certificate)
and `statements.pem` (a private key).

Each is one file, so that a key and its certificate never come apart. What is missing is made; what
is there is used, so an authority of one's own is put there before the first start:
`cat ca.key ca.crt > devices.pem`.
"""

from pathlib import Path

from infrastructure.event_store.signing_key import BadKeyFile, signing_key
from infrastructure.pki.authority import Authority
from infrastructure.pki.memory import DEVICES, PLATFORM
from infrastructure.pki.root import BadRoot, Root
from infrastructure.private_file import made_once


class BadAuthority(ValueError):
    """A file of the authority cannot be used; the text names it and says why."""


def file_authority(folder: Path) -> Authority:
    """Raises BadAuthority."""
    try:
        return Authority(
            _root(folder / "devices.pem", DEVICES),
            _root(folder / "platform.pem", PLATFORM),
            signing_key(folder / "statements.pem", make=True),
        )
    except (BadKeyFile, OSError) as error:
        raise BadAuthority(str(error)) from error


def _root(path: Path, name: str) -> Root:
    try:
        return Root.read(made_once(path, lambda: Root.new(name).pem))
    except BadRoot as error:
        raise BadAuthority(f"{path}: {error}.") from error
