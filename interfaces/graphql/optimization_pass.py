"""What a model can be optimized by: each pass with its format, what it needs and what it reads."""

import strawberry
from strawberry.utils.str_converters import to_camel_case

from domain.declared import DECLARATIONS
from domain.evidence import Evidence
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from domain.pass_declaration import Data, Declaration
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field

strawberry.enum(Data, name="CalibrationUse")


@strawberry.type(description="`evidence` is what its times on a CPU are.")
class OptimizationPass:
    name: Pass
    what: str
    format: ModelFormat = strawberry.field(description="Of what it is done on.")
    gives: ModelFormat = strawberry.field(description="The format of what it makes.")
    needs: list[str] = strawberry.field(description="The Python packages that it imports.")
    toolchain: str = strawberry.field(
        description="The environment that is made for it on first use; empty for the server's own."
    )
    settings: list[str] = strawberry.field(description="The fields of OptimizeInput it reads.")
    calibration: Data
    evidence: Evidence
    hardware: str = strawberry.field(
        description="What runs the file that it makes, in words; empty where a CPU does."
    )

    @classmethod
    def of(cls, declared: Declaration) -> "OptimizationPass":
        return cls(
            name=declared.made_by,
            what=declared.what,
            format=declared.format,
            gives=declared.given,
            toolchain=declared.toolchain,
            needs=list(declared.needs),
            settings=[to_camel_case(name) for name in declared.settings],
            calibration=declared.calibration,
            evidence=declared.evidence,
            hardware=declared.hardware,
        )


@strawberry.type
class OptimizationPassQuery:
    @field("What `modelOptimize` can do.")
    async def optimization_passes(self, info: Info) -> list[OptimizationPass]:
        _ = info.context.caller  # raises for whoever has not signed in
        return [OptimizationPass.of(declared) for declared in DECLARATIONS]
