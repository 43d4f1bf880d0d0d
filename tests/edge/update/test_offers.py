"""Which offers are followed, and which are refused by what name."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import DeviceClock
from edge.protocol.signed import COMMAND, OFFER, signed
from edge.protocol.topics import Address
from edge.protocol.updates import Action, Offer, OfferedComponent, OfferedFile, Problem
from edge.update.events import OfferHeard, OfferRefused, OfferWithdrawn
from edge.update.fitting import misfit, window_wait
from edge.update.offers import Foreign, judged
from edge.update.record import Record

KEY = Ed25519PrivateKey.generate()
HERE = Address(UUID(int=1), UUID(int=2))
NOW = 1_900_000_000.0
FACTS = {
    "agent": "0.1.0", "architecture": "X86_64",
    "runtimes": {"onnxruntime": "1.23", "ai_edge_litert": None},
}  # fmt: skip
MODEL = OfferedComponent("MODEL", "m", "ONNX")
FILE = OfferedFile("m", "model.onnx", "sha256/x", "a" * 64, 1)


def clock() -> DeviceClock:
    made = DeviceClock(system=lambda: NOW, monotonic=lambda: 0.0)
    boot = UUID(int=3)
    told = {"tenant": str(HERE.tenant), "device": str(HERE.device), "boot_id": str(boot)}
    made.told({**told, "time": NOW}, HERE, boot)
    return made


def offer(**other: Any) -> Offer:
    made = Offer(
        HERE, uuid4(), uuid4(), 1, 8, Action.INSTALL, "b" * 64, (MODEL,), (FILE,), 0.99,
        NOW - 10, NOW + 10,
    )  # fmt: skip
    return replace(made, **other)


def body(one: Offer, key: Ed25519PrivateKey = KEY, kind: str = OFFER) -> dict[str, Any]:
    return {"statement": signed(kind, one.statement(), key)}


def found(given: dict[str, Any], record: Record | None = None) -> Any:
    return judged(
        given, KEY.public_key(), HERE, clock(), record or Record(counter=7),
        lambda one: misfit(one, FACTS, ""),
    )  # fmt: skip


def test_a_new_offer_and_the_very_same_again_are_followed() -> None:
    one = offer()
    heard = found(body(one))
    assert isinstance(heard, OfferHeard)
    assert heard.offer == one
    anew = replace(one, issued_at=NOW - 1)  # it is signed at the moment that it is asked for
    again = found(body(anew), Record(counter=8, seen=heard.digest))
    assert isinstance(again, OfferHeard)
    assert again.digest == heard.digest
    refused = found(body(replace(one, release="c" * 64)), Record(counter=8, seen=heard.digest))
    assert refused.problem is Problem.OLD_COUNTER


def test_none_is_withdrawn() -> None:
    assert found({"statement": None}) == OfferWithdrawn()


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"counter": 7}, Problem.OLD_COUNTER),
        ({"counter": 0}, Problem.OLD_COUNTER),
        ({"expires_at": NOW}, Problem.OFFER_EXPIRED),
        ({"issued_at": NOW + 1_000, "expires_at": NOW + 2_000}, Problem.OFFER_EXPIRED),
        ({"release": None}, Problem.INCOMPATIBLE),
        ({"files": (FILE, FILE)}, Problem.INCOMPATIBLE),
        ({"files": ()}, Problem.INCOMPATIBLE),
        ({"requires": {"architectures": ["AARCH64"]}}, Problem.INCOMPATIBLE),
        ({"requires": {"runtimes": ["litert"]}}, Problem.INCOMPATIBLE),
        ({"requires": {"min_agent": "0.10.0"}}, Problem.INCOMPATIBLE),
        ({"components": (OfferedComponent("MODEL", "m", "TFLITE"),)}, Problem.INCOMPATIBLE),
        ({"components": (OfferedComponent("FIRMWARE", "m"),)}, Problem.INCOMPATIBLE),
        ({"components": (OfferedComponent("MAGIC", "m"),)}, Problem.INCOMPATIBLE),
        (
            {"components": (OfferedComponent("CONFIGURATION", "m", None, {"a": 1}),)},
            Problem.INCOMPATIBLE,
        ),
    ],
)
def test_it_is_refused_by_name(other: dict[str, Any], problem: Problem) -> None:
    refused = found(body(offer(**other)))
    assert isinstance(refused, OfferRefused)
    assert (refused.problem, refused.binding) == (problem, True)


def test_another_key_or_kind_is_no_offer_of_ours_and_binds_nothing() -> None:
    for given in (body(offer(), Ed25519PrivateKey.generate()), body(offer(), kind=COMMAND)):
        refused = found(given)
        assert isinstance(refused, OfferRefused)
        assert (refused.problem, refused.binding) == (Problem.WRONG_SIGNATURE, False)


@pytest.mark.parametrize("statement", [7, "x", [], {}, {"payload": "x"}, {"payload": 7}])
def test_what_is_no_statement_is_only_counted(statement: object) -> None:
    with pytest.raises(Foreign):
        found({"statement": statement})


def test_an_offer_for_another_device_is_only_counted() -> None:
    with pytest.raises(Foreign):
        found(body(offer(address=Address(HERE.tenant, UUID(int=9)))))


@pytest.mark.parametrize(
    ("window", "hour", "offset", "waits"),
    [
        (None, 12.0, 0, 0.0),
        ((60, 120), 1.5, 0, 0.0),
        ((60, 120), 0.5, 0, 1_800.0),
        ((60, 120), 2.0, 0, 23 * 3_600.0),
        ((60, 120), 23.5, 120, 0.0),
        ((1_380, 60), 0.5, 0, 0.0),
        ((1_380, 60), 22.0, 0, 3_600.0),
        ((0, 0), 5.0, 0, 0.0),
    ],
)
def test_a_window_is_in_the_local_time_of_the_device(
    window: tuple[int, int] | None, hour: float, offset: int, waits: float
) -> None:
    midnight = NOW - NOW % 86_400
    assert window_wait(window, midnight + hour * 3_600, offset) == waits
