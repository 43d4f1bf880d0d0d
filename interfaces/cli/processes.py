"""The commands that run Edgewise itself: all in one process, or each part in its own."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from interfaces.bootstrap import Installation
    from interfaces.bootstrap.broker import FleetBroker
    from interfaces.first_key import Credentials
    from interfaces.settings import Settings

console = Console(stderr=True)


def register(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    for command in (up, api, worker, projector, gateway, migrate):
        app.command()(command)


Port = Annotated[int | None, typer.Option(help="Port of the API; 8080 unless EDGEWISE_PORT.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 by default.")]


BrokerName = Annotated[
    str | None,
    typer.Option(
        "--broker",
        help="embedded (this machine's devices alone), mosquitto (mTLS, from anywhere) or off.",
        metavar="BROKER",
    ),
]


def up(port: Port = None, host: Host = None, broker: BrokerName = None) -> None:
    """Start everything in one process: API, projections, worker, the devices' gateway and, unless
    DATABASE_URL or MQTT_URL are set, a PostgreSQL and an MQTT broker of its own."""
    from interfaces.only_one import AlreadyRunning, only_one

    started = time.perf_counter()
    settings = _settings(host, port, broker)
    _require_free(settings)
    try:
        with only_one(settings.home):
            _run_all(settings, started)
    except AlreadyRunning as already:
        console.print(f"error: CONFLICT: {already}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from already


def _run_all(settings: "Settings", started: float) -> None:
    from interfaces.bootstrap import keep_embedded, stop_embedded
    from interfaces.bootstrap.api import api_of
    from interfaces.bootstrap.gateway import start_gateway
    from interfaces.bootstrap.projector import start_projector
    from interfaces.bootstrap.worker import start_worker

    try:
        installation, credentials = _prepared(settings)
        try:
            keep_embedded(installation)
            start_projector(installation)
            start_worker(installation)
            broker = _broker(installation)
            if broker is not None:
                start_gateway(installation, broker)
            devices = broker.devices_url if broker is not None else None
            _serve(
                api_of(installation, lambda: devices),
                settings,
                lambda: _welcome(settings, credentials, devices, started),
            )
        finally:
            installation.close()
    finally:
        stop_embedded(settings)


def api(port: Port = None, host: Host = None) -> None:
    """Serve GraphQL, uploads and downloads."""
    from interfaces.bootstrap.api import api_of

    settings = _settings(host, port)
    _require_free(settings)
    installation = _installation(settings)
    try:
        _serve(api_of(installation), settings, lambda: console.print(f"API on {settings.url}"))
    finally:
        installation.close()


def worker() -> None:
    """Carry out jobs: optimizations and benchmarks."""
    from interfaces.bootstrap.worker import start_worker

    installation = _installation(_settings(None, None))
    start_worker(installation)
    _until_told(installation, "worker ready")


def projector() -> None:
    """Keep views up to date and carry out policies. Several may run: one works, others stand by."""
    from interfaces.bootstrap.projector import start_projector

    installation = _installation(_settings(None, None))
    start_projector(installation)
    _until_told(installation, "projector ready")


def gateway() -> None:
    """Hear devices over MQTT, and tell them what there is. Several may run."""
    from interfaces.bootstrap.gateway import start_gateway

    settings = _settings(None, None)
    if settings.fleet.mqtt_url is None:
        console.print(
            "error: INVALID: MQTT_URL is not set: give mqtts://host:port, where the broker listens "
            "for gateways.",
            markup=False,
        )
        raise typer.Exit(2)
    installation = _installation(settings)
    broker = _broker(installation)
    assert broker is not None
    start_gateway(installation, broker)
    _until_told(installation, "gateway ready")


def migrate() -> None:
    """Bring the database to the current schema, and make the first key where there is none."""
    settings = _settings(None, None)
    installation, _ = _prepared(settings)
    installation.close()
    console.print(f"The schema is current. The first key is in {settings.home}/credentials.json")


def _broker(installation: "Installation") -> "FleetBroker | None":
    from interfaces.settings import BadSetting

    try:
        return installation.broker
    except BadSetting as none:
        console.print(f"error: UNAVAILABLE: {none}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from none


def _settings(host: str | None, port: int | None, broker: str | None = None) -> "Settings":
    import dataclasses
    import os

    from interfaces.logs import configure_logs
    from interfaces.settings import BadSetting, read_settings

    try:
        chosen = {} if broker is None else {"EDGEWISE_BROKER": broker}
        settings = read_settings({**os.environ, **chosen})
    except BadSetting as bad:
        console.print(f"error: INVALID: {bad}", markup=False)
        raise typer.Exit(2) from bad
    settings = dataclasses.replace(
        settings,
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
    )
    configure_logs(as_json=settings.log_json)
    return settings


def _require_free(settings: "Settings") -> None:
    """Refuses an address that cannot be listened on, before anything is started."""
    import socket

    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            message = f"{settings.host}:{settings.port} cannot be listened on ({error.strerror})."
            remedy = "Choose another port with --port, or stop what uses it."
            console.print(f"error: CONFLICT: {message} {remedy}", markup=False, soft_wrap=True)
            raise typer.Exit(1) from error


def _installation(settings: "Settings") -> "Installation":
    from interfaces.bootstrap import Installation

    return Installation.of(settings)


@contextmanager
def installed() -> Iterator["Installation"]:
    """This machine's installation, for an operator's command. An embedded PostgreSQL that was not
    running is stopped again."""
    from interfaces.bootstrap import embedded, stop_embedded

    settings = _settings(None, None)
    ran = settings.database_url is not None or embedded(settings).pid is not None
    installation = _installation(settings)
    try:
        yield installation
    finally:
        installation.close()
        if not ran:
            stop_embedded(settings)


def _prepared(settings: "Settings") -> tuple["Installation", "Credentials"]:
    """Migrated, and with a first key."""
    from interfaces.first_key import ensure_first_key

    installation = _installation(settings)
    installation.migrate()
    credentials = ensure_first_key(installation.platform, settings.home, settings.url)
    return installation, credentials


def _serve(app: "Starlette", settings: "Settings", ready: "object") -> None:
    import uvicorn

    from interfaces.http.socket_protocol import SocketProtocol

    _allow_many_sockets()

    class Server(uvicorn.Server):
        async def startup(self, sockets: object = None) -> None:
            await super().startup()
            if self.started and callable(ready):
                ready()

    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        ws=SocketProtocol,
        ws_max_size=2**20,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        # Small messages gain little from it, and each connection would pay in memory and time.
        ws_per_message_deflate=False,
    )
    # uvicorn raises the signal again once it has shut down; the default would end us on the spot,
    # before the worker has given its work back and PostgreSQL is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    Server(config).run()


def _allow_many_sockets() -> None:
    """As many open files as this process may have; the usual 1,024 are few sockets."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _welcome(
    settings: "Settings", credentials: "Credentials", devices: str | None, started: float
) -> None:
    seconds = time.perf_counter() - started
    console.print(f"\nEdgewise is up after {seconds:.1f} s.")
    for name, value in (
        ("API", f"{settings.url}/graphql"),
        ("Token", credentials.token),
        ("Data", str(settings.home)),
        ("Broker", devices or "none: devices cannot connect"),
        ("Users", "edgewise user create YOU@EXAMPLE.COM, then sign in at /sign-in"),
    ):
        console.print(f"  {name:<6} {value}", markup=False, highlight=False, soft_wrap=True)
    console.print("Press Ctrl-C to stop.")


def _until_told(installation: "Installation", message: str) -> None:
    from interfaces.metrics_server import serve_metrics

    told = threading.Event()
    settings = installation.settings
    if settings.metrics_port is not None:
        stop = serve_metrics(settings.host, settings.metrics_port)
        installation.closing.callback(stop)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    console.print(message)
    try:
        while not told.wait(1):
            pass
    finally:
        installation.close()
