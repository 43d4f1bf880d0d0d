"""Every pass says what it takes, gives, needs and reads."""

import re
from dataclasses import fields
from importlib.metadata import distributions as installed
from importlib.util import find_spec

from application.commands.job import OptimizationOrder
from domain.declared import DECLARATIONS
from domain.evidence import Evidence
from domain.optimization_spec import PASSES_OF
from infrastructure.engine.made_with import distributions
from infrastructure.engine.packages import module_of
from infrastructure.toolchains.catalog import CATALOG


def test_every_pass_is_declared_once_for_each_pair_of_formats_that_it_leads_between() -> None:
    declared = [(one.made_by, one.format, one.given) for one in DECLARATIONS]
    assert len(set(declared)) == len(declared)


def test_every_declared_pass_has_its_module() -> None:
    for one in DECLARATIONS:
        assert find_spec(module_of(one)) is not None


def test_everything_that_a_pass_needs_is_installed_or_in_a_toolchain() -> None:
    for one in DECLARATIONS:
        if one.toolchain:
            assert CATALOG[one.toolchain].lock.exists()
        else:
            assert all(find_spec(name) is not None for name in one.needs)


def test_the_version_of_everything_that_a_pass_needs_can_be_told() -> None:
    here = {one.name.lower().replace("_", "-") for one in installed()}
    for one in DECLARATIONS:
        pinned = CATALOG[one.toolchain].lock.read_text() if one.toolchain else ""
        known = here | set(re.findall(r"(?m)^([a-z0-9.-]+)==", pinned))
        assert all(known.intersection(distributions(need)) for need in one.needs), one


def test_a_pass_whose_file_no_cpu_runs_names_the_hardware_that_does() -> None:
    built = [one for one in DECLARATIONS if one.evidence is Evidence.BUILT]
    assert built
    assert all(one.hardware and not one.given.runs for one in built)
    assert not any(one.hardware for one in DECLARATIONS if one not in built)


def test_a_request_can_set_what_a_pass_reads() -> None:
    can_be_set = {field.name for field in fields(OptimizationOrder)}
    for declared in DECLARATIONS:
        assert set(declared.settings) <= can_be_set


def test_levels_choose_only_passes_that_there_are_each_once() -> None:
    for chosen in PASSES_OF.values():
        assert len(set(chosen)) == len(chosen)
        assert set(chosen) <= {one.made_by for one in DECLARATIONS}
