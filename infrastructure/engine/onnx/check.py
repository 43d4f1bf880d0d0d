"""What an ONNX file must be before anything else is done with it; each rule names the node at
fault and the remedy.

In this order: it has outputs; it is within size; it stands alone (no external data, whatever the
path); its operators are known; ONNX's own checker has nothing against it; ONNX Runtime loads it.
"""

from pathlib import Path

import onnx
import onnxruntime

from application.ports.engine import EngineRefusal
from infrastructure.engine.onnx import graph
from infrastructure.engine.onnx.load import parsed
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.refusals import model_refused, not_a_model

MOST_NODES = 200_000
MOST_ELEMENTS = 2**31
RUNTIME_DOMAINS = ("com.microsoft", "ai.onnx.ml")


def checked(file: Path) -> onnx.ModelProto:
    """The model. Raises EngineRefusal."""
    model = parsed(file)
    if not model.graph.node and not model.graph.output:
        raise not_a_model("It is an ONNX file without a graph.")
    try:
        check_shape(model)
        check_alone(model)
        check_opset(model)
        check_operators(model)
    except graph.TooDeep:
        raise model_refused(
            "TOO_COMPLEX",
            f"Subgraphs are nested more than {graph.MOST_DEPTH} deep.",
            "Export the model without nested control flow.",
        ) from None
    _check_rules(model)
    _check_runs(file)
    return model


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


def check_alone(model: onnx.ModelProto) -> None:
    """One file is uploaded; what it refers to outside itself is not there, or not its own."""
    for tensor in graph.tensors(model):
        places = {entry.key: entry.value for entry in tensor.external_data}
        if tensor.data_location == onnx.TensorProto.EXTERNAL or places:
            where = places.get("location", "")[:120]
            raise model_refused(
                "EXTERNAL_DATA",
                f"The weights “{tensor.name[:120]}” are in another file, {where!r}.",
                "Save the model in one file: onnx.save(onnx.load(path), path, "
                "save_as_external_data=False).",
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
    return version is not None and bool(onnx.defs.has(node.op_type, version, domain))


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


def _check_rules(model: onnx.ModelProto) -> None:
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
            "See that onnxruntime.InferenceSession(path) works, and export with another "
            "opset_version if it does not.",
        ) from error


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:600]
