"""Records the events of a release as it stores them: `python -m tests.upgrade.record_events`.

Runs the release that previous.txt names (its own processes, on its own database), leads it through
everything that its API can do, and writes each stored event to stored/<commit>.jsonl. Files of
older releases stay: their events are in somebody's database.
"""

import json
import platform
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from demo import digits
from tests.e2e.running import Api, Process
from tests.e2e.test_spine import OPTIMIZE
from tests.patience import eventually
from tests.services.daemon import free_port
from tests.upgrade.previous import Previous, commit, tree_of_previous

STORED = Path(__file__).with_name("stored")
EVENTS = """
SELECT position, recorded_at, tenant_id, originator_id, originator_version, topic, state
FROM events ORDER BY position
"""
ARTIFACTS = """
query($id: ID!) { model(id: $id) { artifacts(first: 9) { nodes { id variant passed } } } }
"""


def mutate(api: Api, field: str, result: str = "eventPosition", **values: object) -> dict:  # type: ignore[type-arg]
    """One mutation with its arguments as JSON literals of GraphQL."""
    given = ", ".join(f"{name}: {_literal(value)}" for name, value in values.items())
    asked = f"{field}({given}) {{ {result} userErrors {{ code message }} }}"
    return api.change(f"mutation {{ {asked} }}")


class Word(str):
    """An enumeration's value."""


def _literal(value: object) -> str:
    if isinstance(value, Word):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_literal(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value)


def lead(api: Api, folder: Path) -> None:
    """Everything that people can do, once."""
    model = api.push_model(folder / "digits.onnx", "digits")
    id = model["id"]
    calibration = api.push_dataset(folder / "digits-calibration.npz", "cal", "CALIBRATION")
    evaluation = api.push_dataset(folder / "digits-evaluation.npz", "eval", "EVALUATION")
    asked = api.change(OPTIMIZE, model=id, calibration=calibration, evaluation=evaluation, key="o")
    assert api.ended(asked["job"]["id"])["status"] == "SUCCEEDED"

    def made() -> list[dict[str, str]]:
        nodes = api.run(ARTIFACTS, id=id)["model"]["artifacts"]["nodes"]
        return list(nodes) if len(nodes) > 3 else []

    variants = {node["variant"]: node["id"] for node in eventually(made) if node["passed"]}
    job = api.benchmark(id, [model["source"]["id"], variants["fp16"]], 3)
    assert api.ended(job)["status"] == "SUCCEEDED"
    job = api.benchmark(id, [model["source"]["id"]], 9900)
    mutate(api, "jobCancel", jobId=job)
    assert api.ended(job)["status"] == "CANCELLED"
    mutate(api, "modelAliasMove", modelId=id, alias="production", artifactId=variants["fp16"])
    mutate(api, "modelAliasRemove", modelId=id, alias="production")
    mutate(api, "artifactRemove", modelId=id, artifactId=variants["fp16"])
    for field in ("modelArchive", "modelRestore", "modelDelete"):
        mutate(api, field, modelId=id)
    mutate(api, "modelRegister", name="digits")
    mutate(api, "datasetDelete", datasetId=evaluation)
    board = {
        "architecture": Word("AARCH64"),
        "cores": 4,
        "memoryBytes": 2**30,
        "runtimes": ["onnxruntime"],
    }
    made_profile = mutate(
        api, "deviceProfileDefine", "deviceProfile { id }", name="board", hardware=board
    )
    profile = made_profile["deviceProfile"]["id"]
    mutate(api, "deviceProfileRevise", deviceProfileId=profile, hardware={**board, "cores": 2})
    mutate(api, "deviceProfileDelete", deviceProfileId=profile)
    key = mutate(api, "apiKeyIssue", "apiKey { id }", label="ci", role=Word("OPERATOR"))
    mutate(api, "apiKeyRevoke", apiKeyId=key["apiKey"]["id"])
    tenant = mutate(api, "tenantRegister", "tenant { id }", name="Acme", plan=Word("FREE"))
    named = tenant["tenant"]["id"]
    mutate(api, "tenantPlanChange", tenantId=named, plan=Word("STARTER"))
    mutate(api, "tenantFlagSet", tenantId=named, flag="edge_ai_models", enabled=True)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="edgewise-record-") as folder:
        base = Path(folder)
        tree = tree_of_previous(base / "tree")
        digits.prepare(base / "digits")
        home, port = base / "home", free_port()
        process = Previous(tree).start(f"up --port {port}", home, {})
        url = f"http://127.0.0.1:{port}"
        waiting = Api(url, "none")
        eventually(lambda: waiting.http.get("/readyz").status_code == 200)
        token = json.loads((home / "credentials.json").read_text())["token"]
        try:
            lead(Api(url, token), base / "digits")
            script = Path(__file__).with_name("supplement.py")
            own = {"PYTHONPATH": str(tree), "EDGEWISE_HOME": str(home), "PATH": "/usr/bin:/bin"}
            subprocess.run([sys.executable, "-P", script], env=own, check=True)
            write(home)
        finally:
            stop(process)


def write(home: Path) -> None:
    from infrastructure.embedded.postgres import EmbeddedPostgres

    STORED.mkdir(exist_ok=True)
    with (
        psycopg.connect(EmbeddedPostgres(home / "postgres").start()) as connection,
        (STORED / f"{commit()}.jsonl").open("w") as file,
    ):
        for position, at, tenant, stream, version, topic, state in connection.execute(EVENTS):
            text = bytes(state).decode().replace(socket.gethostname(), "worker.test")
            text = text.replace(platform.platform(terse=True), "Linux-x86_64")
            row = {
                "position": position,
                "recorded_at": at.isoformat(),
                "tenant_id": str(tenant),
                "originator_id": str(stream),
                "originator_version": version,
                "topic": topic,
                "state": text,
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def stop(process: Process) -> None:
    process.interrupt()


if __name__ == "__main__":
    main()
