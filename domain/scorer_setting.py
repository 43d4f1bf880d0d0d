"""What can be set of a scorer: a dataclass whose fields are annotated with a rule each.

A word (StrEnum), a text, a number or a list of texts. A value that cannot be is a ValueError that
begins with the field as the API spells it, then the rule and the remedy.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_type_hints

LONGEST_TEXT = 200
MOST_WORDS = 10_000
AT = "scorer.settings"

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a setting does, in words; of a number the `least` and `most` that it may be."""

    what: str
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class SettingFact:
    """A setting as people are told of it; `choices` of one that takes a word."""

    name: str
    type: str
    default: Any
    what: str
    choices: tuple[str, ...] = ()


def facts_of(settings: type) -> tuple[SettingFact, ...]:
    """What can be set, in the order of the class."""
    types = get_type_hints(settings, include_extras=True)
    return tuple(
        _fact(one.name, one.default, *get_args(types[one.name])) for one in fields(settings)
    )


def parsed(settings: type[S], given: Mapping[str, Any]) -> S:
    """The settings with what is given, the rest at their defaults. Raises ValueError."""
    types = get_type_hints(settings, include_extras=True)
    for name in given:
        if name not in types:
            known = ", ".join(types)
            raise ValueError(f"{AT}.{name}: there is no such setting. There are: {known}.")
    return settings(
        **{
            name: _value(f"{AT}.{name}", value, *get_args(types[name]))
            for name, value in given.items()
        }
    )


def can_be_kept(text: str) -> bool:
    """Whether it is a text that every store holds: no NUL, no half of a character."""
    return not any(one == "\0" or "\ud800" <= one <= "\udfff" for one in text)


def _fact(name: str, default: Any, wanted: Any, rule: Rule) -> SettingFact:
    if _is_word(wanted):
        return SettingFact(name, "word", str(default), rule.what, tuple(map(str, wanted)))
    if wanted in (str, int, float):
        return SettingFact(name, wanted.__name__, default, rule.what)
    return SettingFact(name, "list of str", list(default), rule.what)


def _value(at: str, value: Any, wanted: Any, rule: Rule) -> Any:
    if _is_word(wanted):
        return _word(at, value, wanted)
    if wanted is str:
        return _text(at, value)
    if wanted in (int, float):
        return _number(at, value, wanted, rule)
    return _list(at, value)


def _is_word(wanted: Any) -> bool:
    return isinstance(wanted, type) and issubclass(wanted, StrEnum)


def _word(at: str, value: Any, wanted: type[StrEnum]) -> StrEnum:
    if not isinstance(value, str) or value.upper() not in tuple(wanted):
        raise ValueError(f"{at}: give one of {', '.join(wanted)}, not {str(value)[:80]!r}.")
    return wanted(value.upper())


def _text(at: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not can_be_kept(value):
        raise ValueError(f"{at}: give a text of {LONGEST_TEXT} characters at most.")
    return value


def _number(at: str, value: Any, wanted: type[int | float], rule: Rule) -> int | float:
    right = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    right = right and (wanted is float or value == int(value))
    above = right and (rule.least is None or value >= rule.least)
    if not (above and (rule.most is None or value <= rule.most)):
        kind = "a whole number" if wanted is int else "a number"
        bounds = f" of {rule.least:g} or more" if rule.least is not None else ""
        bounds += f", {rule.most:g} at most" if rule.most is not None else ""
        raise ValueError(f"{at}: give {kind}{bounds}, not {str(value)[:80]!r}.")
    return wanted(value)


def _list(at: str, value: Any) -> tuple[str, ...]:
    """A text stands for the list of its characters."""
    told = tuple(value) if isinstance(value, str | list | tuple) else ()
    right = all(isinstance(one, str) and can_be_kept(one) for one in told)
    if not told or len(told) > MOST_WORDS or not right:
        raise ValueError(f"{at}: give a list of 1 to {MOST_WORDS:,} texts, or one text.")
    return told
