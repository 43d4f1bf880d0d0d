"""The schema.json of a .skops file, read without scikit-learn: nothing in it is constructed.

    {"__class__", "__module__", "__loader__", "content": …}
An estimator's content is a dict of its attributes. A JsonNode's content is JSON; an array's `file`
names an .npy entry of the zip.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from infrastructure.engine import archive
from infrastructure.engine.refusals import model_refused, not_a_model

NAME = "schema.json"
MOST_BYTES = 256 * 2**20
SAFE_MODULES = ("sklearn", "numpy", "scipy", "builtins", "functools", "collections")
"""Packages whose types skops may know to be safe; what it makes of each is its own decision."""

Node = dict[str, Any]


def read(file: Path) -> Node:
    """The root. Raises EngineRefusal for what cannot be read, or is too large."""
    size = {one.filename: one.file_size for one in archive.entries(file)}.get(NAME)
    if size is None:
        raise not_a_model("The zip has no schema.json, so it is no .skops file.")
    if size > MOST_BYTES:
        raise model_refused(
            "TOO_LARGE",
            f"The schema.json has {size:,} bytes; {MOST_BYTES:,} are allowed.",
            "Use a model with fewer parts.",
        )
    try:
        with zipfile.ZipFile(file) as opened:
            found = json.loads(opened.read(NAME))
    except (ValueError, RecursionError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise not_a_model(
            f"The schema.json of the .skops file cannot be read ({str(error)[:200]}).",
            "Save it again: skops.io.dump(model, “model.skops”).",
        ) from error
    if not isinstance(found, dict) or "__class__" not in found or "protocol" not in found:
        raise not_a_model("The schema.json in the zip is not of a skops file.")
    return found


def nodes(root: Node) -> Iterator[Node]:
    """Every node, in no order that means anything."""
    waiting: list[Any] = [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("__class__"), str):
                yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def type_of(node: Node) -> str:
    return f"{node.get('__module__')}.{node['__class__']}"


def strange_types(root: Node) -> list[str]:
    """Types of packages that skops knows nothing of."""
    found = {type_of(one) for one in nodes(root)}
    return sorted(name for name in found if name.split(".")[0] not in SAFE_MODULES)


def estimators(root: Node) -> dict[str, int]:
    """How many objects of scikit-learn there are of each class, sorted by name."""
    found: dict[str, int] = {}
    for one in nodes(root):
        if (
            str(one.get("__module__")).startswith("sklearn.")
            and one.get("__loader__") != "TypeNode"
        ):
            found[one["__class__"]] = found.get(one["__class__"], 0) + 1
    return dict(sorted(found.items()))


def attribute(node: Node, name: str) -> Any:
    """An attribute's node, or what it says where that is JSON; None without it."""
    found = _attributes(node).get(name)
    if isinstance(found, dict) and found.get("is_json"):
        try:
            return json.loads(found["content"])
        except (ValueError, TypeError, KeyError):
            return None
    return found


def last_step(root: Node) -> Node:
    """Of a pipeline its last step, of pipelines in pipelines too; else the node itself."""
    for _ in range(16):
        steps = attribute(root, "steps")
        try:
            root = steps["content"][-1]["content"][1]
        except (KeyError, IndexError, TypeError):
            return root
    return root


def first_with(root: Node, name: str) -> Any:
    """The attribute of the node itself, or of the first step of a pipeline that has it."""
    found = attribute(root, name)
    steps = attribute(root, "steps")
    if found is not None or not isinstance(steps, dict):
        return found
    for step in steps.get("content", ()):
        try:
            found = first_with(step["content"][1], name)
        except (KeyError, IndexError, TypeError):
            continue
        if found is not None:
            return found
    return None


def _attributes(node: Node) -> Node:
    content = node.get("content")
    inner = content.get("content") if isinstance(content, dict) else None
    return inner if isinstance(inner, dict) else {}


def array_header(file: Path, node: Any) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
    """Shape and dtype of an array, from the head of its .npy entry; None where it is no array."""
    if not isinstance(node, dict) or not isinstance(node.get("file"), str):
        return None
    try:
        with zipfile.ZipFile(file) as opened, opened.open(node["file"]) as stream:
            version = np.lib.format.read_magic(stream)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(stream)
    except (KeyError, ValueError, zipfile.BadZipFile):
        return None
    return shape, dtype
