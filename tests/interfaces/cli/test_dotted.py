"""What people type into documents and read of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interfaces.cli.dotted import as_json, flat, object_of, patch_of
from interfaces.cli.refused import CommandRefused

NAMES = st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]), min_size=1)


@pytest.mark.parametrize(
    ("typed", "patch"),
    [
        (["interval=5"], {"interval": 5}),
        (["camera.fps=30", "camera.name=front"], {"camera": {"fps": 30, "name": "front"}}),
        (["on=true", "old=null", "sizes=[1,2]"], {"on": True, "old": None, "sizes": [1, 2]}),
        (["text=5 volts"], {"text": "5 volts"}),
        (['text="5"'], {"text": "5"}),
        (["empty="], {"empty": ""}),
        (["equation=a=b"], {"equation": "a=b"}),
        (['a."log.level"=DEBUG'], {"a": {"log.level": "DEBUG"}}),
        (['"a=b"=1'], {"a=b": 1}),
        (["x=NaN"], {"x": "NaN"}),
        (["x={}"], {"x": {}}),
        (["lines=a\nb"], {"lines": "a\nb"}),
    ],
)
def test_an_assignment_means(typed: list[str], patch: dict[str, Any]) -> None:
    assert patch_of(typed, "x") == patch


@pytest.mark.parametrize(
    "typed",
    [
        ["interval"],
        ["=5"],
        ["a..b=1"],
        [".a=1"],
        ["a.=1"],
        ["a=1", "a=2"],
        ["a=1", "a.b=2"],
        ["a.b=1", "a=2"],
        ['"a=1'],
        [""],
    ],
)
def test_what_is_no_assignment_is_refused(typed: list[str]) -> None:
    with pytest.raises(CommandRefused) as refused:
        patch_of(typed, "assignments")
    assert (refused.value.code, refused.value.field) == ("INVALID", "assignments")


@given(
    st.recursive(
        st.integers() | st.booleans() | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3),
        max_leaves=5,
    ).filter(lambda document: isinstance(document, dict))
)
def test_what_is_shown_can_be_typed(document: dict[str, Any]) -> None:
    assert patch_of([f"{path}={as_json(value)}" for path, value in flat(document)], "x") == document


@pytest.mark.parametrize("text", ["", "[]", "5", "null", "{", '{"a": NaN}', '{"a": Infinity}'])
def test_a_patch_is_a_json_object(text: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        object_of(text, "patch")
    assert refused.value.field == "patch"


def test_a_patch_however_deep_is_refused_and_does_no_harm() -> None:
    with pytest.raises(CommandRefused):
        object_of('{"x":' * 100_000 + "1" + "}" * 100_000, "patch")
