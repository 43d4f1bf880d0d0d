"""Joining: a claim code becomes a certificate for a key that was made here.

The key's file is there before anything is sent, and a repeated join finds it again: the same code
with the same key gives the same device (`edge.protocol.calls`), so an answer that got lost costs
nothing.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from edge.clock import DeviceClock
from edge.home import Home
from edge.identity.identity import Identity, NotJoined, load, store
from edge.identity.keys import kept_key, key_file, new_key, signing_request, unused_keys
from edge.link import tls
from edge.link.https import Answer, request
from edge.protocol.signed import key_id

REASONS = {
    401: "The code was not accepted.",
    403: "The code was not accepted.",
    404: "The code was not accepted. Is it whole, and is this the right server?",
    409: "The code was already used, by another device. Ask for a new one.",
    410: "The code has expired or was withdrawn. Ask for a new one.",
    429: "Too many tries. Wait a minute and try again.",
}

log = logging.getLogger(__name__)


class JoinRefused(RuntimeError):
    """One line for people."""


def join(
    home: Home,
    code: str,
    server: str,
    facts: Mapping[str, Any],
    authorities: str | None = None,
) -> Identity:
    """Raises JoinRefused, edge.link.https.Unreachable, HomeError. `authorities` (PEM): what to
    trust for this call beside the system's."""
    server, digest = server.rstrip("/"), hashlib.sha256(code.encode()).hexdigest()
    used = _used(home, digest)
    pending = unused_keys(home, None)
    kept = key_file(home, used) if used else pending[0] if pending else None
    key = kept_key(kept) if kept else new_key(home)
    body = {"code": code, "csr": signing_request(key), "facts": dict(facts)}
    answer = request(
        "POST",
        f"{server}/devices/join",
        lambda: tls.context(DeviceClock(), authorities, system_too=True),
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Accept": "application/json"},
    )
    identity = _identity(answer, server, digest, key_id(key.public_key()))
    store(home, identity)
    _pin(home, answer.document.get("trusted_root"))
    return identity


def _pin(home: Home, root: Any) -> None:
    """Where all trust in updates begins. A platform that sends none now is asked for it later; one
    that sends what is none is not believed in this, and joined all the same."""
    if root is None:
        return
    from edge.update.trust import Trust, Untrusted, from_nowhere

    try:
        Trust(home.trust, from_nowhere, DeviceClock().now).install_root(json.dumps(root).encode())
    except Untrusted as error:
        log.error("the root of trust that came with the join cannot be used: %s", error)


def _used(home: Home, digest: str) -> str | None:
    """The key of the join that this one repeats."""
    try:
        identity, _ = load(home)
    except NotJoined:
        return None
    if identity.code_digest != digest:
        raise JoinRefused(
            f"{home.path} already holds the device {identity.name} ({identity.device}). "
            "Use another --home for another device."
        )
    return identity.key


def _identity(answer: Answer, server: str, digest: str, key: str) -> Identity:
    if answer.status not in (200, 201):
        known = REASONS.get(answer.status)
        words = answer.said
        if known and words == f"it answered {answer.status}":
            raise JoinRefused(known)
        raise JoinRefused(f"{known or f'{server} refused the join:'} ({words})")
    given = answer.document
    try:
        identity = Identity(
            str(given["tenant"]),
            str(given["device"]),
            str(given["name"]),
            server,
            str(given["broker"]["url"]),
            str(given["certificate"]),
            str(given["authorities"]),
            str(given["statement_key"]),
            key,
            _seconds(given["server_time"]),
            digest,
        )
    except (KeyError, TypeError, ValueError):
        raise JoinRefused(f"{server} answered, but not as an Edgewise platform does.") from None
    if problem := identity.problem():
        raise JoinRefused(f"What {server} answered cannot be used: {problem}.")
    return identity


def _seconds(given: Any) -> float:
    if isinstance(given, str):
        given = datetime.fromisoformat(given).timestamp()
    seconds = float(given)
    if not 0 < seconds < 1e11:
        raise ValueError("no time in seconds since 1970")
    return seconds
