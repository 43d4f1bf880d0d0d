"""What is printed for people, in one place."""


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def size(count: float) -> str:
    """Bytes, readable."""
    for unit in ("B", "KB", "MB", "GB"):
        if abs(count) < 1_000 or unit == "GB":
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1_000
    return ""
