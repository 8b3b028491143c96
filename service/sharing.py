"""Sharing: what each process of a service counts, where the others see it.

One map of memory that the parent makes and all its children inherit; no file, no socket. Each
process writes into its own place, every other one reads: whichever is asked for the metrics can
answer for all. A process that is begun anew goes on from what the one before it had counted.
"""

import json
import mmap
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

PLACE_BYTES: Final = 512 * 1024  # some ten times what all routes, codes and buckets take
EACH_S: Final = 2.0  # between two writings: a fraction of the time between two scrapes
_HEAD: Final = struct.Struct("<II")  # length, CRC-32: a half-written place is not read
_TRIES: Final = 20
_ONLY_COUNTS: Final = ("counter", "histogram")
# Of these every process says the same; all others are added up.
_SAME_FOR_ALL: Final = frozenset(
    [
        "process_max_fds",
        "process_start_time_seconds",
        "recirc_build",
        "recirc_index_frames",
        "recirc_list_changed_timestamp_seconds",
        "recirc_lists",
        "recirc_references",
    ]
)
Key = tuple[str, tuple[tuple[str, str], ...]]


class Board:
    """The places of all processes. To be made before they are forked."""

    def __init__(self, places: int) -> None:
        self.places = places
        self._map = mmap.mmap(-1, places * PLACE_BYTES)

    def write(self, place: int, families: Iterable[Metric]) -> None:
        """Show what a process has counted; more than there is room for is not shown."""
        written = json.dumps([_plain(one) for one in families], separators=(",", ":")).encode()
        if len(written) > PLACE_BYTES - _HEAD.size:
            return
        start = place * PLACE_BYTES
        self._map[start + _HEAD.size : start + _HEAD.size + len(written)] = written
        self._map[start : start + _HEAD.size] = _HEAD.pack(len(written), zlib.crc32(written))

    def read(self, place: int) -> list[Metric]:
        """What a process has shown last; nothing where it has not, or is always at it."""
        start = place * PLACE_BYTES
        for _ in range(_TRIES):
            length, checksum = _HEAD.unpack_from(self._map, start)
            written = self._map[start + _HEAD.size : start + _HEAD.size + length]
            if length and zlib.crc32(written) == checksum:
                return [_family(one) for one in json.loads(written)]
        return []


@dataclass(frozen=True, slots=True)
class Place:
    """One process's place among all."""

    board: Board
    number: int


class Together(Collector):
    """The counts of all processes, as one of them answers for all."""

    def __init__(self, own: Collector, board: Board, place: int) -> None:
        self._own = own
        self._board = board
        self._place = place
        self._before = [one for one in board.read(place) if one.type in _ONLY_COUNTS]

    def collect(self) -> Iterator[Metric]:
        """Everything, added up where that means something."""
        others = [place for place in range(self._board.places) if place != self._place]
        yield from added([self._mine(), *(self._board.read(place) for place in others)])

    def show(self) -> None:
        """Let the others see what this process has counted."""
        self._board.write(self._place, self._mine())

    def _mine(self) -> list[Metric]:
        """What this process and those before it in its place have counted."""
        return list(added([list(self._own.collect()), self._before]))


def added(processes: Iterable[Iterable[Metric]]) -> Iterator[Metric]:
    """The families of several processes as those of one."""
    families: dict[str, Metric] = {}
    values: dict[str, dict[Key, float]] = {}
    for process in processes:
        for family in process:
            families.setdefault(family.name, family)
            sums = values.setdefault(family.name, {})
            for sample in family.samples:
                key = (sample.name, tuple(sample.labels.items()))
                if family.name in _SAME_FOR_ALL and key in sums:
                    sums[key] = max(sums[key], sample.value)
                else:
                    sums[key] = sums.get(key, 0.0) + sample.value
    for name, first in families.items():
        made = Metric(name, first.documentation, first.type)
        made.samples = [
            Sample(sample, dict(labels), value) for (sample, labels), value in values[name].items()
        ]
        yield made


Plain = list[str | list[list[str | float | Mapping[str, str]]]]


def _plain(family: Metric) -> Plain:
    samples: list[list[str | float | Mapping[str, str]]] = [
        [one.name, one.labels, one.value] for one in family.samples
    ]
    return [family.name, family.documentation, family.type, samples]


def _family(plain: list[object]) -> Metric:
    name, text, kind, samples = plain
    if not isinstance(samples, list):
        raise TypeError("samples are a list")
    made = Metric(str(name), str(text), str(kind))
    made.samples = [Sample(one[0], one[1], one[2]) for one in samples]
    return made
