"""Reading the documents that an installation trusts, from a folder or a file."""

import json
from hashlib import sha256
from pathlib import Path


def hash_of(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def load_documents(path: Path) -> list[str]:
    """The texts in a folder of .graphql files, or in a JSON file {sha256: text}.

    Raises ValueError naming the file."""
    if path.is_dir():
        return [file.read_text("utf-8") for file in sorted(path.rglob("*.graphql"))]
    try:
        listed = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is neither a folder nor a JSON file: {error}") from error
    if not isinstance(listed, dict) or not all(isinstance(text, str) for text in listed.values()):
        raise ValueError(f"{path} must hold one JSON object, of document texts by their sha256.")
    for name, text in listed.items():
        if name.removeprefix("sha256:") != hash_of(text):
            raise ValueError(f"{path}: “{name}” is not the sha256 of its document.")
    return list(listed.values())
