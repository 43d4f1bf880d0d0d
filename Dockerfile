# One image for every process of the server: api, projector, worker, migrate.
FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
ENV UV_PROJECT_ENVIRONMENT=/opt/edgewise UV_LINK_MODE=copy UV_NO_CACHE=1
COPY requirements.lock pyproject.toml README.md ./
# uv itself is taken from the lock too, checked by its hash.
RUN awk '/^uv==/ {on = 1} on {print} on && !/\\$/ {exit}' requirements.lock > uv.lock.txt \
    && pip install --no-cache-dir --require-hashes -r uv.lock.txt \
    && uv venv /opt/edgewise
# What the server needs of the lock, and nothing of what tests and tools need. The lock is the
# constraint: another version, or another hash than the locked one, is refused.
RUN uv pip install --python /opt/edgewise/bin/python --compile-bytecode \
    --constraint requirements.lock -r pyproject.toml
COPY domain domain
COPY application application
COPY infrastructure infrastructure
COPY interfaces interfaces
COPY migrations migrations
COPY edge edge
COPY deploy/mosquitto deploy/mosquitto
RUN uv pip install --python /opt/edgewise/bin/python --no-deps --compile-bytecode .

FROM python:3.11.13-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends bubblewrap \
    && rm -rf /var/lib/apt/lists/* \
    # The broker's container reads as this group what the platform publishes for it.
    && groupadd --gid 10001 edgewise \
    && useradd --create-home --uid 10001 --gid 10001 edgewise \
    # A volume takes its owner from the folder that it is mounted on.
    && install -d -o edgewise -g edgewise -m 0700 /home/edgewise/data \
    && install -d -o edgewise -g edgewise -m 0750 /home/edgewise/trust
COPY --from=build /opt/edgewise /opt/edgewise
# A worker makes the environments of toolchains with it.
COPY --from=build /usr/local/bin/uv /opt/edgewise/bin/uv
ENV PATH=/opt/edgewise/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    UV_CACHE_DIR=/home/edgewise/data/uv-cache \
    EDGEWISE_HOME=/home/edgewise/data EDGEWISE_HOST=0.0.0.0 EDGEWISE_METRICS_PORT=9090
USER edgewise
WORKDIR /home/edgewise
EXPOSE 8080 9090
# The API answers on 8080, a worker and a projector on 9090.
HEALTHCHECK --interval=10s --timeout=9s --start-period=20s --retries=6 \
    CMD python -m interfaces.probe 8080 /healthz || python -m interfaces.probe 9090 /healthz
ENTRYPOINT ["edgewise"]
