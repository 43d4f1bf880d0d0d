"""Every setting, read once from the environment.

Without DATABASE_URL Edgewise runs on its embedded default: PostgreSQL in a folder, an in-process
queue, blobs on the local disk.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from domain.flag import Flag


class BadSetting(ValueError):
    """A setting that cannot be; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Where blobs go when not to the local disk."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"


@dataclass(frozen=True, slots=True)
class Settings:
    """`secret` derives the passwords of the database roles and signs download links: it must be
    the same for all processes of an installation, and stay the same."""

    home: Path
    secret: str
    database_url: str | None = None
    redis_url: str | None = None
    s3: S3Settings | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str | None = None
    environment: str = "development"
    jobs_at_once: dict[str, int] = field(default_factory=lambda: {"optimize": 2, "benchmark": 4})
    job_seconds: float = 1800.0
    job_memory_bytes: int = 4 * 2**30
    flags: dict[str, bool] = field(default_factory=dict)
    connections: int = 8
    log_json: bool = False

    @property
    def url(self) -> str:
        """How clients reach the API."""
        return self.public_url or f"http://{self.host}:{self.port}"


def default_home(environment: Mapping[str, str] = os.environ) -> Path:
    """EDGEWISE_HOME, else `edgewise` in the user's data folder."""
    if home := environment.get("EDGEWISE_HOME"):
        return Path(home).expanduser().absolute()
    data = environment.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser().absolute() / "edgewise"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises BadSetting."""
    home = default_home(environment)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Settings(
        home=home,
        secret=environment.get("EDGEWISE_SECRET") or _kept_secret(home / "secret"),
        database_url=environment.get("DATABASE_URL") or None,
        redis_url=environment.get("REDIS_URL") or None,
        s3=_s3(environment),
        host=environment.get("EDGEWISE_HOST", "127.0.0.1"),
        port=_number(environment, "EDGEWISE_PORT", 8080, 0, 65535),
        public_url=environment.get("EDGEWISE_URL") or None,
        environment=environment.get("EDGEWISE_ENVIRONMENT", "development"),
        jobs_at_once={
            "optimize": _number(environment, "EDGEWISE_OPTIMIZATIONS_AT_ONCE", 2, 1, 1000),
            "benchmark": _number(environment, "EDGEWISE_BENCHMARKS_AT_ONCE", 4, 1, 1000),
        },
        job_seconds=_number(environment, "EDGEWISE_JOB_SECONDS", 1800, 1, 604_800),
        job_memory_bytes=_number(environment, "EDGEWISE_JOB_MEMORY_MB", 4096, 64, 2**20) * 2**20,
        flags=_flags(environment.get("EDGEWISE_FLAGS", "")),
        connections=_number(environment, "EDGEWISE_CONNECTIONS", 8, 2, 1000),
        log_json=environment.get("EDGEWISE_LOG", "") == "json",
    )


def _kept_secret(path: Path) -> str:
    """Made once and kept in a file of mode 0600; two processes that start at once agree."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
        file.flush()
        os.fsync(file.fileno())
    return path.read_text()


def _number(
    environment: Mapping[str, str], name: str, default: int, lowest: int, highest: int
) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise BadSetting(f"{name} is “{text}”: give a whole number from {lowest} to {highest}.")
    return int(text)


def _s3(environment: Mapping[str, str]) -> S3Settings | None:
    endpoint = environment.get("S3_ENDPOINT")
    if not endpoint:
        return None
    needed = ("S3_BUCKET", "S3_ACCESS_KEY", "S3_SECRET_KEY")
    missing = [name for name in needed if not environment.get(name)]
    if missing:
        raise BadSetting(f"S3_ENDPOINT is set, but {', '.join(missing)} is not. Set it too.")
    bucket, access_key, secret_key = (environment[name] for name in needed)
    return S3Settings(
        endpoint,
        bucket,
        access_key,
        secret_key,
        region=environment.get("S3_REGION", "us-east-1"),
    )


def _flags(text: str) -> dict[str, bool]:
    """`edge_ai_models=off,edge_ai_benchmarking=on`."""
    flags = {}
    for pair in filter(None, text.split(",")):
        name, _, value = pair.strip().partition("=")
        if name not in list(Flag) or value not in ("on", "off"):
            raise BadSetting(
                f"EDGEWISE_FLAGS has “{pair}”: write NAME=on or NAME=off, with a name of "
                f"{', '.join(Flag)}."
            )
        flags[name] = value == "on"
    return flags
