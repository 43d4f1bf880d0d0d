"""All passes there are, by what they give, and the way from one format to another."""

from dataclasses import dataclass

from domain.declared import core_ml, gguf, onnx, openvino_ir, skops, tensorrt_engine, tflite
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from domain.pass_declaration import Data, Declaration

DECLARATIONS: tuple[Declaration, ...] = (
    *onnx.DECLARATIONS,
    *openvino_ir.DECLARATIONS,
    *skops.DECLARATIONS,
    *tflite.DECLARATIONS,
    *gguf.DECLARATIONS,
    *core_ml.DECLARATIONS,
    *tensorrt_engine.DECLARATIONS,
)


@dataclass(frozen=True, slots=True)
class Route:
    """How a pass is done from one format to another: by itself, or on what a conversion gives."""

    made_by: Declaration
    conversion: Declaration | None = None

    @property
    def steps(self) -> tuple[Declaration, ...]:
        return (self.made_by,) if self.conversion is None else (self.conversion, self.made_by)

    @property
    def toolchain(self) -> str:
        """Where both steps are done: a conversion's environment has what its target needs too."""
        return next((one.toolchain for one in self.steps if one.toolchain), "")

    @property
    def calibration(self) -> Data:
        """Required where a step requires it."""
        return max((one.calibration for one in self.steps), key=list(Data).index)

    @property
    def is_conversion(self) -> bool:
        """Nothing but the format changes."""
        return self.made_by.made_by is Pass.CONVERT

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(need for one in self.steps for need in one.needs))

    @property
    def name(self) -> str:
        """What the variant is called: the pass, and the format first where that is another."""
        takes, gives = self.steps[0].format, self.made_by.given
        if gives is takes:
            return self.made_by.made_by.lower()
        plain = gives.lower()
        return plain if self.is_conversion else f"{plain}_{self.made_by.made_by.lower()}"


def declared(
    made_by: Pass, takes: ModelFormat, gives: ModelFormat | None = None
) -> Declaration | None:
    """How this pass makes a file of the format `gives` (that which it takes, by default) from one
    of the format `takes`; None where nothing does so in one step."""
    wanted = (made_by, takes, gives or takes)
    return next(
        (one for one in DECLARATIONS if (one.made_by, one.format, one.given) == wanted), None
    )


def route(made_by: Pass, takes: ModelFormat, gives: ModelFormat | None = None) -> Route | None:
    """In one step where there is one, else by a conversion and the pass on what that gives."""
    target = gives or takes
    direct = declared(made_by, takes, target)
    if direct is not None:
        return Route(direct)
    conversion = declared(Pass.CONVERT, takes, target) if target is not takes else None
    then = declared(made_by, target)
    return Route(then, conversion) if conversion and then else None


def routes(takes: ModelFormat, gives: ModelFormat | None = None) -> tuple[Route, ...]:
    """Every pass that leads from one format to the other."""
    found = (route(made_by, takes, gives) for made_by in Pass)
    return tuple(one for one in found if one is not None)


def formats() -> tuple[ModelFormat, ...]:
    """What an optimization can start from."""
    return tuple(dict.fromkeys(one.format for one in DECLARATIONS))


def targets(takes: ModelFormat) -> tuple[ModelFormat, ...]:
    """What an artifact of this format can become, itself included where a pass keeps it."""
    return tuple(dict.fromkeys(one.given for one in DECLARATIONS if one.format is takes))
