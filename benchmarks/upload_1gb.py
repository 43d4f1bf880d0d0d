"""Upload of 1 GB by our command line's client to `edgewise up` on local disk, against `sha256sum`.

An upload ends when the server has answered that the whole file is durable under its sha256, which
both sides have computed. `sha256sum` runs on the same file before each upload; the file is in the
page cache for both. The ratio is relative speed: seconds of `sha256sum` / seconds of the upload.
"""

import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from uuid import uuid4

from benchmarks.figure import Figure, Target
from benchmarks.processes import Edgewise, edgewise
from interfaces.cli import tus_client

BYTES = 1_000_000_000
ROUNDS = 5


def measure() -> Iterable[Figure]:
    with edgewise() as installation:
        installation.up()
        file = _file(installation.home.parent / "one-gb.bin")
        hashing, uploading = [], []
        for _ in range(ROUNDS):
            hashing.append(_sha256sum(file))
            uploading.append(_upload(installation, file))
        by_curl = _curl(installation, file)
    value, baseline = BYTES / 1e6 / median(uploading), BYTES / 1e6 / median(hashing)
    yield Figure(
        "upload_1gb",
        value,
        "MB/s",
        baseline=baseline,
        ratio=median(hashing) / median(uploading),
        against="sha256sum",
        target=Target(gate=0.5, aim=0.8),
        note=f"medians of {ROUNDS} rounds; uploads took {min(uploading):.2f} to "
        f"{max(uploading):.2f} s, by the client of the CLI. {by_curl}",
    )


def _file(path: Path) -> Path:
    with Path("/dev/urandom").open("rb") as source, path.open("wb") as file:
        for _ in range(BYTES // 1_000_000):
            file.write(source.read(1_000_000))
    return path


def _sha256sum(file: Path) -> float:
    began = time.perf_counter()
    subprocess.run(["sha256sum", str(file)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _upload(installation: Edgewise, file: Path) -> float:
    began = time.perf_counter()
    server = installation.server
    pushed = tus_client.push(
        server.url, server.token, file, "MODEL", state_folder=installation.home.parent / "state"
    )
    seconds = time.perf_counter() - began
    assert pushed.bytes == BYTES
    assert pushed.resumed_at == 0
    # The next round must not find its bytes there already.
    for blob in (installation.home / "blobs").glob(f"*/??/{pushed.sha256}"):
        blob.unlink()
    return seconds


def _curl(installation: Edgewise, file: Path) -> str:
    """One creation-with-upload by curl, which hashes nothing on its side."""
    server = installation.server
    metadata = "filename bW9kZWwub25ueA==,purpose TU9ERUw="
    headers = {
        "Authorization": f"Bearer {server.token}",
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(BYTES),
        "Upload-Metadata": metadata,
        "Content-Type": "application/offset+octet-stream",
        "Expect": "",
        "X-Request-Id": uuid4().hex,
    }
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["curl", "-sS", "-f", "-o", "/dev/null", "-X", "POST", *given, "-T", str(file)]
    began = time.perf_counter()
    try:
        subprocess.run([*command, f"{server.url}/uploads"], check=True)
    except FileNotFoundError:
        return "No curl here to compare with."
    return f"curl, in one request: {time.perf_counter() - began:.2f} s."
