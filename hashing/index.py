"""The index: Hamming search over the frame hashes of a list's references.

Hashes lie in segments (``hashing.segments``) that never change: a big one, perhaps from a file, and
small ones of what came since. Every pair within 31 bits is found; nothing outside knows how.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from hashing.fingerprint import Algorithm, Fingerprint, Track
from hashing.segments import Segment

# Of a copy at 45 bits a quick look-up finds 3 in 5 frames (docs/benchmarks.md, "The index"): of so
# many, or of one a second, ten and more.
_QUICK_FRAMES: Final = 32
_BATCH_FRAMES: Final = 4096  # looked up together: tables of what to ask take 30 MB


@dataclass(frozen=True, slots=True)
class Hits:
    """The hits of one clip track in one reference track.

    ``clip_rows``, ``reference_rows``: int64 (n,), rows of the two tracks; ``distances``: uint16
    (n,), in bits.
    """

    reference: int
    track: Track
    clip_rows: NDArray[np.int64]
    reference_rows: NDArray[np.int64]
    distances: NDArray[np.uint16]

    def among(self, kept: NDArray[np.bool_]) -> Self:
        """The hits of these rows of the clip's track, bool (its length,), numbered as if alone."""
        left = kept[self.clip_rows]
        return replace(
            self,
            clip_rows=(np.cumsum(kept) - 1)[self.clip_rows[left]],
            reference_rows=self.reference_rows[left],
            distances=self.distances[left],
        )


class Index:
    """Searches the tracks of one algorithm of many fingerprints, numbered in the order given."""

    def __init__(
        self,
        algorithm: Algorithm,
        fingerprints: Iterable[Fingerprint] = (),
        *,
        segments: Sequence[tuple[Segment, NDArray[np.bool_]]] = (),
    ) -> None:
        """``segments``: what was made before, and comes first; bool (references,) each, whether
        one is searched.
        """
        self.algorithm = algorithm
        self._segments = [(segment.only(kept), kept) for segment, kept in segments]
        added = list(fingerprints)
        if added:
            everything = np.ones(len(added), np.bool_)
            self._segments.append((Segment.of(algorithm, added), everything))
        self._frames = sum(segment.frames(kept) for segment, kept in self._segments)

    def __len__(self) -> int:
        """Frame hashes in the index."""
        return self._frames

    def search(self, clip: Track, within_bits: int, *, quick: bool = False) -> Iterator[Hits]:
        """Pairs within the distance, one ``Hits`` for each reference track that has any.

        All of them in a small list, and up to 31 bits; beyond that in a large list most of them,
        which is enough for seeds (``hashing.buckets``). ``quick``: of a few of the clip's pictures,
        and fewer of them. Raises IncompatibleHash if the clip was hashed another way.
        """
        for _, hits in self.search_each([clip], within_bits, quick=quick):
            yield hits

    def search_each(
        self, clips: Sequence[Track], within_bits: int, *, quick: bool = False
    ) -> Iterator[tuple[Track, Hits]]:
        """The same for several tracks, in order, with the track that each is of: many short ones
        cost little more than a long one."""
        for clip in clips:
            self.algorithm.require_same(clip.algorithm)
        asked = [_few(clip) if quick else np.arange(len(clip)) for clip in clips]
        for batch in _batches([len(one) for one in asked]):
            yield from self._search(clips[batch], asked[batch], within_bits, quick=quick)

    def _search(
        self,
        clips: Sequence[Track],
        asked: Sequence[NDArray[np.intp]],
        within_bits: int,
        *,
        quick: bool,
    ) -> Iterator[tuple[Track, Hits]]:
        hashes = np.concatenate([one.hashes[rows] for one, rows in zip(clips, asked, strict=True)])
        whose = np.repeat(np.arange(len(clips)), [len(rows) for rows in asked])
        rows = np.concatenate(asked)
        hits: list[list[Hits]] = [[] for _ in clips]
        first = 0
        for segment, kept in self._segments:
            for place, (mine, theirs, distances) in segment.search(
                hashes, within_bits, quick=quick
            ):
                reference = segment.columns.references[place]
                if not kept[reference]:
                    continue
                track = segment.columns.track(place)
                for number in np.unique(whose[mine]):
                    own = whose[mine] == number
                    found = rows[mine[own]], theirs[own], distances[own]
                    hits[number].append(Hits(first + int(reference), track, *found))
            first += len(kept)
        for clip, own_hits in zip(clips, hits, strict=True):
            yield from ((clip, one) for one in own_hits)


def _batches(lengths: Sequence[int]) -> Iterator[slice]:
    """Runs of tracks with at most ``_BATCH_FRAMES`` frames together; one track at the least."""
    first, frames = 0, 0
    for number, length in enumerate(lengths):
        if number > first and frames + length > _BATCH_FRAMES:
            yield slice(first, number)
            first, frames = number, 0
        frames += length
    if first < len(lengths):
        yield slice(first, len(lengths))


def _few(clip: Track) -> NDArray[np.intp]:
    """Some of the pictures of a clip's track, evenly spread: any line through one is extended by
    all of its frames."""
    pictures = clip.picture_rows
    seconds = int(np.ptp(clip.times_ms)) // 1000 if len(clip) else 0
    wanted = max(_QUICK_FRAMES, seconds)
    if len(pictures) <= wanted:
        return pictures
    return pictures[np.linspace(0, len(pictures) - 1, wanted).astype(np.intp)]
