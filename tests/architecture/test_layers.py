"""The shape of the house: which way imports point, how long files are, what nothing is called."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("domain", "application", "infrastructure", "interfaces", "demo", "benchmarks")
LONGEST_FILE = 300
NAMES_THAT_SAY_NOTHING = re.compile(r"(utils?|helpers?|managers?|services?)$")


def test_the_contracts_of_import_linter_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_domain_imports_the_standard_library_and_eventsourcing_only() -> None:
    allowed = sys.stdlib_module_names | {"eventsourcing", "domain"}
    strange = [
        f"{path}: {module}"
        for path in _files("domain")
        for module in _imported(path)
        if module.partition(".")[0] not in allowed
    ]
    assert strange == []


def test_a_server_starts_without_numpy() -> None:
    """The engine's processes need it; every other would wait for it at its start."""
    told = "import sys, interfaces.http.app, interfaces.bootstrap; print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_demo_knows_nothing_of_the_platform_but_its_cli() -> None:
    strange = [
        f"{path}: {module}"
        for path in _files("demo")
        for module in _imported(path)
        if module.partition(".")[0] in PACKAGES
        and not (module + ".").startswith(("demo.", "interfaces.cli."))
    ]
    assert strange == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_is_longer_than_one_can_read(package: str) -> None:
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in _files(package)}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_is_called_by_what_it_does(package: str) -> None:
    parts = {part for path in _files(package) for part in path.with_suffix("").parts}
    assert {part for part in parts if NAMES_THAT_SAY_NOTHING.search(part)} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_says_what_it_owns(package: str) -> None:
    silent = [
        str(path)
        for path in _files(package)
        if path.name != "__init__.py"
        and not ast.get_docstring(ast.parse((ROOT / path).read_text()))
    ]
    assert silent == []


def test_the_lock_names_no_registry() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert re.search(r"://|--(extra-)?index|--find-links", lock) is None


def _files(package: str) -> Iterator[Path]:
    yield from sorted(path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py"))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
