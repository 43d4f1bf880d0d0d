"""A client of the schema: one key of one tenant, asking as the HTTP application would."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from strawberry import Schema

from domain.principal import Principal, Role
from domain.upload import Upload, UploadPurpose
from interfaces.graphql.context import Context
from tests.patience import eventually


@dataclass
class Asked:
    """An answer: `data` and errors as a client gets them."""

    data: dict[str, Any] | None
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def code(self) -> str | None:
        return self.errors[0]["extensions"]["code"] if self.errors else None


@dataclass
class Client:
    """One key of one tenant."""

    schema: Schema
    context: Context

    @property
    def tenant_id(self) -> UUID:
        return self.context.tenant_id

    def as_role(self, role: Role) -> "Client":
        assert self.context.principal is not None
        principal = replace(self.context.principal, role=role, platform=False)
        return self.with_principal(principal)

    def with_principal(self, principal: Principal) -> "Client":
        return Client(self.schema, replace(self.context, principal=principal))

    async def ask(self, query: str, /, **variables: Any) -> Asked:
        """Executes a query or mutation, with a context of its own as each HTTP request has."""
        context = replace(self.context, request_id=str(uuid4()))
        result = await self.schema.execute(query, variables, context_value=context)
        return Asked(result.data, [dict(error.formatted) for error in result.errors or []])

    async def data(self, query: str, /, **variables: Any) -> Any:
        """The one field that was asked for; fails on errors."""
        asked = await self.ask(query, **variables)
        assert not asked.errors, asked.errors
        assert asked.data is not None
        return next(iter(asked.data.values()))

    async def subscribe(self, query: str, /, **variables: Any) -> AsyncIterator[Asked]:
        context = replace(self.context, request_id=str(uuid4()))
        results = await self.schema.subscribe(query, variables, context_value=context)
        try:
            async for result in results:
                yield Asked(result.data, [dict(error.formatted) for error in result.errors or []])
        finally:
            await results.aclose()

    async def followed(self, times: int = 1) -> None:
        """Waits until so many subscriptions follow the tenant's log, from the newest event on."""

        def look() -> bool:
            tail = self.context.tails._open.get(self.tenant_id)
            return tail is not None and tail.followers == times and tail._opened.is_set()

        await asyncio.to_thread(eventually, look)

    async def register(self, name: str) -> Any:
        """The payload of modelRegister."""
        return await self.data(REGISTER, name=name)

    async def model_with_source(self, name: str = "digits") -> tuple[str, str]:
        """The ids of a model and of the artifact uploaded for it."""
        model = (await self.register(name))["model"]["id"]
        payload = await self.data(UPLOAD, model=model, upload=self.uploaded())
        assert not payload["userErrors"], payload
        return model, payload["artifact"]["id"]

    def uploaded(self, purpose: UploadPurpose = UploadPurpose.MODEL) -> str:
        """The id of a finished upload."""
        platform, upload_id = self.context.platform, uuid4()
        file = platform.scratch / f"{upload_id}.onnx"
        file.write_bytes(upload_id.bytes)
        ref, now = platform.blobs.put_file(self.tenant_id, file), platform.now()
        upload = Upload(
            upload_id, self.tenant_id, purpose, "model.onnx", ref.bytes, "test", now, now
        )
        platform.uploads.rows.add(upload, 1_000)
        platform.uploads.rows.complete(upload, ref.sha256, now, now + timedelta(days=7))
        return str(upload_id)


REGISTER = """mutation ($name: String!, $key: String) {
  modelRegister(name: $name, idempotencyKey: $key) {
    model { id name status position } eventPosition userErrors { field message code }
  }
}"""
UPLOAD = """mutation ($model: ID!, $upload: ID!) {
  modelVersionUpload(modelId: $model, uploadId: $upload) {
    artifact { id version variant } eventPosition userErrors { field message code }
  }
}"""
