"""Clients that go on whatever breaks: they ask again, with the same key, until they are answered.

Each writes to the ledger what was acknowledged, and what it was told that cannot be.
"""

import json
import random
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from interfaces.cli.tus_client import PushLost, PushRefused, push
from tests.chaos.ledger import Ledger

PASSING = {"INTERNAL", "UNAVAILABLE", "CONFLICT_TRY_AGAIN", "PROJECTION_LAGGING", "RATE_LIMITED"}
PAUSE = 0.1
REQUEST_SECONDS = 60.0

REGISTER = """mutation($name: String!, $key: String!) {
  modelRegister(name: $name, task: OTHER, idempotencyKey: $key) {
    model { id } userErrors { code field message } } }"""
UPLOADED = """mutation($model: ID!, $upload: ID!) {
  modelVersionUpload(modelId: $model, uploadId: $upload) {
    artifact { id } userErrors { code field message } } }"""
BENCHMARK = """mutation($model: ID!, $artifact: ID!, $key: String!) {
  modelBenchmark(modelId: $model, input: {artifactIds: [$artifact], runs: 2},
                 idempotencyKey: $key) {
    job { id } userErrors { code field message } } }"""
ALIAS = """mutation($model: ID!, $alias: String!, $artifact: ID!) {
  modelAliasMove(modelId: $model, alias: $alias, artifactId: $artifact) {
    model { id } userErrors { code field message } } }"""
ARCHIVE = """mutation($model: ID!) {
  modelArchive(modelId: $model) { model { id } userErrors { code field message } } }"""
RESTORE = """mutation($model: ID!) {
  modelRestore(modelId: $model) { model { id } userErrors { code field message } } }"""


class Stopped(Exception):
    """The load is over; what was being asked stays unanswered."""


class Client(threading.Thread):
    """One client with a file of its own and models of its own."""

    def __init__(
        self, number: int, urls: Sequence[str], token: str, file: Path, ledger: Ledger
    ) -> None:
        super().__init__(name=f"client {number}", daemon=True)
        self.stopping = threading.Event()
        self._number, self._urls, self._token = number, urls, token
        self._file, self._ledger = file, ledger
        self._random = random.Random(number)
        self._http = httpx.Client(
            headers={"authorization": f"Bearer {token}"}, timeout=REQUEST_SECONDS
        )

    def run(self) -> None:
        try:
            while True:
                self._one_story()
        except Stopped:
            pass
        except Exception as error:
            self._ledger.found_wrong(f"client {self._number}: {type(error).__name__}: {error}")

    def _one_story(self) -> None:
        name = f"chaos {self._number} {uuid4().hex[:12]}"
        self._ledger.asked.add(name)
        payload = self._change(REGISTER, name=name, key=uuid4().hex)
        model = str(payload["model"]["id"])
        self._ledger.acknowledge(model, name=name, status="ACTIVE")
        upload = self._upload()
        artifact = str(self._change(UPLOADED, model=model, upload=upload)["artifact"]["id"])
        self._ledger.acknowledge(model, artifact=artifact)
        for _ in range(self._random.randrange(4)):
            alias = self._random.choice(("production", "canary"))
            self._change(ALIAS, model=model, alias=alias, artifact=artifact)
            self._ledger.acknowledge(model, **{f"alias {alias}": artifact})
        if self._random.random() < 0.5:
            key = uuid4().hex
            job = self._change(BENCHMARK, model=model, artifact=artifact, key=key)["job"]["id"]
            self._ledger.acknowledge_job(str(job), model)
            repeated = self._change(BENCHMARK, model=model, artifact=artifact, key=key)["job"]["id"]
            if repeated != job:
                self._ledger.found_wrong(f"key {key} gave jobs {job} and {repeated}")
        for _ in range(self._random.randrange(3)):
            self._change(ARCHIVE, model=model)
            self._ledger.acknowledge(model, status="ARCHIVED")
            self._change(RESTORE, model=model)
            self._ledger.acknowledge(model, status="ACTIVE")

    def _change(self, document: str, **variables: Any) -> dict[str, Any]:
        """The payload of a mutation, asked for until it is answered."""
        while True:
            if self.stopping.is_set():
                raise Stopped
            answer = self._try(document, variables)
            if answer is not None:
                return answer
            self._ledger.tried_again()
            time.sleep(PAUSE * self._random.uniform(0.5, 2))

    def _try(self, document: str, variables: dict[str, Any]) -> dict[str, Any] | None:
        url = self._random.choice(self._urls)
        try:
            answer = self._http.post(
                f"{url}/graphql", json={"query": document, "variables": variables}
            )
            body = answer.json()
        except (httpx.HTTPError, json.JSONDecodeError):
            return None
        if not isinstance(body, dict) or body.get("errors") or not body.get("data"):
            codes = {
                str((error.get("extensions") or {}).get("code"))
                for error in (body.get("errors") if isinstance(body, dict) else None) or ()
            }
            if codes - PASSING:
                raise AssertionError(f"refused: {json.dumps(body)[:500]} for {variables}")
            return None
        (payload,) = body["data"].values()
        if payload is not None and payload["userErrors"]:
            if {error["code"] for error in payload["userErrors"]} <= PASSING:
                return None
            raise AssertionError(f"refused: {payload['userErrors']} for {variables}")
        if payload is None or None in payload.values():  # accepted, and not to be seen yet
            return None
        found: dict[str, Any] = payload
        return found

    def _upload(self) -> str:
        while not self.stopping.is_set():
            try:
                folder = self._file.parent
                url = self._random.choice(self._urls)
                pushed = push(
                    url, self._token, self._file, "MODEL", state_folder=folder, most_tries=3
                )
                return str(pushed.upload_id)
            except (PushLost, httpx.HTTPError):
                self._ledger.tried_again()
            except PushRefused as refused:
                if refused.status < 500:
                    raise
                self._ledger.tried_again()
        raise Stopped
