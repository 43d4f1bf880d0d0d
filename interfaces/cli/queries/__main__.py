"""`python -m interfaces.cli.queries`: the CLI's documents by their sha256, to be trusted by a
server (`EDGEWISE_DOCUMENTS_PATH`)."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from hashlib import sha256

from interfaces.cli import queries


def documents() -> Iterator[str]:
    """Every document; what ends in _FIELDS is a part of others."""
    for module in pkgutil.iter_modules(queries.__path__):
        if module.name.startswith("_"):
            continue
        held = vars(importlib.import_module(f"{queries.__name__}.{module.name}"))
        for name, value in held.items():
            if name.isupper() and isinstance(value, str) and not name.endswith("_FIELDS"):
                yield value


if __name__ == "__main__":
    listed = {sha256(text.encode()).hexdigest(): text for text in documents()}
    print(json.dumps(listed, indent=1))  # noqa: T201
