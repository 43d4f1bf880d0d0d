"""How many devices each wave has, and who is in which.

A share is of all devices that are meant, each wave's by itself, as in the phases of Mender
(docs.mender.io, "Phased rollout"): 10 %, 30 % and the rest are three waves of 10 %, 30 % and 60 %.
It is not cumulative as the weights of a canary in Kubernetes are, and not of what remains, as in
hawkBit's groups. It is rounded up, so that a small fleet has a canary too; the last wave has what
is left, which may be nothing.

Who is in which wave is drawn by sha256(rollout id, device id): every rollout draws anew, so that it
is not always the same devices that go first, and whoever draws again draws the same.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from uuid import UUID

from domain.rollout_plan import Wave


def wave_sizes(waves: Sequence[Wave], devices: int) -> tuple[int, ...]:
    """One number for each wave; they sum up to `devices`."""
    sizes, left = [], devices
    for wave in waves[:-1]:
        wanted = wave.count if wave.share is None else _share(wave.share, devices)
        sizes.append(min(wanted or 0, left))
        left -= sizes[-1]
    return (*sizes, left)


def draw_waves(
    rollout_id: UUID, device_ids: Iterable[UUID], sizes: Sequence[int]
) -> tuple[tuple[UUID, ...], ...]:
    """The devices of each wave. Raises ValueError where `sizes` do not sum up to their number."""
    drawn = sorted(set(device_ids), key=lambda id: _lot(rollout_id, id))
    if sum(sizes) != len(drawn):
        raise ValueError(f"{sum(sizes)} places in the waves for {len(drawn)} devices")
    waves, begin = [], 0
    for size in sizes:
        waves.append(tuple(drawn[begin : begin + size]))
        begin += size
    return tuple(waves)


def members_digest(device_ids: Iterable[UUID]) -> str:
    """sha256 of `members_list`, hexadecimal: the same for the same devices in any order."""
    return hashlib.sha256(members_list(device_ids)).hexdigest()


def members_list(device_ids: Iterable[UUID]) -> bytes:
    """The sorted ids, each once and on a line of its own."""
    return "".join(f"{id}\n" for id in sorted(set(device_ids), key=str)).encode()


def _lot(rollout_id: UUID, device_id: UUID) -> bytes:
    return hashlib.sha256(rollout_id.bytes + device_id.bytes).digest()


def _share(share: float, devices: int) -> int:
    """What is a whole number but for the rounding of floating point is that number."""
    return math.ceil(round(share * devices, 6))
