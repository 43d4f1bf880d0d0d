"""Maintenance windows: when a device may be updated, by its own clock."""

from datetime import datetime, timedelta

from domain.rollout_plan import Window

_DAY_MINUTES = 1_440


def is_open(window: Window, now: datetime, offset: int) -> bool:
    """`offset` is the device's from UTC, in minutes. A window over midnight belongs to the day on
    which it begins."""
    local = now + timedelta(minutes=offset)
    minute = local.hour * 60 + local.minute
    today, yesterday = local.isoweekday(), (local.isoweekday() - 2) % 7 + 1
    begin, end = window.from_minute, window.to_minute
    if begin < end:
        return today in window.days and begin <= minute < end
    return (today in window.days and minute >= begin) or (yesterday in window.days and minute < end)


def opens_at(window: Window, now: datetime, offset: int) -> datetime:
    """When it opens next, `now` where it is open."""
    if is_open(window, now, offset):
        return now
    local = now + timedelta(minutes=offset)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    for days in range(9):
        begins = midnight + timedelta(days=days, minutes=window.from_minute)
        if begins > local and begins.isoweekday() in window.days:
            return begins - timedelta(minutes=offset)
    raise AssertionError("a window opens on some day of the week")
