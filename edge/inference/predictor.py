"""Runs a model, with a cache of results by input and a window of what it did. Thread-safe."""

import hashlib
import threading
from collections import OrderedDict
from time import perf_counter
from typing import TYPE_CHECKING, Any

from edge.inference.runtimes import Runtime
from edge.inference.window import Window

if TYPE_CHECKING:
    from edge.inference.runtimes import Arrays


class Predictor:
    """`entries`: how many results are remembered; 0 for none. `sha256` is the model's."""

    def __init__(self, runtime: Runtime, sha256: str, entries: int) -> None:
        self.runtime, self.sha256 = runtime, sha256
        self._entries = entries
        self._cache: OrderedDict[bytes, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()
        self.window = Window()

    def predict(self, inputs: "Arrays") -> dict[str, Any]:
        """Outputs by name; of a cached result the very same arrays, so do not write to them.

        Raises BadInput."""
        return self._cached(inputs) if self._entries else self._ran(inputs)

    def _ran(self, inputs: "Arrays") -> dict[str, Any]:
        began = perf_counter()
        try:
            found = self.runtime.run(inputs)
        except Exception:
            self.window.failed()
            raise
        self.window.ran(perf_counter() - began)
        return found

    def _cached(self, inputs: "Arrays") -> dict[str, Any]:
        key = digest(inputs)
        with self._lock:
            if (known := self._cache.get(key)) is not None:
                self._cache.move_to_end(key)
                self.window.known()
                return known
        found = self._ran(inputs)
        with self._lock:
            self._cache[key] = found
            while len(self._cache) > self._entries:
                self._cache.popitem(last=False)
        return found


def digest(inputs: "Arrays") -> bytes:
    """sha256 of names, types, shapes and bytes."""
    import numpy as np

    sha = hashlib.sha256()
    for name in sorted(inputs):
        array = np.ascontiguousarray(inputs[name])
        sha.update(f"{len(name)}:{name}|{array.dtype.str}|{array.shape}|".encode())
        sha.update(array.reshape(-1).view(np.uint8).data if array.size else b"")
    return sha.digest()
