"""Devices for benchmarks: joined over HTTP as any device is, with keys that are made here."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from benchmarks.processes import Edgewise, NotReady
from edge.cli.asking import NotDone, ask
from edge.home import Home
from edge.protocol.topics import Address
from interfaces.cli.client import Client
from interfaces.cli.queries import device as device_queries
from interfaces.cli.queries import device_claim

AGENT = [sys.executable, "-m", "edge"]
ONLINE_WITHIN = 120.0
MOST_CLAIMS = 500


@dataclass(frozen=True, slots=True)
class Joined:
    """`broker` is its URL."""

    address: Address
    broker: str


def codes(client: Client, count: int) -> list[str]:
    """One-time claim codes."""
    found: list[str] = []
    while len(found) < count:
        issued = client.change(
            device_claim.ISSUE,
            count=min(count - len(found), MOST_CLAIMS),
            expiresIn=3_600,
            labels=[],
            group=None,
            profile=None,
        )
        found += [claim["code"] for claim in issued["claims"]]
    return found


def joined(installation: Edgewise, client: Client, count: int) -> list[Joined]:
    """So many devices, none of them connected."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda code: _join(installation, code), codes(client, count)))


def _join(installation: Edgewise, code: str) -> Joined:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "device")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    body = {"code": code, "csr": request.public_bytes(Encoding.PEM).decode(), "facts": {}}
    for pause in (1.0, 2.0, 4.0, 8.0):
        answer = httpx.post(f"{installation.server.url}/devices/join", json=body, timeout=60)
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            break
        time.sleep(pause)
    told = answer.raise_for_status().json()
    address = Address(UUID(told["tenant"]), UUID(told["device"]))
    return Joined(address, told["broker"]["url"])


class Agent:
    """A real agent in a process of its own, in a folder that has joined."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it answers. Raises NotReady."""
        with (self.home / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [*AGENT, "run", "--home", str(self.home)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + ONLINE_WITHIN
        while time.monotonic() < deadline:
            try:
                self.status()
                return
            except NotDone:
                time.sleep(0.1)
        raise NotReady((self.home / "output").read_text()[-2_000:])

    def status(self) -> dict[str, Any]:
        """Raises NotDone."""
        found, _ = ask(Home.at(self.home), {"do": "status"})
        return found

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


@contextmanager
def agent(
    installation: Edgewise, client: Client, home: Path, configuration: str = ""
) -> Iterator[Agent]:
    """One that has joined and is running; `configuration` is its edge.toml."""
    (code,) = codes(client, 1)
    words = ("join", code, "--server", installation.server.url, "--home", str(home))
    subprocess.run([*AGENT, *words], check=True, stdout=subprocess.DEVNULL)
    if configuration:
        (home / "edge.toml").write_text(configuration)
    running = Agent(home)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def online(client: Client) -> str:
    """The id of the one device, once it is online. Raises NotReady."""
    deadline = time.monotonic() + ONLINE_WITHIN
    while time.monotonic() < deadline:
        for device in client.pages(device_queries.LIST, "devices", filter={"online": True}):
            return str(device["id"])
        time.sleep(0.1)
    raise NotReady(f"No device was online within {ONLINE_WITHIN:.0f} s.")
