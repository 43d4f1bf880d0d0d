"""`/healthz`: the process answers. `/readyz`: what it stands on is there, each by name.
`/metrics`: figures in Prometheus' text format."""

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge
from prometheus_client import generate_latest as written
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from application.ports.health import Health


def health_routes(health: Health) -> list[Route]:
    """The three routes."""

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        found = await health.dependencies()
        ready = not any(found.values())
        checks = {name: {"ok": not wrong, "error": wrong} for name, wrong in found.items()}
        body = {"status": "ready" if ready else "not ready", "dependencies": checks}
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
        return Response(written(REGISTRY) + written(registry), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]
