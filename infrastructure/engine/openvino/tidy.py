"""Makes a saved OpenVINO model say the same each time it is made.

OpenVINO calls a layer that has no name of its own by its type and a counter of the process, such
as `Constant_2363`, and notes the file that a model was converted from. Such names become the
layer's type and place, `Const:12`; the note is left out.
"""

import re
from collections.abc import Collection
from pathlib import Path

_LAYER = re.compile(r'(<layer id="(\d+)" name=")([^"]*)(" type="([^"]*)")')
_COUNTER = re.compile(r"[A-Z][A-Za-z0-9]*_\d+")
_NOTE = re.compile(r"\s*<conversion_parameters>.*?</conversion_parameters>", re.S)


def tidy(xml: Path, known: Collection[str]) -> None:
    """Rewrites the file. `known` are names that the source has itself, and keep."""

    def renamed(found: re.Match[str]) -> str:
        before, place, name, after, kind = found.groups()
        if name in known or not _COUNTER.fullmatch(name):
            return found[0]
        called = f"{kind}:{place}"
        while called in known:
            called += "'"
        return f"{before}{called}{after}"

    text = _LAYER.sub(renamed, xml.read_text(encoding="utf-8"))
    xml.write_text(_NOTE.sub("", text), encoding="utf-8")
