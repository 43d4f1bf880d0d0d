"""The inputs and outputs of a TFLite file, called as in the model that it was made from: people
feed it by these names, and a variant is compared with its source by them."""

from collections.abc import Sequence
from typing import Any

from infrastructure.engine.litert import flatbuffer


def renamed(model: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """The model, `inputs` and `outputs` being names in its own order. The signature follows."""
    graph = model.subgraphs[0]
    places = [*map(int, graph.inputs), *map(int, graph.outputs)]
    names = [name.encode() for name in (*inputs, *outputs)]
    taken = set(names)
    for place, tensor in enumerate(graph.tensors):
        if place not in places and tensor.name in taken:
            tensor.name += b"/inner"  # the quantizer tells tensors by their names
    for place, name in zip(places, names, strict=True):
        graph.tensors[place].name = name
    model.signatureDefs = None
    return flatbuffer.with_signature(model)
