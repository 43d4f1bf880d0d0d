"""How people know a device: names, labels and groups that can be shown and asked for."""

import pytest

from domain.device_description import MOST, Description, checked_group, checked_labels
from domain.refusal import Refusal, RefusalCode


@pytest.mark.parametrize("key", ["site", "a", "9", "rack-2", "example.com/site", "a_b", "a" * 63])
def test_a_label_is_named_as_in_kubernetes(key: str) -> None:
    assert checked_labels({key: "x"}) == {key: "x"}


@pytest.mark.parametrize(
    "key", ["", "Site", "-a", "a-", "a b", "a=b", "é", "a" * 64, "a\n", "\0", "a,b", "a" * 10_000]
)
def test_a_label_that_could_not_be_asked_for_is_refused(key: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_labels({key: "x"})
    assert (refused.value.code, refused.value.field) == (RefusalCode.INVALID, "labels")
    assert len(refused.value.message) < 300


@pytest.mark.parametrize("value", ["", " ", " x", "a\x1bb", "\u202e", "x" * 121])
def test_a_labels_value_is_a_text_that_can_be_shown(value: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_labels({"site": value})
    assert refused.value.field == "labels.site"


def test_so_many_labels_and_no_more() -> None:
    labels = {f"l{number}": "x" for number in range(MOST)}
    assert checked_labels(labels) == labels
    with pytest.raises(Refusal):
        checked_labels({**labels, "more": "x"})


def test_a_value_that_looks_the_same_is_the_same() -> None:
    assert checked_labels({"site": "Mu\u0308nchen"}) == {"site": "M\u00fcnchen"}


def test_no_group_is_no_group_and_an_empty_one_is_refused() -> None:
    assert checked_group(None) is None
    with pytest.raises(Refusal) as refused:
        checked_group("")
    assert refused.value.field == "group"


def test_a_description_is_checked_as_a_whole() -> None:
    good = Description("lamp", {"site": "berlin"}, "cameras")
    assert good.checked() == good
    with pytest.raises(Refusal) as refused:
        Description("", {}).checked()
    assert refused.value.field == "name"
