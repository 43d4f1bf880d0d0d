"""A watch that remembers, for tests of what runs in the sandbox."""


class Remembering:
    """Keeps what it is told; `stop_at` names the stage at which it cancels."""

    def __init__(self, stop_at: str | None = None) -> None:
        self.stages: list[str] = []
        self.ticks: list[tuple[float, str]] = []
        self._stop_at = stop_at

    def stage_started(self, name: str) -> None:
        self.stages.append(f"+{name}")

    def stage_finished(self, name: str) -> None:
        self.stages.append(f"-{name}")

    def tick(self, percent: float, message: str) -> None:
        self.ticks.append((percent, message))

    def cancelled(self) -> bool:
        return f"+{self._stop_at}" in self.stages
