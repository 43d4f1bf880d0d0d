"""Numbers that were taken, as ranges that merge. No I/O."""

from bisect import bisect_left

MOST = 1_000


class Ranges:
    """Closed ranges of whole numbers, apart from each other. Over MOST of them, the lowest are
    forgotten: then what they say is learned again."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def add(self, first: int, last: int) -> tuple[int, int]:
        """The range that it is a part of now."""
        low = bisect_left(self._lasts, first - 1)
        high = low
        while high < len(self._firsts) and self._firsts[high] <= last + 1:
            first, last = min(first, self._firsts[high]), max(last, self._lasts[high])
            high += 1
        self._firsts[low:high], self._lasts[low:high] = [first], [last]
        if len(self._firsts) > MOST:
            del self._firsts[0], self._lasts[0]
        return first, last

    def past(self, number: int) -> int:
        """The first number from this one on that is in none."""
        place = bisect_left(self._lasts, number)
        if place < len(self._firsts) and self._firsts[place] <= number:
            return self._lasts[place] + 1
        return number

    def until(self, number: int) -> int | None:
        """The first number of the next range from this one on; None where there is none."""
        place = bisect_left(self._firsts, number)
        return self._firsts[place] if place < len(self._firsts) else None

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(zip(self._firsts, self._lasts, strict=True))
