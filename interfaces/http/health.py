"""`/healthz`: the process answers. `/readyz`: what it stands on is there, each by name.
`/metrics`: figures in Prometheus' text format."""

import asyncio
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge
from prometheus_client import generate_latest as written
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from application.ports.health import Health

PATIENCE = 3.0


def health_routes(health: Health) -> list[Route]:
    """The three routes."""

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        found = await health.dependencies()
        ready = not any(found.values())
        checks = {name: {"ok": not wrong, "error": wrong} for name, wrong in found.items()}
        body = {
            "status": "ready" if ready else "not ready",
            "dependencies": checks,
            **(await _behind(health) if not found.get("postgresql") else {}),
        }
        return JSONResponse(body, status_code=200 if ready else 503)

    async def metrics(request: Request) -> Response:
        registry = CollectorRegistry()
        gauges: dict[str, Gauge] = {}
        for (name, labels), value in (await health.gauges()).items():
            keys = [key for key, _ in labels]
            if name not in gauges:
                gauges[name] = Gauge(name, name, keys, registry=registry)
            gauge = gauges[name]
            (gauge.labels(**dict(labels)) if labels else gauge).set(value)
        own = await run_in_threadpool(written, REGISTRY)
        return Response(own + written(registry), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]


async def _behind(health: Health) -> dict[str, Any]:
    """Positions, topics and figures, and no word of what an event says."""
    try:
        async with asyncio.timeout(PATIENCE):
            following, outbox = await health.following(), await health.outbox()
    except Exception:  # PostgreSQL went away just now, and the next look says so
        return {}
    return {
        "projections": [
            {
                "name": each.name,
                "position": each.position,
                "lag": each.lag,
                "lagSeconds": round(each.lag_seconds, 3),
                "stoppedPosition": each.stopped_position,
                "stoppedTopic": each.stopped_topic,
            }
            for each in following
        ],
        "outbox": [
            {
                "kind": each.kind,
                "waiting": each.waiting,
                "oldestSeconds": round(each.oldest_seconds, 3),
            }
            for each in outbox
        ],
    }
