"""Ranges of time in ms, each a start and an end."""

from collections.abc import Sequence

Range = tuple[int, int]


def united(ranges: list[Range]) -> tuple[Range, ...]:
    """The same time as ranges in order, none touching another."""
    united: list[Range] = []
    for start, end in sorted(ranges):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return tuple(united)


def intersection(one: Sequence[Range], other: Sequence[Range]) -> tuple[Range, ...]:
    """The time that is in both."""
    both = ((max(a[0], b[0]), min(a[1], b[1])) for a in one for b in other)
    return united([(start, end) for start, end in both if start < end])


def share(ranges: tuple[Range, ...], whole_ms: int) -> float:
    """How much of so long a time lies in these ranges, 0 to 1."""
    covered = sum(end - start for start, end in ranges)
    return round(min(1.0, covered / whole_ms), 4) if whole_ms else 0.0
