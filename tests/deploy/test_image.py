"""The Dockerfile, as far as it can be tried without Docker: what it copies is there and enough."""

import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

from tests.deploy.compose import ROOT

TEXT = re.sub(r"\\\n\s*(#[^\n]*\n\s*)*", " ", (ROOT / "Dockerfile").read_text())
LINES = [line.split(maxsplit=1) for line in TEXT.splitlines() if line and line[0].isupper()]


def copied() -> list[str]:
    """Sources out of the repository."""
    lines = [rest.split() for word, rest in LINES if word == "COPY"]
    return [source for line in lines if not line[0].startswith("--") for source in line[:-1]]


def test_what_is_copied_is_there_and_given_to_the_build() -> None:
    given = (ROOT / ".dockerignore").read_text().split()
    for source in copied():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in given, source


def test_every_package_of_the_wheel_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert all({path, path.split("/")[0]} & set(copied()) for path in included)


def test_it_ends_as_an_ordinary_user_with_a_health_check() -> None:
    words = [word for word, _ in LINES]
    last = LINES[max(at for at, word in enumerate(words) if word == "FROM") :]
    named = dict(last)
    assert named["USER"] == "edgewise"
    assert [word for word, _ in last].index("USER") < [word for word, _ in last].index("ENTRYPOINT")
    assert "interfaces.probe" in named["HEALTHCHECK"]
    images = [rest.split()[0] for word, rest in LINES if word == "FROM"]
    assert all(re.search(r":\d+\.\d+\.\d+-", image) for image in images), images


def test_what_is_copied_is_enough_to_build_and_run_the_command(tmp_path: Path) -> None:
    source, wheels, target = tmp_path / "source", tmp_path / "wheels", tmp_path / "env"
    source.mkdir()
    for name in copied():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", ROOT / name, (source / name).parent], check=True)
    pip = [sys.executable, "-m", "pip"]
    build = ["wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", wheels, "."]
    subprocess.run([*pip, *build], cwd=source, check=True)
    (wheel,) = wheels.glob("edgewise-*.whl")
    assert "deploy/mosquitto/mosquitto.conf" in zipfile.ZipFile(wheel).namelist()
    venv.create(target, with_pip=False)
    python = target / "bin" / "python"
    install = ["--python", python, "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run([*pip, *install], check=True)
    # Of the locked dependencies, those of this environment serve.
    (site,) = (path for path in sys.path if path.endswith("site-packages"))
    (own,) = target.glob("lib/*/site-packages")
    code = f"import sys; sys.path += [{site!r}]; from interfaces.cli.main import main; main()"
    run = subprocess.run(
        [python, "-c", code, "worker", "--help"], cwd=tmp_path, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr
    listed = {path.name for path in (own / "migrations").glob("*.sql")}
    assert listed == {path.name for path in (ROOT / "migrations").glob("*.sql")}
