"""Where a server's unix socket lies: in the folder of its data, or, since the path of a socket is
short (103 bytes on macOS, 107 on Linux), in a private folder under /tmp named by the data's path.

Anybody may make folders in /tmp, so one that is there already must be ours alone to be used.
"""

import hashlib
import os
import re
import stat
from pathlib import Path

from infrastructure.embedded.account import Account

LONGEST = 103 - len("/.s.PGSQL.5432")
_PLAIN = re.compile(rb"[A-Za-z0-9/._+-]+")


class NotOurs(RuntimeError):
    """Somebody else holds the folder of the socket."""


def socket_folder(home: Path) -> Path:
    """The folder of the socket, determined by the path of the data alone: TMPDIR and its like may
    differ between two processes that mean the same server."""
    own = home / "socket"
    path = os.fsencode(own)
    if len(path) <= LONGEST and _PLAIN.fullmatch(path):
        return own
    name = f"edgewise-{hashlib.sha256(path).hexdigest()[:16]}"
    return Path("/tmp") / name  # noqa: S108 - own_folder refuses one of somebody else


def own_folder(folder: Path, account: Account | None) -> None:
    """Makes the folder, of mode 0700 and owned by the account or by us. Raises NotOurs."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found, owner = folder.lstat(), account.uid if account else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (owner, os.geteuid()):
        raise NotOurs(f"{folder} belongs to somebody else: remove it.")
    os.chmod(folder, 0o700)
    if account:
        account.own(folder)
