"""Commands on claims. A code is 20 characters of Crockford's base 32 (100 random bits) in groups;
only its sha256 is kept. With an idempotency key a repeated issue cannot show the codes again.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from application.commands.command import Receipt, Request, command, hash_of, load, made_before
from application.commands.device_profile import hardware_of
from application.platform import Platform
from domain.device_claim import LONGEST, MOST_AT_ONCE, DeviceClaim
from domain.device_description import checked_group, checked_labels
from domain.principal import Role
from domain.refusal import invalid

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})
GROUPS, GROUP = 4, 5


@dataclass(frozen=True, slots=True)
class IssuedClaim:
    """A claim, and its code where it was made just now."""

    id: UUID
    code: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedClaims:
    claims: tuple[IssuedClaim, ...]
    position: int


def new_code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


def hash_code(code: str) -> str:
    """sha256, hexadecimal, of the code as it was meant: O is 0, I and L are 1, dashes are air."""
    return hashlib.sha256(code.upper().translate(_READ_AS).encode()).hexdigest()


@command(Role.OPERATOR)
def issue_device_claims(
    platform: Platform,
    request: Request,
    *,
    count: int,
    lifetime: timedelta,
    labels: Mapping[str, str],
    group: str | None,
    profile_id: UUID | None,
) -> IssuedClaims:
    """Claims for so many devices, all alike."""
    if not 1 <= count <= MOST_AT_ONCE:
        raise invalid("count", f"Give a number from 1 to {MOST_AT_ONCE:,}.")
    if not timedelta(minutes=1) <= lifetime <= LONGEST:
        raise invalid("expiresIn", f"Give a time from 1 minute to {LONGEST.days} days, in seconds.")
    labels, group = checked_labels(labels), checked_group(group)
    if profile_id is not None:
        hardware_of(platform, profile_id)
    first, expires_at = request.new_id("deviceClaimsIssue"), platform.now() + lifetime
    hashed = hash_of(count=count, lifetime=lifetime, labels=labels, group=group, profile=profile_id)
    made = made_before(platform, DeviceClaim, uuid5(first, "0"), hashed)
    ids = [uuid5(first, str(number)) for number in range(count)]
    if made is not None:
        claims = tuple(IssuedClaim(id, None, made.expires_at) for id in ids)
        return IssuedClaims(claims, platform.log.save(made))
    codes = [new_code() for _ in ids]
    issued = [
        DeviceClaim.issue(id, hash_code(code), expires_at, labels, group, profile_id, hashed)
        for id, code in zip(ids, codes, strict=True)
    ]
    position = platform.log.save(*issued)
    shown = zip(ids, codes, strict=True)
    return IssuedClaims(tuple(IssuedClaim(id, code, expires_at) for id, code in shown), position)


@command(Role.OPERATOR)
def withdraw_device_claim(platform: Platform, request: Request, *, claim_id: UUID) -> Receipt:
    claim = load(platform, DeviceClaim, claim_id, "device claim")
    claim.withdraw()
    return Receipt(claim_id, platform.log.save(claim))
