"""Whom an embedded server runs as. PostgreSQL refuses to run as root, so root hands it to another
account: the owner of the data when that is an ordinary user, else the system user `pgserver`.

That account gets leave to pass through (not to list or read) the folders above its files.
"""

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "pgserver"


class NoAccount(RuntimeError):
    """There is no account to run the server as, and none could be made."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user and group id other than ours."""

    uid: int
    gid: int

    def own(self, *paths: Path) -> None:
        """Gives files and folders to the account."""
        for path in paths:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    @property
    def of_child(self) -> dict[str, Any]:
        """What `subprocess` needs to run a child as the account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def account_for(data: Path) -> Account | None:
    """The account to run the server of a data folder as; None for the user we are.

    Raises NoAccount."""
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    entry = _find() or _make()
    return Account(entry.pw_uid, entry.pw_gid)


def let_through(place: Path) -> None:
    """Lets everybody reach `place` by its path, without listing what lies on the way."""
    for folder in place.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def let_read(tree: Path) -> None:
    """Lets everybody read a tree of installed files, which a strict umask may have closed."""
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)


def _find() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _make() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", NAME]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        reason = done.stderr.strip()
    except FileNotFoundError as error:
        reason = str(error)
    # Another process may have made it at the same moment.
    if (made := _find()) is None:
        raise NoAccount(
            f"The embedded PostgreSQL must not run as root and the user {NAME} could not be made"
            f" ({reason}). Make that user, run as an ordinary user, or set DATABASE_URL."
        )
    return made
