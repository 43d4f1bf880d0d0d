"""What an ONNX file must be before anything else is done with it; each rule names the node at
fault and the remedy.

In this order: it has outputs; it is within size; its weights are in it, or in the files that were
uploaded with it; its operators are known; ONNX's own checker has nothing against it; ONNX Runtime
loads it.
"""

from pathlib import Path

import onnx
import onnxruntime

from application.ports.engine import EngineRefusal
from infrastructure.engine.onnx import graph
from infrastructure.engine.onnx.external import check_places
from infrastructure.engine.onnx.load import parsed
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.refusals import model_refused, not_a_model

MOST_NODES = 200_000
MOST_ELEMENTS = 2**31
RUNTIME_DOMAINS = ("com.microsoft", "ai.onnx.ml")


def checked(file: Path, folder: Path | None = None) -> onnx.ModelProto:
    """The model, without its external data, which must be in `folder`. Raises EngineRefusal."""
    model = parsed(file)
    if not model.graph.node and not model.graph.output:
        raise not_a_model("It is an ONNX file without a graph.")
    try:
        check_texts(model)
        check_shape(model)
        check_places(model, file, folder)
        check_opset(model)
        check_operators(model)
    except graph.TooDeep:
        raise model_refused(
            "TOO_COMPLEX",
            f"Subgraphs are nested more than {graph.MOST_DEPTH} deep.",
            "Export the model without nested control flow.",
        ) from None
    _check_rules(model if folder is None else str(file))
    _check_runs(file)
    return model


def check_texts(model: onnx.ModelProto) -> None:
    """Protobuf gives a text that is not UTF-8 as bytes, which no library expects."""
    values = (*model.graph.input, *model.graph.output)
    texts = [one.name for one in (*values, *graph.tensors(model))]
    texts += [dim.dim_param for one in values for dim in one.type.tensor_type.shape.dim]
    texts += [one.domain for one in model.opset_import]
    for node in graph.nodes(model):
        texts += (node.op_type, node.domain, node.name, *node.input, *node.output)
    odd = next((one for one in texts if not isinstance(one, str)), None)
    if odd is not None:
        raise model_refused(
            "INVALID_MODEL",
            f"The name {str(odd)[:80]} is no text.",
            "It may have been damaged on the way. Export and upload it again.",
        )


def check_shape(model: onnx.ModelProto) -> None:
    if not model.graph.output:
        raise model_refused(
            "NO_OUTPUTS",
            "The graph has no outputs, so it computes nothing.",
            "Name the outputs when exporting: output_names=[…].",
        )
    count = sum(1 for _ in graph.nodes(model))
    if count > MOST_NODES:
        raise model_refused(
            "TOO_COMPLEX",
            f"The graph has {count:,} nodes; {MOST_NODES:,} are allowed.",
            "Export without unrolling loops.",
        )
    for value in (*model.graph.input, *model.graph.output):
        _check_dimensions(value)


def _check_dimensions(value: onnx.ValueInfoProto) -> None:
    elements = 1
    for dimension in value.type.tensor_type.shape.dim:
        elements *= max(1, dimension.dim_value)
    if elements > MOST_ELEMENTS:
        raise model_refused(
            "TOO_LARGE",
            f"“{value.name[:120]}” declares {elements:,} numbers; {MOST_ELEMENTS:,} are allowed.",
            "Check the shapes that the model was exported with.",
        )


def check_opset(model: onnx.ModelProto) -> None:
    version, newest = graph.opset(model), onnx.defs.onnx_opset_version()
    if version is not None and not 1 <= version <= newest:
        raise model_refused(
            "UNKNOWN_OPSET",
            f"The model is written in opset {version}; this server knows 1 to {newest}.",
            f"Export the model with opset_version={min(newest, 21)}.",
        )


def check_operators(model: onnx.ModelProto) -> None:
    """Every operator is ONNX's, one of the model's own functions, or known to ONNX Runtime."""
    versions = {one.domain: one.version for one in model.opset_import}
    functions = {(one.domain, one.name) for one in model.functions}
    runtime = {
        (schema.domain, schema.name)
        for schema in onnxruntime.capi.onnxruntime_pybind11_state.get_all_operator_schema()
        if schema.domain in RUNTIME_DOMAINS
    }
    for node in graph.nodes(model):
        kind = (node.domain, node.op_type)
        if kind not in functions and kind not in runtime and not _standard(node, versions):
            raise _unknown_operator(node, versions)


def _standard(node: onnx.NodeProto, versions: dict[str, int]) -> bool:
    domain = "" if node.domain == "ai.onnx" else node.domain
    version = versions.get(domain, versions.get("ai.onnx" if domain == "" else domain))
    if version is None or not 0 < version < 2**31:  # what onnx.defs can be asked for
        return False
    return bool(onnx.defs.has(node.op_type, version, domain))


def _unknown_operator(node: onnx.NodeProto, versions: dict[str, int]) -> EngineRefusal:
    name = node.name or "/".join(node.output)
    if onnx.defs.has(node.op_type, "" if node.domain == "ai.onnx" else node.domain):
        version = versions.get(node.domain, "none")
        told = f"it is not in opset {version}, which the model names"
        remedy = "Export the model with a newer opset_version."
    else:
        told = f"nobody defines it in the domain “{(node.domain or 'ai.onnx')[:80]}”"
        remedy = (
            "Export with standard operators only, or define it as a function in the model "
            "(custom operators need a library, which is not taken)."
        )
    return model_refused(
        "UNKNOWN_OPERATOR",
        f"The node “{name[:120]}” uses the operator {node.op_type[:80]}: {told}.",
        remedy,
    )


def _check_rules(model: onnx.ModelProto | str) -> None:
    """Of a file's path, the checker looks at the files beside it too."""
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise model_refused(
            "INVALID_MODEL",
            f"ONNX's checker refuses it: {_short(error)}",
            "Export it again, and see that onnx.checker.check_model(path) is content.",
        ) from error


def _check_runs(file: Path) -> None:
    try:
        open_session(file, threads=1)
    except MemoryError:
        raise
    except Exception as error:  # onnxruntime raises a class of its own for each status code
        raise model_refused(
            "NOT_RUNNABLE",
            f"ONNX Runtime {onnxruntime.__version__} does not load it: {_short(error)}",
            _remedy(str(error)),
        ) from error


def _remedy(told: str) -> str:
    """By what ONNX Runtime says most often."""
    if "Unsupported model IR version" in told:
        return (
            "Set a lower ir_version and save the model again: model = onnx.load(path); "
            "model.ir_version = 10; onnx.save(model, path)."
        )
    if "is under development" in told:
        return "Export with the opset_version of a released ONNX, such as 21."
    if "NOT_IMPLEMENTED" in told:
        return "Export with tensors of another type there, such as float32 or int64."
    return (
        "See that onnxruntime.InferenceSession(path) works, and export with another "
        "opset_version if it does not."
    )


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:600]
