"""What can be typed is what there is."""

from domain.declared import DECLARATIONS, formats
from interfaces.cli import choices


def test_every_format_that_something_starts_from_or_gives_can_be_named() -> None:
    assert {one.value for one in choices.Source} == set(formats())
    assert {one.value for one in choices.Target} == {one.given for one in DECLARATIONS}
