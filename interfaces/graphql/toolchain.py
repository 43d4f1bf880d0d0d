"""Toolchains: the environments of libraries that no server has in its own, and who has them."""

import strawberry

from application.jobs.capability import of_installable, of_toolchain
from domain.declared import DECLARATIONS
from domain.model_format import ModelFormat
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field


@strawberry.type(
    description="An environment of its own, pinned by hashes and made where a worker runs: on first"
    " use, or by `edgewise toolchains install`."
)
class Toolchain:
    name: str
    what: str
    packages: list[str] = strawberry.field(description="What it was asked to have.")
    gives: list[ModelFormat] = strawberry.field(description="The formats that its passes make.")
    workers_having: int = strawberry.field(description="How many living workers have it.")
    workers_making: int = strawberry.field(
        description="How many living workers without it would make it when it is needed."
    )


@strawberry.type
class ToolchainQuery:
    @field("What there is besides the server's own libraries.")
    async def toolchains(self, info: Info) -> list[Toolchain]:
        offers = await info.context.present.reads.offers()
        found = []
        for known in info.context.platform.toolchains:
            having = [words for words in offers if of_toolchain(known.name) in words]
            making = [words for words in offers if of_installable(known.name) in words]
            passes = [one for one in DECLARATIONS if one.toolchain == known.name]
            found.append(
                Toolchain(
                    name=known.name,
                    what=known.what,
                    packages=list(known.wanted),
                    gives=list(dict.fromkeys(one.given for one in passes)),
                    workers_having=len(having),
                    workers_making=sum(words not in having for words in making),
                )
            )
        return found
