"""Twins: merge patches as RFC 7396 has them, what is left to do, and what no document may hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.refusal import Refusal, RefusalCode
from domain.twin import (
    MOST_BYTES,
    MOST_DEPTH,
    checked_document,
    checked_patch,
    delta,
    difference,
    merged,
    require_version,
)

NAMES = st.sampled_from(["a", "b", "c", "interval", "é", ""])
PLAIN = (
    st.booleans()
    | st.integers(-3, 3)
    | st.floats(-2, 2, allow_nan=False)
    | st.sampled_from(["", "x", "1", "true"])
)
WITHOUT_NULL: st.SearchStrategy[Any] = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, WITHOUT_NULL, max_size=4)
PATCHES = st.dictionaries(
    NAMES,
    st.recursive(
        PLAIN | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)

RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
"""The examples of RFC 7396, appendix A, of which target and patch are objects."""


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7396)
def test_a_patch_does_what_the_rfc_says(target: Any, patch: Any, result: Any) -> None:
    assert merged(target, patch) == result


def test_a_patch_leaves_what_it_was_applied_to_as_it_was() -> None:
    target = {"a": {"b": 1}}
    merged(target, {"a": {"b": 2, "c": 3}})
    assert target == {"a": {"b": 1}}


@given(DOCUMENTS, DOCUMENTS)
def test_the_difference_of_two_documents_leads_from_one_to_the_other(
    before: Any, after: Any
) -> None:
    assert as_text(merged(before, difference(before, after))) == as_text(after)


@given(DOCUMENTS, DOCUMENTS)
def test_there_is_no_difference_between_equal_documents_only(before: Any, after: Any) -> None:
    assert (difference(before, after) == {}) == (as_text(before) == as_text(after))


@given(DOCUMENTS, PATCHES)
def test_a_patch_applied_twice_is_a_patch_applied_once(document: Any, patch: Any) -> None:
    once = merged(document, patch)
    assert as_text(merged(once, patch)) == as_text(once)


@given(DOCUMENTS, PATCHES)
def test_no_member_is_null_after_a_patch(document: Any, patch: Any) -> None:
    assert not has_null_member(merged(document, patch))


@given(DOCUMENTS, DOCUMENTS)
def test_nothing_is_left_to_do_when_all_that_is_desired_is_reported(
    desired: Any, reported: Any
) -> None:
    assert (delta(desired, reported) == {}) == contained(desired, reported)


@given(DOCUMENTS, DOCUMENTS)
def test_a_device_that_takes_the_delta_over_has_nothing_left_to_do(
    desired: Any, reported: Any
) -> None:
    assert delta(desired, merged(reported, delta(desired, reported))) == {}


@given(DOCUMENTS, DOCUMENTS)
def test_the_delta_asks_for_nothing_that_is_not_desired(desired: Any, reported: Any) -> None:
    assert contained(delta(desired, reported), desired)


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (False, 0), ([True], [1]), ({"a": [0]}, {"a": [False]})]
)
def test_true_is_not_one_at_whatever_depth(one: Any, other: Any) -> None:
    assert difference({"x": one}, {"x": other}) != {}
    assert delta({"x": one}, {"x": other}) != {}


def test_one_and_one_point_zero_are_the_same_number() -> None:
    assert difference({"x": 1}, {"x": 1.0}) == {}


def test_what_a_device_reports_beyond_what_is_desired_is_its_own() -> None:
    assert delta({"a": {"b": 1}}, {"a": {"b": 1, "more": 2}, "other": 3}) == {}


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        float("-inf"),
        [float("nan")],
        {"deep": float("nan")},
        "\ud800",
        2**53 + 1,
        -(2**53) - 1,
        [2**60],
    ],
)
def test_what_json_or_javascript_cannot_say_is_refused_by_the_name_of_the_field(value: Any) -> None:
    with pytest.raises(Refusal) as refused:
        checked_document({"x": value}, "reported")
    assert (refused.value.code, refused.value.field) == (RefusalCode.INVALID, "reported")


def test_a_document_may_be_as_deep_and_as_large_as_is_said_and_no_more() -> None:
    assert checked_document(nested(MOST_DEPTH), "patch") == nested(MOST_DEPTH)
    with pytest.raises(Refusal) as deep:
        checked_document(nested(MOST_DEPTH + 1), "patch")
    assert deep.value.code is RefusalCode.INVALID
    fits = {"x": "é" * ((MOST_BYTES - len('{"x":""}')) // 2)}
    assert checked_document(fits, "patch") == fits
    with pytest.raises(Refusal) as large:
        checked_document({"x": fits["x"] + "é"}, "patch")
    assert large.value.code is RefusalCode.TOO_LARGE


@pytest.mark.parametrize("depth", [MOST_DEPTH + 1, 10_000, 200_000])
def test_a_patch_however_deep_is_refused_and_not_walked_to_its_end(depth: int) -> None:
    with pytest.raises(Refusal) as refused:
        checked_patch(nested(depth))
    assert (refused.value.code, refused.value.field) == (RefusalCode.INVALID, "patch")


def test_a_list_however_deep_is_refused_too() -> None:
    inner: list[Any] = []
    for _ in range(10_000):
        inner = [inner]
    with pytest.raises(Refusal):
        checked_patch({"x": inner})


def test_a_document_keeps_no_null_but_in_lists() -> None:
    assert checked_document({"a": None, "b": {"c": None}, "d": [None]}, "x") == {
        "b": {},
        "d": [None],
    }


def test_the_version_that_was_seen_must_be_the_present_one() -> None:
    require_version(3, 3)
    require_version(3, None)
    with pytest.raises(Refusal) as refused:
        require_version(3, 2)
    assert (refused.value.code, refused.value.field) == (RefusalCode.CONFLICT, "version")
    assert "version 3" in refused.value.message


def nested(depth: int) -> dict[str, Any]:
    """Objects in objects, so many in all."""
    document: dict[str, Any] = {}
    for _ in range(depth - 1):
        document = {"x": document}
    return document


def contained(part: Any, whole: Any) -> bool:
    """Said in another way than the code says it: by the text of JSON."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and contained(value, whole[name]) for name, value in part.items()
        )
    return not isinstance(whole, dict) and as_text(part) == as_text(whole)


def has_null_member(value: Any) -> bool:
    return isinstance(value, dict) and any(
        inner is None or has_null_member(inner) for inner in value.values()
    )


def as_text(value: Any) -> str:
    """JSON in which 1.0 is 1, as it is for JavaScript."""
    return json.dumps(_as_javascript(value), sort_keys=True)


def _as_javascript(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_javascript(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_javascript(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
