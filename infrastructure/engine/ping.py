"""The smallest task: shows that a process can be started the way that was chosen."""

import os
from pathlib import Path
from typing import Any

from infrastructure.engine.reporting import Reporter


def ping(request: dict[str, Any], _reporter: Reporter) -> dict[str, Any]:
    """Writes a file in the scratch folder and tells who and where it is."""
    Path("ping").write_text("pong")
    return {"uid": os.getuid(), "cwd": os.getcwd(), "echo": request}
