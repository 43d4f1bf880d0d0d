"""What a model can be optimized by: each pass with its format, what it needs and what it reads."""

import strawberry
from strawberry.utils.str_converters import to_camel_case

from domain.evidence import Evidence
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from domain.pass_declaration import DECLARATIONS, Data, Declaration
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field

strawberry.enum(Data, name="CalibrationUse")


@strawberry.type(description="`evidence` is what its times on a CPU are.")
class OptimizationPass:
    name: Pass
    what: str
    format: ModelFormat = strawberry.field(description="Of the source and of what is made.")
    needs: list[str] = strawberry.field(description="The Python packages that it imports.")
    settings: list[str] = strawberry.field(description="The fields of OptimizeInput it reads.")
    calibration: Data
    evidence: Evidence

    @classmethod
    def of(cls, declared: Declaration) -> "OptimizationPass":
        return cls(
            name=declared.made_by,
            what=declared.what,
            format=declared.format,
            needs=list(declared.needs),
            settings=[to_camel_case(name) for name in declared.settings],
            calibration=declared.calibration,
            evidence=declared.evidence,
        )


@strawberry.type
class OptimizationPassQuery:
    @field("What `modelOptimize` can do.")
    async def optimization_passes(self, info: Info) -> list[OptimizationPass]:
        _ = info.context.caller  # raises for whoever has not signed in
        return [OptimizationPass.of(declared) for declared in DECLARATIONS]
