"""The .xml of an OpenVINO model, read with the standard library alone.

    <net name version>
        <layers> <layer id name type> <data …/> <input/> <output/> </layer> … </layers>
        <edges> <edge from-layer from-port to-layer to-port/> … </edges>
        <rt_info/>
    </net>
A layer of type If, Loop or TensorIterator holds nets of its own, as <body>. Constants name a place
in the .bin by `offset` and `size` in bytes.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

MOST_BYTES = 512 * 2**20
"""Of the document."""
MOST_ELEMENTS = 5_000_000
MOST_DEPTH = 64
FLOATS = ("f64", "f32", "f16", "bf16")
SMALL = ("i8", "u8", "f8e4m3", "i4", "u4", "nf4")
_BITS = {"u1": 1, "u2": 2, "u3": 3, "i4": 4, "u4": 4, "u6": 6, "nf4": 4, "f4e2m1": 4}
WEIGHTED = (
    "Convolution", "ConvolutionBackpropData", "GroupConvolution", "GroupConvolutionBackpropData",
    "MatMul", "LSTMSequence", "GRUSequence", "RNNSequence", "LSTMCell", "GRUCell", "RNNCell",
)  # fmt: skip
_NOT_OPERATORS = ("Const", "Parameter", "Result")
_DECODING = ("Convert", "Multiply", "Subtract", "Reshape", "Transpose", "FakeQuantize",
             "FakeConvert")  # fmt: skip

Element = ElementTree.Element


class Unreadable(ValueError):
    """The document is not what OpenVINO writes; the words say why."""


def parsed(content: bytes) -> Element:
    """The net. Raises Unreadable for what is no such document, and for one that defines entities:
    those may unfold without end, or name files of the machine that reads them."""
    builder, parser = ElementTree.TreeBuilder(), expat.ParserCreate()
    reading = _Bounded(builder)
    parser.StartDoctypeDeclHandler = reading.refuse
    parser.StartElementHandler = reading.begin
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Unreadable(f"it is no whole XML ({error})") from error
    net = builder.close()
    if net.tag != "net":
        raise Unreadable("it is no network of OpenVINO's")
    return net


class _Bounded:
    """Passes elements on to the builder, so many and so deep as OpenVINO may write them."""

    def __init__(self, builder: ElementTree.TreeBuilder) -> None:
        self._builder, self._depth, self._count = builder, 0, 0

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth, self._count = self._depth + 1, self._count + 1
        if self._depth > MOST_DEPTH or self._count > MOST_ELEMENTS:
            raise Unreadable("it has too many elements, or nests them too deep")
        self._builder.start(tag, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._builder.end(tag)

    def refuse(self, *_: object) -> None:
        raise Unreadable("it has a DOCTYPE, which OpenVINO never writes")


def layers(net: Element) -> Iterator[Element]:
    """Of the net and of every net inside it."""
    return net.iter("layer")


def operators(net: Element) -> dict[str, int]:
    """How many layers there are of each type that computes, sorted by name."""
    found = Counter(one.get("type", "?") for one in layers(net))
    return {name: found[name] for name in sorted(found) if name not in _NOT_OPERATORS}


def constants(net: Element) -> Iterator[tuple[str, int, int]]:
    """Element type, offset and bytes of each constant that says where it lies."""
    for _, data in constant_layers(net):
        offset, size = number(data.get("offset", "")), number(data.get("size", ""))
        if offset is not None and size is not None:
            yield data.get("element_type", "?"), offset, size


def constant_layers(net: Element) -> Iterator[tuple[Element, Element]]:
    """Each constant with its data."""
    for one in layers(net):
        data = one.find("data")
        if one.get("type") == "Const" and data is not None:
            yield one, data


def constant_types(net: Element) -> dict[str, int]:
    """Bytes of constants by element type."""
    found: Counter[str] = Counter()
    for kind, _, size in constants(net):
        found[kind] += size
    return dict(found)


def weight_bytes(net: Element) -> int:
    """Bytes of all constants; one that several layers share is counted once."""
    return sum({offset: size for _, offset, size in constants(net)}.values())


def parameters(net: Element) -> int:
    """Numbers in constants of floats and of up to 8 bits; wider integers are shapes and indices."""
    return sum(
        size * 8 // bits
        for kind, _, size in constants(net)
        for bits in [_bits(kind)]
        if kind in FLOATS or bits <= 8
    )


def _bits(kind: str) -> int:
    digits = re.match(r"(?:f|bf|i|u)(\d+)", kind)
    return _BITS.get(kind) or (int(digits[1]) if digits else 8)


def left_float(net: Element) -> dict[str, int]:
    """Layers whose constant weights, the second input, are stored as floats of 16 bits or more."""
    left: Counter[str] = Counter()
    for graph in (net, *net.iter("body")):
        found = {one.get("id"): one for one in graph.findall("layers/layer")}
        makers = {
            (edge.get("to-layer"), edge.get("to-port")): edge.get("from-layer")
            for edge in graph.findall("edges/edge")
        }
        for one in found.values():
            kind = one.get("type", "")
            if (
                kind in WEIGHTED
                and _stored(found, makers, makers.get((one.get("id"), "1"))) in FLOATS
            ):
                left[kind] += 1
    return dict(left)


def _stored(
    found: dict[str | None, Element], makers: dict[Any, str | None], place: str | None
) -> str | None:
    """The element type of the constant that this layer's value is decoded from; None where it is
    computed from the inputs."""
    for _ in range(16):
        one = found.get(place)
        if one is None:
            return None
        if one.get("type") == "Const":
            data = one.find("data")
            return None if data is None else data.get("element_type")
        if one.get("type") not in _DECODING:
            return None
        place = makers.get((place, "0"))
    return None


def number(text: str) -> int | None:
    """None for what is no number of bytes or places."""
    return int(text) if text.isdecimal() and len(text) < 19 else None
