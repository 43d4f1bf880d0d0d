"""Processes of Edgewise, run as an operator runs them, and a client that knows only the API."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from interfaces.cli.tus_client import push as push_file
from tests.patience import PATIENCE, eventually

EDGEWISE = Path(sys.executable).parent / "edgewise"


class Process:
    """One `edgewise …` process; its output goes to a file."""

    def __init__(
        self,
        command: str,
        home: Path,
        environment: Mapping[str, str],
        program: Sequence[str | Path] = (EDGEWISE,),
    ) -> None:
        self.command = command
        self._log = home / f"{command.split()[0]}-{time.monotonic_ns()}.log"
        home.mkdir(parents=True, exist_ok=True)
        clean = {key: value for key, value in os.environ.items() if not key.startswith("EDGEWISE")}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*program, *command.split()],
                env={**clean, **environment, "EDGEWISE_HOME": str(home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """SIGSTOP, SIGCONT: the process hangs, and goes on."""
        self._process.send_signal(number)

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=PATIENCE)

    def kill(self) -> None:
        """`kill -9` of this process alone."""
        self._process.kill()
        self._process.wait(timeout=PATIENCE)

    def close(self) -> None:
        if self.running:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()


class Api:
    """A client of one server with one key."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token
        headers = {"authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=PATIENCE)

    def run(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a query; fails on any error."""
        answer = self.http.post("/graphql", json={"query": query, "variables": variables})
        body: dict[str, Any] = answer.json()
        assert "errors" not in body, body
        assert "data" in body, body
        data: dict[str, Any] = body["data"]
        return data

    def change(self, mutation: str, **variables: Any) -> dict[str, Any]:
        """The payload of a mutation's only field; fails on user errors."""
        (payload,) = self.run(mutation, **variables).values()
        assert not payload["userErrors"], payload
        result: dict[str, Any] = payload
        return result

    def upload(self, path: Path, purpose: str) -> str:
        pushed = push_file(
            self.url, self.token, path, purpose, state_folder=path.parent, progress=lambda *_: None
        )
        return str(pushed.upload_id)

    def push_model(self, path: Path, name: str, task: str = "CLASSIFICATION") -> dict[str, Any]:
        """Registers and uploads; returns {"id", "source"}."""
        model = self.change(
            """mutation($name: String!, $task: Task!) { modelRegister(name: $name, task: $task) {
                 model { id } userErrors { code message } } }""",
            name=name,
            task=task,
        )["model"]
        source = self.change(
            """mutation($model: ID!, $upload: ID!) {
                 modelVersionUpload(modelId: $model, uploadId: $upload) {
                   artifact { id bytes signature { opset inputs { name shape } } }
                   eventPosition userErrors { code field message } } }""",
            model=model["id"],
            upload=self.upload(path, "MODEL"),
        )["artifact"]
        return {"id": model["id"], "source": source}

    def push_dataset(self, path: Path, name: str, purpose: str) -> str:
        dataset = self.change(
            """mutation($name: String!, $purpose: DatasetPurpose!) {
                 datasetRegister(name: $name, purpose: $purpose) {
                   dataset { id } userErrors { code message } } }""",
            name=name,
            purpose=purpose,
        )["dataset"]["id"]
        self.change(
            """mutation($dataset: ID!, $upload: ID!) {
                 datasetVersionUpload(datasetId: $dataset, uploadId: $upload) {
                   dataset { id } userErrors { code field message } } }""",
            dataset=dataset,
            upload=self.upload(path, "DATASET"),
        )
        return str(dataset)

    def job(self, job_id: str) -> dict[str, Any]:
        job: dict[str, Any] = self.run(
            """query($id: ID!) { job(id: $id) { status attempt stage result startedAt
                 failure { code message fault } } }""",
            id=job_id,
        )["job"]
        return job

    def ended(self, job_id: str) -> dict[str, Any]:
        """The job, once it has ended."""

        def look() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["status"] in ("SUCCEEDED", "FAILED", "CANCELLED") else None

        found = eventually(look)
        assert found is not None
        return found

    def events(self, of: str | None = None) -> list[dict[str, Any]]:
        page = self.run(
            """query($of: ID) { events(first: 100, of: $of) {
                 nodes { position topic actor causationId correlationId data } } }""",
            of=of,
        )["events"]["nodes"]
        return list(page)

    def benchmark(self, model: str, artifacts: list[str], runs: int) -> str:
        return str(
            self.change(
                """mutation($model: ID!, $artifacts: [ID!]!, $runs: Int!) {
                     modelBenchmark(modelId: $model,
                                    input: {artifactIds: $artifacts, runs: $runs}) {
                       job { id } userErrors { code field message } } }""",
                model=model,
                artifacts=artifacts,
                runs=runs,
            )["job"]["id"]
        )
