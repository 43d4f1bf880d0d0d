"""The routes of uploads and downloads in a process that a test can kill.

Arguments: port, data folder, conninfo of the application role and of the system role.

The bearer token names the caller: `<role>@<tenant>`. Links are signed with a fixed key.
"""

import sys
from pathlib import Path
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request

from application.commands.upload import Uploads
from domain.principal import Principal, Role
from domain.refusal import Refusal, RefusalCode
from infrastructure.blobs.local import LocalBlobs
from infrastructure.blobs.signed_links import SignedLinks
from infrastructure.postgres.database import Database
from infrastructure.postgres.uploads import PostgresUploads
from infrastructure.uploads.local_staging import LocalStaging
from interfaces.http.downloads import download_routes
from interfaces.http.tus import tus_routes

LIMIT = 2_000_000_000


async def authenticate(request: Request) -> Principal:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    role, _, tenant = token.partition("@")
    if not tenant:
        raise Refusal(RefusalCode.UNAUTHENTICATED, "Send a key.")
    return Principal(UUID(tenant), "key:test", Role(role))


def app(port: int, folder: Path, app_url: str, system_url: str) -> Starlette:
    database = Database(app_url, system_url)
    database.open()
    blobs = LocalBlobs(folder / "blobs")
    staging = LocalStaging(folder / "staging", blobs)
    uploads = Uploads(PostgresUploads(database), staging, lambda tenant: LIMIT)
    links = SignedLinks("a key for tests", f"http://127.0.0.1:{port}")
    return Starlette(routes=[*tus_routes(uploads, authenticate), *download_routes(blobs, links)])


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(
        app(port, Path(sys.argv[2]), *sys.argv[3:5]),
        host="127.0.0.1",
        port=port,
        log_level="warning",
    )
