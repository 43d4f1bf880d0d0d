"""Keys by documents in a folder: a tenant has its own, and in it a document for each key that it
ever had, `root-1.json` or `online-2.json`.

A document says the public key and the URI of the private one, which for a key of ours is
`file2:online-2.pem` beside it, of mode 0600. The highest number is the one in use; older ones are
needed until every root that names them is replaced. Documents are made once and never changed, so
several processes may share the folder.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from securesystemslib.signer import CryptoSigner, Key, Signer

from infrastructure.private_file import made_once
from infrastructure.tuf.key_uris import Secrets, public_key, signer_of, unavailable
from infrastructure.tuf.keys import KeyUse


@dataclass(frozen=True, slots=True)
class _Document:
    uri: str
    key: Key

    @classmethod
    def read(cls, file: Path) -> "_Document":
        try:
            given = json.loads(file.read_bytes())
            return cls(given["uri"], Key.from_dict(given["keyid"], given["key"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise unavailable(f"{file} cannot be read: {error}") from error

    @property
    def content(self) -> bytes:
        document = {"uri": self.uri, "keyid": self.key.keyid, "key": self.key.to_dict()}
        return json.dumps(document, indent=1).encode()


class FileKeys:
    """Implements KeyStore. `first` says where a tenant's first keys are, by their URIs, in which
    {tenant} stands for its id; where it says nothing they are made in files. `secrets` gives the
    PIN of an HSM."""

    def __init__(
        self,
        folder: Path,
        first: Mapping[KeyUse, str],
        secrets: Secrets,
    ) -> None:
        self._folder, self._first, self._secrets = folder, first, secrets

    def current(self, tenant_id: UUID, use: KeyUse) -> Signer:
        documents = self._documents(tenant_id, use)
        if not documents:
            return self._add(tenant_id, use, 1, self._first.get(use))
        return self._signer(tenant_id, documents[max(documents)])

    def next(self, tenant_id: UUID, use: KeyUse, uri: str | None) -> Signer:
        number = max(self._documents(tenant_id, use), default=0) + 1
        return self._add(tenant_id, use, number, uri)

    def signer(self, tenant_id: UUID, key_id: str) -> Signer:
        for document in self._all(tenant_id):
            if document.key.keyid == key_id:
                return self._signer(tenant_id, document)
        raise unavailable(
            f"the key {key_id} is not in {self._folder / str(tenant_id)}: give all processes the "
            "same folder (EDGEWISE_TARGET_KEYS), or restore it from its backup"
        )

    def places(self, tenant_id: UUID) -> dict[str, str]:
        return {one.key.keyid: one.uri for one in self._all(tenant_id)}

    def _all(self, tenant_id: UUID) -> list[_Document]:
        return [one for use in KeyUse for one in self._documents(tenant_id, use).values()]

    def _documents(self, tenant_id: UUID, use: KeyUse) -> dict[int, _Document]:
        found = (self._folder / str(tenant_id)).glob(f"{use}-*.json")
        return {int(file.stem.rpartition("-")[2]): _Document.read(file) for file in found}

    def _add(self, tenant_id: UUID, use: KeyUse, number: int, uri: str | None) -> Signer:
        """Two processes that add the same number agree on one key."""
        folder, name = self._folder / str(tenant_id), f"{use}-{number}"
        if uri is None:
            uri = f"{CryptoSigner.SCHEME}:{name}.pem"
            with _kept_in(folder):
                made_once(folder / f"{name}.pem", _new_key)
        uri = uri.replace("{tenant}", str(tenant_id))
        placed = self._placed(tenant_id, uri)
        found, key = public_key(placed, self._secrets)
        document = _Document(uri if found == placed else found, key)
        with _kept_in(folder):
            made_once(folder / f"{name}.json", lambda: document.content)
        return self._signer(tenant_id, _Document.read(folder / f"{name}.json"))

    def _signer(self, tenant_id: UUID, document: _Document) -> Signer:
        uri = self._placed(tenant_id, document.uri)
        return signer_of(uri, document.key, self._secrets)

    def _placed(self, tenant_id: UUID, uri: str) -> str:
        """With the whole path, where it is a file beside the document."""
        scheme, _, path = uri.partition(":")
        if scheme != CryptoSigner.SCHEME or Path(path).is_absolute():
            return uri
        return f"{scheme}:{self._folder / str(tenant_id) / path}"


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unavailable(f"{folder} cannot be written: {error.strerror or error}") from error


def _new_key() -> bytes:
    return CryptoSigner.generate_ed25519().private_bytes
