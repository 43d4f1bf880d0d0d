"""Every pass says what it takes, gives, needs and reads."""

from dataclasses import fields
from importlib.util import find_spec

from application.commands.job import OptimizationOrder
from domain.optimization_spec import PASSES_OF, Pass
from domain.pass_declaration import DECLARATIONS
from infrastructure.engine.packages import PACKAGES


def test_every_pass_is_declared_once_for_each_format_that_it_is_done_on() -> None:
    declared = [(one.made_by, one.format) for one in DECLARATIONS]
    assert len(set(declared)) == len(declared)
    assert {made_by for made_by, _ in declared} == set(Pass)


def test_every_declared_pass_has_its_module() -> None:
    for one in DECLARATIONS:
        assert find_spec(f"{PACKAGES[one.format]}.passes.{one.made_by.lower()}") is not None


def test_everything_that_a_pass_needs_is_installed() -> None:
    for one in DECLARATIONS:
        assert all(find_spec(name) is not None for name in one.needs)


def test_a_request_can_set_what_a_pass_reads() -> None:
    can_be_set = {field.name for field in fields(OptimizationOrder)}
    for declared in DECLARATIONS:
        assert set(declared.settings) <= can_be_set


def test_levels_choose_only_passes_that_there_are_each_once() -> None:
    for chosen in PASSES_OF.values():
        assert len(set(chosen)) == len(chosen)
        assert set(chosen) <= {one.made_by for one in DECLARATIONS}
