"""Inputs and outputs called in a way that every converter leaves alone, and what they are called in
the source."""

from collections.abc import Iterator
from dataclasses import dataclass

import onnx


@dataclass(frozen=True, slots=True)
class Named:
    """`plain` has the new name for the source's, `source` the source's for the new one."""

    model: onnx.ModelProto
    plain: dict[str, str]
    source: dict[str, str]


def plainly_named(model: onnx.ModelProto) -> Named:
    """Changes the model. Its inner graphs see the outer names, so they are renamed too."""
    weights = {one.name for one in model.graph.initializer}
    inputs = [one.name for one in model.graph.input if one.name not in weights]
    outputs = [one.name for one in model.graph.output if one.name not in inputs]
    plain = {name: f"edgewise_in_{place}" for place, name in enumerate(inputs)}
    plain |= {name: f"edgewise_out_{place}" for place, name in enumerate(outputs)}
    for graph in _graphs(model.graph):
        for node in graph.node:
            node.input[:] = [plain.get(name, name) for name in node.input]
            node.output[:] = [plain.get(name, name) for name in node.output]
        for value in (*graph.input, *graph.output, *graph.value_info):
            value.name = plain.get(value.name, value.name)
        for weight in graph.initializer:
            weight.name = plain.get(weight.name, weight.name)
    return Named(model, plain, {new: old for old, new in plain.items()})


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _graphs(attribute.g)
            for one in attribute.graphs:
                yield from _graphs(one)
