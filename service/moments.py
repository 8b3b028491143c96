"""Moments: times as people read them."""

from datetime import UTC, datetime
from typing import Final

_EPOCH_END_MS: Final = 253_402_300_800_000  # the year 10000: beyond what datetime can show


def shown(time_ms: int) -> str:
    """Milliseconds since 1970 as a date and time of day: ``2026-11-23 17:05 UTC``."""
    if not 0 <= time_ms < _EPOCH_END_MS:
        return f"{time_ms} ms"
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
