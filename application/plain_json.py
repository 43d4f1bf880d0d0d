"""Between typed values and plain JSON, by the types' own annotations."""

from typing import Any, TypeVar
from uuid import UUID

from cattrs import Converter
from cattrs.preconf.orjson import make_converter

T = TypeVar("T")


def _converter() -> Converter:
    converter = make_converter()
    converter.register_unstructure_hook(UUID, str)
    converter.register_structure_hook(
        UUID, lambda value, _: value if isinstance(value, UUID) else UUID(value)
    )
    return converter


CONVERTER: Converter = _converter()


def to_json(value: Any) -> Any:
    """Dictionaries, lists and scalars that JSON can hold."""
    return CONVERTER.unstructure(value)


def from_json(data: Any, wanted: type[T]) -> T:
    """The typed value. Raises cattrs' BaseValidationError when the data does not fit."""
    return CONVERTER.structure(data, wanted)
