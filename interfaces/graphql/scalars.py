"""Scalars beyond GraphQL's own: numbers of bytes, and positions in the log."""

from typing import NewType

import strawberry
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types.scalar import ScalarDefinition

BigInt = NewType("BigInt", int)

LARGEST = 2**53


def _parse(value: object) -> BigInt:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise StrawberryInputCoercionError(
            "BigInt cannot represent this value. Give a whole number from -2^53 to 2^53."
        )
    return BigInt(value)


BIG_INT: ScalarDefinition = strawberry.scalar(
    name="BigInt",
    description="A whole number as a JSON number, from -2^53 to 2^53: bytes and positions.",
    serialize=int,
    parse_value=_parse,
)
