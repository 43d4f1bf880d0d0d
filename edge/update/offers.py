"""Whether an offer is to be followed. No I/O: what is remembered is given.

In this order: signed by the platform's key, for this device, an offer that this agent knows, with a
counter above the highest seen (or the very same offer again), not expired by the corrected clock,
and fitting this device. What is not signed, or not for this device, counts for nothing: it is told
by name, and never changes what is under way.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from edge.clock import DeviceClock
from edge.protocol.signed import OFFER, NotSigned, PublicKey, opened
from edge.protocol.topics import Address
from edge.protocol.updates import BadUpdate, Offer, Problem
from edge.update.events import OfferHeard, OfferRefused, OfferWithdrawn
from edge.update.record import Record

EARLY = 300.0
"""Seconds that an offer may be issued after our idea of now, when that is sure."""

Misfit = Callable[[Offer], str | None]


class Foreign(ValueError):
    """Not for this device, or nothing that could be answered: only counted."""


def judged(
    body: Mapping[str, Any],
    key: PublicKey,
    address: Address,
    clock: DeviceClock,
    record: Record,
    misfit: Misfit,
    other: str | None = None,
) -> OfferHeard | OfferRefused | OfferWithdrawn:
    """`other`: the release in the slot that does not run. Raises Foreign."""
    envelope = body.get("statement")
    if envelope is None:
        return OfferWithdrawn()
    try:
        statement = opened(OFFER, envelope, key)
    except NotSigned as error:
        return _unsigned(envelope, address, str(error))
    except AttributeError:
        raise Foreign("this is no signed statement") from None
    update, attempt, counter = _named(statement, address)
    digest = _digest(statement)

    def refused(problem: Problem, why: str) -> OfferRefused:
        return OfferRefused(update, attempt, counter, problem, why, digest)

    if counter <= record.counter and digest != record.seen:
        why = f"its counter is {counter}, and {record.counter} was seen before"
        return refused(Problem.OLD_COUNTER, why)
    try:
        offer = Offer.of(statement)
    except BadUpdate as error:
        return refused(Problem.INCOMPATIBLE, str(error))
    clock.passed(offer.issued_at)
    if offer.expires_at <= clock.now():
        return refused(Problem.OFFER_EXPIRED, "it has expired")
    if clock.sure and offer.issued_at > clock.now() + EARLY:
        return refused(Problem.OFFER_EXPIRED, "it was issued in the future")
    if unfit := misfit(offer):
        return refused(Problem.INCOMPATIBLE, unfit)
    return OfferHeard(offer, digest, other)


def _digest(statement: Mapping[str, Any]) -> str:
    """The same for the same offer, which the platform signs anew each time it is asked."""
    lasting = {name: one for name, one in statement.items() if name != "issued_at"}
    return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()


def _named(statement: Mapping[str, Any], address: Address) -> tuple[UUID, int, int]:
    try:
        meant = Address(UUID(statement["tenant"]), UUID(statement["device"]))
        update = UUID(statement["update"])
        attempt, counter = statement["attempt"], statement["counter"]
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Foreign("a statement that names no device and update") from None
    if meant != address:
        raise Foreign("an offer for another device")
    if any(type(one) is not int or not 0 <= one < 2**53 for one in (attempt, counter)):
        raise Foreign("a statement that names no attempt and counter")
    return update, attempt, counter


def _unsigned(envelope: Any, address: Address, why: str) -> OfferRefused:
    """By name where it names this device; its counter binds nothing."""
    try:
        statement = json.loads(base64.b64decode(envelope["payload"]))
        update, attempt, counter = _named(statement, address)
    except (Foreign, KeyError, ValueError, TypeError, RecursionError):
        raise Foreign(why) from None
    return OfferRefused(update, attempt, counter, Problem.WRONG_SIGNATURE, why, binding=False)
