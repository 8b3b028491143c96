"""Buckets: multi-index hashing over 256-bit hashes (Norouzi, Punjani, Fleet 2012).

Tables from the values of chunks to the hashes that have them (``hashing.chunks``). A look-up asks
for each chunk's value and for those a bit or two beside it, passes over what the signatures tell
apart, and compares the rest in full. Every pair within 31 bits is found; farther ones in part:
``benchmarks/index.py`` has the shares.

Equal hashes have one entry together, no bucket has many more than ``CROWD`` entries, and a query
is done once it has ``MOST_ROWS_A_QUERY`` pairs: a list with a million equal or nearly equal hashes
costs about as much as another. ``crowded_out`` says how many hashes are missing from some bucket
for that; of these alone a near pair may be missed, and of a query that is near so many others.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from hashing import bits, chunks
from hashing.chunks import SIGNATURE_BITS, Layout

EXACT_BITS: Final = chunks.EXACT_BITS
MOST_HASHES: Final = 1 << 28  # of 14 tables each, so that a place fits 32 bits
# From here on fewer, longer chunks are as quick and take less memory; their tables take 19 MB.
LONG_CHUNKS_FROM: Final = 2_000_000
# Entries of a bucket at most, or so many times the mean: those of one clip's neighbouring frames
# are 50 to 95 times as full as by chance, and ten million frames make 19 to 38 a bucket by chance.
CROWD: Final = 1024
_CROWD_MEANS: Final = 16
# Pairs of one query that are kept: of one reference the alignment takes 24 a frame, and a clip that
# is near twenty references by this one frame has others to tell them apart.
MOST_ROWS_A_QUERY: Final = 512
_ROW_BITS: Final = 28  # of MOST_HASHES
_DISTANCE_BITS: Final = 9  # 256 as well
_CANDIDATES: Final = 1 << 16  # looked at together: a core's second-level cache holds them
_ASKED: Final = 1 << 15  # buckets asked for together, of as many chunks as that is
_ROW: Final = np.uint64(0xFFFFFFFF)
_ABOVE: Final = np.uint64(32)  # bits: where an entry's signature begins
_MIX: Final = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64
)  # odd numbers without pattern (of splitmix64 and xxHash): to sort equal hashes together

Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint16]]


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The arrays behind ``Buckets``: flat, so that a file can hold them as they are.

    ``bucket_starts`` uint32: for each chunk and value where its entries begin; one more at the end.
    ``entries`` uint64: signature << 32 | row. ``twins``, ``twin_of`` uint32 (k,): rows that have no
    entry, and the earlier row of each that has the same hash, in order of the latter.
    """

    bucket_starts: NDArray[np.uint32]
    entries: NDArray[np.uint64]
    twin_of: NDArray[np.uint32]
    twins: NDArray[np.uint32]
    crowded_out: int


class Buckets:
    """Look-ups in some hashes, uint8 (n, 32)."""

    def __init__(self, hashes: NDArray[np.uint8], tables: Tables | None = None) -> None:
        """Builds the tables unless they are given: a few microseconds a hash."""
        self._words = bits.words(hashes)
        self.layout = layout_for(len(hashes))
        self.tables = build(hashes, self.layout) if tables is None else tables
        self._rows: _Rows | None = None  # which rows are looked for; None is all

    def only(self, kept: NDArray[np.bool_]) -> Self:
        """The same for some of the rows, bool (n,): the others are not there, nor in its way."""
        some = copy(self)
        some._rows = _Rows.of(kept, self.tables)
        return some

    @property
    def crowded_out(self) -> int:
        """Hashes that are missing from a bucket because it was too full."""
        return self.tables.crowded_out

    def pairs(self, queries: NDArray[np.uint8], within_bits: int, *, quick: bool = False) -> Pairs:
        """Query rows, rows and distances of pairs within the distance, each pair once, in order.

        All pairs up to ``EXACT_BITS``, beyond that most, and of a query with more than
        ``MOST_ROWS_A_QUERY`` the nearest. ``quick`` turns over a bit less in each chunk: a tenth of
        the cost.
        """
        words, count = bits.words(queries), max(1, len(self._words))
        values, signatures = self.layout.cut(queries)
        masks = self.layout.masks(within_bits, quick=quick)
        is_open = np.ones(len(queries), np.bool_)  # has not enough pairs yet
        found = np.zeros(0, np.int64)
        here = np.zeros(len(queries), np.int64)  # pairs of each query
        for group in _together(masks, len(queries)):
            parts = [found]
            asked = values[group, None] ^ masks[group.start][:, None]
            buckets = asked + self.layout.offsets[group, None, None]
            for asking, rows in self._alike(buckets, signatures[group], is_open):
                hit = self._distances(words, asking, rows) <= within_bits
                if self._rows is not None:
                    hit &= self._rows.stands[rows]
                parts.append(asking[hit] * count + rows[hit])
                here += np.bincount(asking[hit], minlength=len(queries))
                if (is_open & (here >= MOST_ROWS_A_QUERY)).any():
                    # Of each chunk a pair may have come once more: what counts is each pair once.
                    parts = [_distinct_numbers(np.concatenate(parts))]
                    here = np.bincount(parts[0] // count, minlength=len(queries))
                    is_open &= here < MOST_ROWS_A_QUERY
            found = _distinct_numbers(np.concatenate(parts))
            here = np.bincount(found // count, minlength=len(queries))
            is_open &= here < MOST_ROWS_A_QUERY
        query_rows, rows = found // count, found % count
        return self._with_twins(query_rows, rows, self._distances(words, query_rows, rows))

    def _alike(
        self,
        asked: NDArray[np.int64],
        signatures: NDArray[np.uint32],
        is_open: NDArray[np.bool_],
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """What these buckets, (chunks, m, queries), hold with a signature like the query's: in
        bounded blocks queries and rows of the index. Each block asks anew who ``is_open``.
        """
        starts, entries = self.tables.bucket_starts, self.tables.entries
        chunks, masks, queries = asked.shape
        buckets = asked.ravel()
        first = starts.take(buckets).astype(np.int64)
        buckets += 1
        lengths = starts.take(buckets) - first
        wanted = lengths.nonzero()[0]
        asking = wanted % queries
        if not is_open.all():
            still = is_open[asking]
            wanted, asking = wanted[still], asking[still]
        first, lengths = first[wanted], lengths[wanted]
        mine = asking if chunks == 1 else wanted // (masks * queries) * queries + asking
        marks = signatures.ravel().take(mine).astype(np.uint64) << _ABOVE
        for part in _blocks(lengths):
            if not is_open.any():
                return
            size = lengths[part] if is_open.all() else lengths[part] * is_open[asking[part]]
            ends = size.cumsum()
            if not ends[-1]:
                continue  # all who ask here have enough by now
            places = np.arange(ends[-1])
            places += (first[part] - (ends - size)).repeat(size)
            held = entries.take(places)
            held ^= marks[part].repeat(size)  # a row, and above it what signatures differ in
            like = (np.bitwise_count(held >> _ABOVE) <= SIGNATURE_BITS).nonzero()[0]
            bucket = ends.searchsorted(like, side="right")
            yield asking[part].take(bucket), (held[like] & _ROW).astype(np.int64)

    def _distances(
        self, words: NDArray[np.uint64], asking: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.uint16]:
        """Bits between these queries' words and these rows, pair by pair.

        Rows are fetched by ``take`` and counted column by column, a fourth of the time that
        indexing and summing along the short axis take.
        """
        apart = self._words.take(rows, axis=0)
        apart ^= words.take(asking, axis=0)
        flips = np.bitwise_count(apart)
        total: NDArray[np.uint16] = flips[:, 0].astype(np.uint16)
        for column in range(1, flips.shape[1]):
            total += flips[:, column]
        return total

    def _with_twins(
        self, query_rows: NDArray[np.int64], rows: NDArray[np.int64], distances: NDArray[np.uint16]
    ) -> Pairs:
        """The pairs with those of equal hashes, the nearest of each query, in order."""
        twin_of, twins, kept = self.tables.twin_of, self.tables.twins, None
        if self._rows is not None:
            twin_of, twins, kept = self._rows.twin_of, self._rows.twins, self._rows.kept
        apart: NDArray[np.integer] = distances
        counts, _ = _equal(rows, twin_of, kept)
        if len(rows) and ((counts != 1).any() or kept is not None or _is_crowded(query_rows)):
            query_rows, apart, rows = _in_order(query_rows, apart, rows, _ROW_BITS)
            counts, first = _equal(rows, twin_of, kept)
            counts = _capped(query_rows, counts)
            place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            if kept is not None:  # where the row itself is not kept, its first twin comes first
                place += np.repeat(~kept[rows], counts)
            itself = np.repeat(rows, counts)
            twin = np.minimum(np.repeat(first, counts) + place - 1, len(twins) - 1)
            rows = np.where(place, twins[twin], itself) if len(twins) else itself
            query_rows, apart = np.repeat(query_rows, counts), np.repeat(apart, counts)
            query_rows, rows, apart = _in_order(query_rows, rows, apart, _DISTANCE_BITS)
        return query_rows, rows, apart.astype(np.uint16)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Some rows: ``kept``, bool (n,); ``stands``, bool (n,): has an entry for one of them, itself
    or a twin; ``twin_of``, ``twins``: as in ``Tables``, of these twins alone.
    """

    kept: NDArray[np.bool_]
    stands: NDArray[np.bool_]
    twin_of: NDArray[np.uint32]
    twins: NDArray[np.uint32]

    @classmethod
    def of(cls, kept: NDArray[np.bool_], tables: Tables) -> Self:
        stays = kept[tables.twins]
        twin_of = tables.twin_of[stays]
        stands = kept.copy()
        stands[twin_of] = True
        return cls(kept, stands, twin_of, tables.twins[stays])


def _equal(
    rows: NDArray[np.int64], twin_of: NDArray[np.uint32], kept: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many kept rows have the hash of each of these, and where its twins begin."""
    first = np.searchsorted(twin_of, rows, side="left")
    counts = np.searchsorted(twin_of, rows, side="right") - first
    return counts + (1 if kept is None else kept[rows]), first


def layout_for(hashes: int) -> Layout:
    """How to cut so many hashes."""
    return chunks.LONG if hashes >= LONG_CHUNKS_FROM else chunks.SHORT


def build(hashes: NDArray[np.uint8], layout: Layout) -> Tables:
    """The tables over ``hashes``, uint8 (n, 32)."""
    if len(hashes) > MOST_HASHES:
        raise ValueError(f"{len(hashes)} hashes; an index holds {MOST_HASHES}")
    rows, twin_of, twins = _distinct(bits.words(hashes))
    values, signatures = layout.cut(hashes if rows is None else hashes[rows])
    numbers = np.arange(len(hashes), dtype=np.uint64) if rows is None else rows.astype(np.uint64)
    parts, counts = [np.zeros(0, np.uint64)], [np.zeros(1, np.int64)]
    crowded = np.zeros(len(numbers), np.bool_)
    for chunk, width in enumerate(layout.widths):
        # Sorted as one number, value above place: many times as fast as argsort.
        order = values[chunk].astype(np.uint64) << np.uint64(32)
        order |= np.arange(len(numbers), dtype=np.uint64)
        order.sort()
        places = (order & _ROW).astype(np.int64)
        count = np.bincount(values[chunk], minlength=1 << width)
        most = max(CROWD, _CROWD_MEANS * len(numbers) >> width)
        if count.max(initial=0) > most:
            stays = _spread(count, most)
            crowded[places[~stays]] = True
            places, count = places[stays], np.minimum(count, most)
        entries = np.take(signatures[chunk], places).astype(np.uint64) << np.uint64(32)
        parts.append(entries | np.take(numbers, places))
        counts.append(count)
    starts = np.cumsum(np.concatenate(counts)).astype(np.uint32)
    return Tables(starts, np.concatenate(parts), twin_of, twins, int(crowded.sum()))


def _distinct_numbers(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each number once, in order. numpy's own ``unique`` hashes them, for seconds where many of
    these share their low bits."""
    numbers.sort()
    return numbers[np.diff(numbers, prepend=-1) > 0]


def _distinct(
    words: NDArray[np.uint64],
) -> tuple[NDArray[np.int64] | None, NDArray[np.uint32], NDArray[np.uint32]]:
    """The first rows of each hash (None: all), and the other rows behind the one they equal."""
    mixed = words @ _MIX
    order = np.argsort(mixed, kind="stable")
    same = mixed[order[1:]] == mixed[order[:-1]]
    later = 1 + np.flatnonzero(same)
    same[later - 1] = (words[order[later]] == words[order[later - 1]]).all(axis=1)
    if not same.any():
        return None, np.zeros(0, np.uint32), np.zeros(0, np.uint32)
    is_first = np.concatenate([[True], ~same])
    firsts = order[is_first]
    leader = firsts[np.cumsum(is_first) - 1]
    twin_of, twins = leader[~is_first], order[~is_first]
    by_leader = np.argsort(twin_of, kind="stable")
    return np.sort(firsts), twin_of[by_leader].astype(np.uint32), twins[by_leader].astype(np.uint32)


def _spread(count: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    """Which entries of buckets of these sizes stay, evenly spread where there are too many."""
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    size = np.repeat(np.maximum(count, most), count)
    stays: NDArray[np.bool_] = (place + 1) * most // size != place * most // size
    return stays


def _together(masks: Sequence[NDArray[np.uint32]], queries: int) -> Iterator[slice]:
    """Runs of chunks with the same masks and at most ``_ASKED`` buckets to ask for; one chunk at
    the least. A few queries ask for all at once: what is then the same work, takes fewer steps.
    """
    first = 0
    while first < len(masks):
        most = first + max(1, _ASKED // max(1, len(masks[first]) * queries))
        last = first + 1
        while last < min(most, len(masks)) and masks[last] is masks[first]:
            last += 1
        yield slice(first, last)
        first = last


def _in_order(
    query_rows: NDArray[np.int64],
    second: NDArray[np.integer],
    third: NDArray[np.integer],
    third_bits: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Queries, rows and distances, in either order, sorted by all three as one number: many times
    as fast as lexsort."""
    numbers = query_rows << (_ROW_BITS + _DISTANCE_BITS)
    numbers |= second.astype(np.int64) << third_bits
    numbers |= third
    numbers.sort()
    left = numbers & ((1 << (_ROW_BITS + _DISTANCE_BITS)) - 1)
    return numbers >> (_ROW_BITS + _DISTANCE_BITS), left >> third_bits, left & (1 << third_bits) - 1


def _is_crowded(query_rows: NDArray[np.int64]) -> bool:
    return int(np.bincount(query_rows).max()) > MOST_ROWS_A_QUERY


def _capped(query_rows: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of each pair's equal rows are kept, so that no query has too many in all."""
    before = np.cumsum(counts) - counts
    starts = np.searchsorted(query_rows, query_rows, side="left")
    left = MOST_ROWS_A_QUERY - (before - before[starts])
    kept: NDArray[np.int64] = np.clip(counts, 0, np.maximum(0, left))
    return kept


def _blocks(lengths: NDArray[np.int64]) -> Iterator[slice]:
    """Runs of buckets with at most ``_CANDIDATES`` entries together; one bucket at the least."""
    ends = np.cumsum(lengths)
    first = 0
    while first < len(lengths):
        done = ends[first - 1] if first else 0
        last = int(np.searchsorted(ends, done + _CANDIDATES, side="right"))
        last = max(last, first + 1)
        yield slice(first, last)
        first = last
