"""Trusted documents: those that the installation's own clients send, known before they are sent.

A client names one by the sha256 of its text instead of sending it: `documentId` ("sha256:…", as in
GraphQL over HTTP), or Apollo's `extensions.persistedQuery`. With `only`, whatever is not trusted is
refused, by its text too; without, Apollo's clients may also teach a document by sending both.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import GraphQLError

from interfaces.trusted_documents import hash_of

NOT_FOUND, NOT_TRUSTED, MISMATCH = (
    "PERSISTED_QUERY_NOT_FOUND",
    "DOCUMENT_NOT_TRUSTED",
    "PERSISTED_QUERY_HASH_MISMATCH",
)
TAUGHT_CHARACTERS = 1_000_000


class Trusted:
    """The trusted documents, and those that clients have taught this process."""

    def __init__(self, texts: Iterable[str] = (), only: bool = False) -> None:
        self._texts = {hash_of(text): text for text in texts}
        self._only = only
        self._taught: OrderedDict[str, str] = OrderedDict()
        self._characters = 0

    def require(self, text: str) -> None:
        """Raises GraphQLError when only trusted documents are taken and this is none."""
        if self._only and hash_of(text) not in self._texts:
            raise _error(
                NOT_TRUSTED,
                "Only trusted documents are taken here. Send the `documentId` of one, or have the "
                "document added to EDGEWISE_DOCUMENTS_PATH.",
            )

    def named(self, body: Mapping[str, Any]) -> str | None:
        """The text of a request: its `query`, or the document that it names. None when it has
        neither. Raises GraphQLError."""
        text, id, apollo = body.get("query"), body.get("documentId"), _apollos(body)
        if id is None and apollo is None:
            return text if isinstance(text, str) else None
        digest = str(id).removeprefix("sha256:").lower() if id is not None else str(apollo)
        if isinstance(text, str) and text:
            if hash_of(text) != digest:
                raise _error(MISMATCH, "The sha256 that was sent is not that of the query.")
            self._teach(digest, text)
            return text
        found = self._texts.get(digest) or self._taught.get(digest)
        if found is None:
            # Apollo's clients go by this very message.
            raise _error(NOT_FOUND, "PersistedQueryNotFound")
        return found

    def _teach(self, digest: str, text: str) -> None:
        if self._only or digest in self._texts or len(text) > TAUGHT_CHARACTERS // 10:
            return
        if digest not in self._taught:
            self._characters += len(text)
        self._taught[digest] = text
        self._taught.move_to_end(digest)
        while self._characters > TAUGHT_CHARACTERS:
            _, oldest = self._taught.popitem(last=False)
            self._characters -= len(oldest)


def _apollos(body: Mapping[str, Any]) -> object | None:
    extensions = body.get("extensions")
    named = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    return named.get("sha256Hash") if isinstance(named, dict) else None


def _error(code: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})
