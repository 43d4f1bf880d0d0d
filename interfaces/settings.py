"""Every setting, read once from the environment.

Without DATABASE_URL Edgewise runs on its embedded default: PostgreSQL in a folder, an in-process
queue, blobs on the local disk.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from application.jobs.registry import KINDS
from domain.flag import Flag
from interfaces.fleet_settings import FleetSettings, fleet_settings
from interfaces.setting import BadSetting as BadSetting
from interfaces.setting import number, path
from interfaces.trusted_documents import load_documents


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Where blobs go when not to the local disk. `public_endpoint` is how clients reach the same
    server, when that is another address."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"
    public_endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """The OpenID provider that people may sign in with."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str = "OpenID"
    takes_anyone: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """`secret` derives the passwords of the database roles and signs download links: it must be
    the same for all processes of an installation, and stay the same."""

    home: Path
    secret: str
    fleet: FleetSettings
    database_url: str | None = None
    redis_url: str | None = None
    s3: S3Settings | None = None
    oidc: OidcSettings | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str | None = None
    environment: str = "development"
    jobs_at_once: dict[str, int] = field(default_factory=lambda: {"optimize": 2, "benchmark": 4})
    job_seconds: float = 1800.0
    job_memory_bytes: int = 4 * 2**30
    worker_kinds: tuple[str, ...] = tuple(KINDS)
    upload_days: int = 7
    blob_grace: timedelta = timedelta(hours=24)
    flags: dict[str, bool] = field(default_factory=dict)
    connections: int = 8
    log_json: bool = False
    origins: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    documents_only: bool = False
    metrics_port: int | None = None
    otlp_endpoint: str | None = None
    otlp_service: str = "edgewise"
    otlp_share: float = 1.0
    checkpoint_key: Path | None = None
    toolchains: Path | None = None
    install_toolchains: bool = True

    @property
    def toolchains_home(self) -> Path:
        return self.toolchains or self.home / "toolchains"

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
        fleet=fleet_settings(environment, home),
        database_url=environment.get("DATABASE_URL") or None,
        redis_url=environment.get("REDIS_URL") or None,
        s3=_s3(environment),
        oidc=_oidc(environment),
        host=environment.get("EDGEWISE_HOST", "127.0.0.1"),
        port=number(environment, "EDGEWISE_PORT", 8080, 0, 65535),
        public_url=environment.get("EDGEWISE_URL") or None,
        environment=environment.get("EDGEWISE_ENVIRONMENT", "development"),
        jobs_at_once={
            "optimize": number(environment, "EDGEWISE_OPTIMIZATIONS_AT_ONCE", 2, 1, 1000),
            "benchmark": number(environment, "EDGEWISE_BENCHMARKS_AT_ONCE", 4, 1, 1000),
        },
        job_seconds=number(environment, "EDGEWISE_JOB_SECONDS", 1800, 1, 604_800),
        job_memory_bytes=number(environment, "EDGEWISE_JOB_MEMORY_MB", 4096, 64, 2**20) * 2**20,
        worker_kinds=_kinds(environment.get("EDGEWISE_WORKER_KINDS", "")),
        upload_days=number(environment, "EDGEWISE_UPLOAD_DAYS", 7, 1, 3650),
        blob_grace=_blob_grace(environment),
        flags=_flags(environment.get("EDGEWISE_FLAGS", "")),
        connections=number(environment, "EDGEWISE_CONNECTIONS", 8, 2, 1000),
        log_json=environment.get("EDGEWISE_LOG", "") == "json",
        origins=_origins(environment.get("EDGEWISE_ORIGINS", "")),
        documents=_documents(environment.get("EDGEWISE_DOCUMENTS_PATH", "")),
        documents_only=_documents_only(environment),
        metrics_port=number(environment, "EDGEWISE_METRICS_PORT", 0, 0, 65535) or None,
        otlp_endpoint=environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
        otlp_service=environment.get("OTEL_SERVICE_NAME") or "edgewise",
        otlp_share=_share(environment, "OTEL_TRACES_SAMPLER_ARG"),
        checkpoint_key=path(environment.get("EDGEWISE_CHECKPOINT_KEY")),
        toolchains=path(environment.get("EDGEWISE_TOOLCHAINS")),
        install_toolchains=_install_toolchains(environment),
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


def _install_toolchains(environment: Mapping[str, str]) -> bool:
    text = environment.get("EDGEWISE_INSTALL_TOOLCHAINS") or "auto"
    if text not in ("auto", "never"):
        raise BadSetting(f"EDGEWISE_INSTALL_TOOLCHAINS is “{text}”: give auto or never.")
    return text == "auto"


def _share(environment: Mapping[str, str], name: str) -> float:
    text = environment.get(name) or "1"
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise BadSetting(f"{name} is “{text}”: give the share of traces to keep, from 0 to 1.")
    return share


def _blob_grace(environment: Mapping[str, str]) -> timedelta:
    """How long nothing must refer to a blob before it goes. A job's results are told by its end,
    so it is never less than twice the longest job."""
    hours = number(environment, "EDGEWISE_BLOB_GRACE_HOURS", 24, 1, 87_600)
    longest_job = number(environment, "EDGEWISE_JOB_SECONDS", 1800, 1, 604_800)
    return max(timedelta(hours=hours), timedelta(seconds=2 * longest_job))


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
        public_endpoint=environment.get("S3_PUBLIC_ENDPOINT") or None,
    )


def _origins(text: str) -> tuple[str, ...]:
    """`https://console.example.org,https://ops.example.org`."""
    origins = tuple(filter(None, (origin.strip().rstrip("/") for origin in text.split(","))))
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != origin:
            raise BadSetting(
                f"EDGEWISE_ORIGINS has “{origin}”: write origins such as "
                "https://console.example.org, separated by commas."
            )
    return origins


def _documents(path: str) -> tuple[str, ...]:
    """The texts of the trusted documents."""
    try:
        return tuple(load_documents(Path(path).expanduser())) if path else ()
    except (OSError, ValueError) as error:
        raise BadSetting(f"EDGEWISE_DOCUMENTS_PATH: {error}") from error


def _documents_only(environment: Mapping[str, str]) -> bool:
    text = environment.get("EDGEWISE_DOCUMENTS") or "any"
    if text not in ("any", "only"):
        raise BadSetting(f"EDGEWISE_DOCUMENTS is “{text}”: write any or only.")
    if text == "only" and not environment.get("EDGEWISE_DOCUMENTS_PATH"):
        raise BadSetting(
            "EDGEWISE_DOCUMENTS is only, but EDGEWISE_DOCUMENTS_PATH names no documents. "
            "Set it too."
        )
    return text == "only"


def _kinds(text: str) -> tuple[str, ...]:
    """`optimize,benchmark`; all kinds by default."""
    named = [word.strip() for word in text.split(",") if word.strip()]
    for name in named:
        if name not in KINDS:
            known = ", ".join(KINDS)
            raise BadSetting(f"EDGEWISE_WORKER_KINDS names “{name}”: there are {known}.")
    return tuple(dict.fromkeys(named)) or tuple(KINDS)


def _oidc(environment: Mapping[str, str]) -> OidcSettings | None:
    issuer = environment.get("EDGEWISE_OIDC_ISSUER")
    if not issuer:
        return None
    parts = urlsplit(issuer)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.scheme not in (("http", "https") if local else ("https",)):
        raise BadSetting(f"EDGEWISE_OIDC_ISSUER is “{issuer}”: give its https address.")
    needed = ("EDGEWISE_OIDC_CLIENT_ID", "EDGEWISE_OIDC_CLIENT_SECRET")
    missing = [name for name in needed if not environment.get(name)]
    if missing:
        raise BadSetting(
            f"EDGEWISE_OIDC_ISSUER is set, but {', '.join(missing)} is not. Set it too."
        )
    admits = environment.get("EDGEWISE_OIDC_ADMITS") or "invited"
    if admits not in ("invited", "anyone"):
        raise BadSetting(f"EDGEWISE_OIDC_ADMITS is “{admits}”: give invited or anyone.")
    client_id, client_secret = (environment[name] for name in needed)
    name = environment.get("EDGEWISE_OIDC_NAME") or parts.hostname
    return OidcSettings(issuer, client_id, client_secret, name, admits == "anyone")


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
