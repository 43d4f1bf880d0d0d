"""A progress that nobody looks at."""


class Silent:
    def tick(self, percent: float, message: str) -> None:
        """Nothing is shown."""
