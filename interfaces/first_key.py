"""The first tenant and its key, without which nobody could sign in.

The key's secret is written to `credentials.json` (mode 0600) before the key is issued, so a crash
in between leaves a secret that the next start makes valid.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from application.commands.tenant import hash_secret, new_secret
from application.platform import Platform
from domain.cause import Cause, acting
from domain.plan import Plan
from domain.principal import Role
from domain.tenant import Tenant

FIRST_TENANT = UUID("00000000-0000-4000-8000-000000000001")
LABEL = "first key"


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to reach and enter the installation."""

    url: str
    token: str


def ensure_first_key(platform: Platform, home: Path, url: str) -> Credentials:
    """Registers the tenant `default` and a platform key, where they are missing."""
    path = home / "credentials.json"
    token = _kept(path) or new_secret()
    _write(path, {"url": url, "token": token})
    sha256 = hash_secret(token)
    with acting(Cause(FIRST_TENANT, "system", "start", "start")):
        tenant = platform.log.find(Tenant, FIRST_TENANT)
        tenant = tenant or Tenant.register(FIRST_TENANT, "default", Plan.ENTERPRISE, "")
        known = [key for key in tenant.keys.values() if key.sha256 == sha256]
        if any(key.revoked_at is not None for key in known):
            return _replace(platform, home, url)
        if not known:
            tenant.issue_key(uuid4(), LABEL, Role.OWNER, sha256, platform=True)
        platform.log.save(tenant)
    return Credentials(url, token)


def _replace(platform: Platform, home: Path, url: str) -> Credentials:
    (home / "credentials.json").unlink()
    return ensure_first_key(platform, home, url)


def _kept(path: Path) -> str | None:
    try:
        token = json.loads(path.read_text())["token"]
    except (OSError, ValueError, KeyError):
        return None
    return str(token)


def _write(path: Path, content: dict[str, str]) -> None:
    new = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
