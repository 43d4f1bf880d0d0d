"""Whether a release's model is well: it is loaded and run on the golden inputs in a process of its
own, so that one which crashes takes nothing else down. Run as a module, this is that process.

It is the first that the kernel ends where memory runs out, and it ends with the agent. What it
finds is a line of JSON on standard output.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edge.protocol.updates import Problem
from edge.update.events import HealthFound

LOOKS_EVERY = 0.05
MOST_WORDS = 500


def check(
    counter: int, request: Mapping[str, Any], seconds: float, go_on: Callable[[], bool]
) -> HealthFound:
    """`request`: `model`, `format`, `golden` (a path, or None), `min_cosine`, `threads`. `go_on`
    False ends it as one that was cut off."""
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "edge.update.health", json.dumps(request)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        why = None
        while child.poll() is None and why is None:
            if time.monotonic() - began > seconds:
                why = f"the health check did not end within {seconds:g} s"
            elif not go_on():
                why = "the health check was given up"
            else:
                time.sleep(LOOKS_EVERY)
        if why is not None:
            child.kill()
        assert child.stdout is not None
        said = child.stdout.read()
    if why is not None:
        return HealthFound(counter, {}, Problem.LOAD_FAILED, why)
    return _found(counter, child.returncode, said)


def _found(counter: int, status: int, said: bytes) -> HealthFound:
    try:
        found = json.loads(said)
        problem = Problem(found["problem"]) if found["problem"] else None
        return HealthFound(counter, found["findings"], problem, found["detail"])
    except (ValueError, KeyError, TypeError):
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        why = f"it ended the process that ran it on the golden inputs ({how})"
        return HealthFound(counter, {}, Problem.CRASHED, why)


def main(request: Mapping[str, Any]) -> dict[str, Any]:
    """What is found; JSON."""
    from edge.inference.runtimes import ModelRefused, load

    began = time.perf_counter()
    try:
        runtime = load(Path(request["model"]), request["format"], int(request["threads"]))
    except ModelRefused as error:
        return _told({}, Problem.LOAD_FAILED, str(error))
    findings: dict[str, Any] = {"load_ms": round((time.perf_counter() - began) * 1_000, 3)}
    if request["golden"] is None:
        return _told(findings, None, None)
    try:
        why = _run(runtime, Path(request["golden"]), float(request["min_cosine"]), findings)
    except (OSError, ValueError, KeyError) as error:
        return _told(findings, Problem.INTERNAL, f"the golden inputs cannot be read: {error}")
    return _told(findings, Problem.GOLDEN_MISMATCH if why else None, why)


def _run(runtime: Any, path: Path, min_cosine: float, findings: dict[str, Any]) -> str | None:
    """What does not agree. Inputs that the model does not take agree with nothing."""
    from edge.inference.runtimes import BadInput
    from edge.update.golden import agrees, read

    samples, outputs, seconds = read(path), [], []
    try:
        for sample in samples:
            given = runtime.stored(sample.inputs)
            began = time.perf_counter()
            found = runtime.run(given)
            seconds.append(time.perf_counter() - began)
            outputs.append(runtime.real(found))
    except BadInput as error:
        findings |= {"samples": len(samples), "agreed": 0}
        return f"sample {len(outputs)}: {error}"
    agreement = agrees(outputs, samples, min_cosine)
    findings |= {
        "samples": agreement.samples,
        "agreed": agreement.agree,
        "lowest": round(agreement.lowest, 6),
        "p50_ms": round(sorted(seconds)[len(seconds) // 2] * 1_000, 4),
    }
    return agreement.problem


def _told(
    findings: Mapping[str, Any], problem: Problem | None, detail: str | None
) -> dict[str, Any]:
    detail = detail[:MOST_WORDS] if detail else None
    return {"findings": findings, "problem": problem, "detail": detail}


def _goes_first() -> None:
    """Where the system lets it."""
    import ctypes
    import signal

    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    except (OSError, AttributeError):
        pass  # then it is not


if __name__ == "__main__":
    _goes_first()
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
