"""How every command runs: authorized, flagged, inside its cause, and again after a conflict.

A command that creates takes its id from the idempotency key, uuid5(tenant, mutation, key), and its
first event keeps a hash of the input: the same request again finds what it made before, and another
input under the same key is refused.
"""

import functools
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID, uuid4, uuid5

from application.platform import Platform
from application.ports.event_log import ConcurrentChange
from application.ports.tracing import After
from domain.aggregate import Aggregate
from domain.cause import Cause, acting
from domain.flag import Flag
from domain.principal import Principal, Role
from domain.refusal import Refusal, RefusalCode, invalid, not_found

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A", bound=Aggregate)

MOST_TRIES = 30
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Request:
    """One request of one principal. `id` correlates everything that follows from it; `cause` is
    the event that led to it, when the platform itself is asking; `act` what the caller calls
    what is asked for."""

    principal: Principal
    id: str = field(default_factory=lambda: str(uuid4()))
    idempotency_key: str | None = None
    cause: str | None = None
    act: str | None = None

    @property
    def tenant_id(self) -> UUID:
        return self.principal.tenant_id

    def new_id(self, mutation: str) -> UUID:
        """The id of the thing this request makes."""
        key = self.idempotency_key
        if key is None:
            return uuid4()
        if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
            raise invalid("idempotencyKey", f"Use 1 to {LONGEST_KEY} printable characters.")
        return uuid5(self.tenant_id, f"{mutation}:{key}")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was made or changed, and the position at which reads will show it."""

    id: UUID
    position: int


Command = Callable[Concatenate[Platform, Request, P], T]


def command(role: Role, flag: Flag | None = None) -> Callable[[Command[P, T]], Command[P, T]]:
    """Makes a function a command that needs a role, and a feature that is switched on."""

    def decorate(work: Command[P, T]) -> Command[P, T]:
        def run(platform: Platform, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> T:
            after = After(request.id, request.cause)
            with (
                acting(cause_of(request)),
                noting_refusals(platform, request, work, role, kwargs),
                platform.tracing.span(work.__name__, after),
            ):
                request.principal.require(role)
                if flag is not None:
                    require_flag(platform, request, flag)
                return retrying(lambda: work(platform, request, *args, **kwargs))

        functools.update_wrapper(run, work)
        return run

    return decorate


@contextmanager
def noting_refusals(
    platform: Platform,
    request: Request,
    work: Callable[..., Any],
    needed: Role,
    inputs: Mapping[str, Any],
) -> Iterator[None]:
    """Has it recorded where a principal is refused what only an owner or the operator may do."""
    try:
        yield
    except Refusal as refusal:
        if refusal.code is RefusalCode.FORBIDDEN and needed is Role.OWNER:
            target = next((each for each in inputs.values() if isinstance(each, UUID)), None)
            platform.refused_acts.note(
                request.principal, request.act or work.__name__, request.id, target
            )
        raise


def cause_of(request: Request) -> Cause:
    """The cause of the events that this request leads to."""
    causation = request.cause or f"request:{request.id}"
    return Cause(request.tenant_id, request.principal.actor, causation, request.id)


def require_flag(platform: Platform, request: Request, flag: Flag) -> None:
    if not platform.flags.enabled(flag, request.tenant_id):
        raise Refusal(
            RefusalCode.FEATURE_DISABLED,
            f"The feature {flag} is switched off here. Ask the operator to switch it on.",
        )


def retrying(work: Callable[[], T]) -> T:
    """Decides again after each concurrent change, with growing pauses; then gives up."""
    for tried in range(MOST_TRIES):
        try:
            return work()
        except ConcurrentChange:
            time.sleep(random.uniform(0, min(0.002 * 2**tried, 0.1)))
    raise Refusal(
        RefusalCode.CONFLICT,
        "Others keep changing the same thing. Try again in a moment.",
    )


def hash_of(**inputs: Any) -> str:
    """A stable hash of a creating command's input."""
    text = json.dumps(inputs, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def made_before(platform: Platform, aggregate_class: type[A], id: UUID, hashed: str) -> A | None:
    """What an earlier request with the same idempotency key made, if any."""
    made = platform.log.find(aggregate_class, id)
    if made is not None and made.request_hash != hashed:
        raise Refusal(
            RefusalCode.IDEMPOTENCY_MISMATCH,
            "This idempotency key was used before with another input. Use a new key.",
            "idempotencyKey",
        )
    return made


def create_once(
    platform: Platform,
    aggregate_class: type[A],
    id: UUID,
    hashed: str,
    make: Callable[[], tuple[Aggregate, ...]],
) -> Receipt:
    """Makes a thing and what is saved with it, unless an earlier request with the same
    idempotency key did."""
    made = made_before(platform, aggregate_class, id, hashed)
    aggregates = make() if made is None else (made,)
    return Receipt(id, platform.log.save(*aggregates))


def load(platform: Platform, aggregate_class: type[A], id: UUID, what: str, field: str = "id") -> A:
    """The aggregate, or NOT_FOUND."""
    found = platform.log.find(aggregate_class, id)
    if found is None:
        raise not_found(what, field)
    return found
