"""What programs on this machine may ask the agent: its status, to log an event, to run the model,
to send now. See `edge.agent.local`."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

from edge.agent.local import Do, Reply
from edge.agent.recording import recording
from edge.inference.module import InferenceModule
from edge.inference.runtimes import BadInput
from edge.store.journal import Journal

MOST_REPEATS = 100_000

Status = Callable[[], Awaitable[dict[str, Any]]]


def requests(
    status: Status, journal: Journal, inference: InferenceModule, send_now: Callable[[], None]
) -> Mapping[str, Do]:
    """By name."""

    async def tell_status(_: Mapping[str, Any], __: bytes) -> Reply:
        return await status(), b""

    async def infer(asked: Mapping[str, Any], payload: bytes) -> Reply:
        repeat = asked.get("repeat", 1)
        if (
            isinstance(repeat, bool)
            or not isinstance(repeat, int)
            or not 1 <= repeat <= MOST_REPEATS
        ):
            raise BadInput(f"repeat is a whole number from 1 to {MOST_REPEATS:,}")
        sha256 = inference.predictor.sha256
        inputs = await asyncio.to_thread(unpacked, payload)
        seconds, outputs = [], {}
        for _ in range(repeat):
            began = perf_counter()
            outputs = await inference.predict(inputs)
            seconds.append(perf_counter() - began)
        packed = await asyncio.to_thread(packed_up, outputs)
        ordered = sorted(seconds)
        told = {
            "model": sha256,
            "count": repeat,
            "p50_ms": round(ordered[len(ordered) // 2] * 1_000, 4),
            "p95_ms": round(ordered[(len(ordered) * 95 - 1) // 100] * 1_000, 4),
        }
        return told, packed

    async def sync(_: Mapping[str, Any], __: bytes) -> Reply:
        send_now()
        return {"asked": True}, b""

    return {**recording(journal), "status": tell_status, "infer": infer, "sync": sync}


def unpacked(content: bytes) -> dict[str, Any]:
    """Arrays by name, of an .npz without objects in it. Raises BadInput."""
    try:
        import numpy as np

        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # numpy and zipfile raise what they like on a bad file
        raise BadInput(f"the inputs are no .npz of plain arrays: {str(error)[:200]}") from None


def packed_up(arrays: Mapping[str, Any]) -> bytes:
    """As .npz."""
    import numpy as np

    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()
