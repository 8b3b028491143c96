"""Searching: a clip's patches against the patch index, from votes to time lines.

Votes of near patches name a few references and moments; only those are compared in full. So a clip
that is on no list costs look-ups, and hardly a comparison.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing.patch_track import LEVELS, PatchTrack
from hashing.patches import lines
from hashing.patches.comparing import Comparison
from hashing.patches.geometry import Sighting
from hashing.patches.index import Near, PatchIndex
from hashing.patches.lines import PatchLine

# Votes that agree on turn and size, in all of the clip's frames; each is one over the number of
# patches like it. What is found by accident is spread over 64 pairs of these.
_LEAST_VOTES: Final = 2.0
_TURNS: Final = 8  # bins of 45 degrees, and the next one with each
_SIZES: Final = 8  # bins of two levels of the pyramid, a factor of 1.44
_MOST_REFERENCES: Final = 4  # compared in full, a way of looking at the clip
_MOST_SEEDS: Final = 10  # pairs of frames compared in full to find a reference's time line
_FIRST_SEEDS: Final = 3  # of these, and then so many that stand alone; unless one fits, that is all
_LONE_SEEDS: Final = 2
_ABOUT_MS: Final = 700  # key frames are a second apart


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A time line on which a track of the index is seen in a track of the clip."""

    clip: PatchTrack
    reference: PatchTrack
    track_number: int
    line: PatchLine


def search(
    clip: PatchTrack, index: PatchIndex, among: NDArray[np.bool_] | None = None
) -> Iterator[Seen]:
    """The strongest time line of each of the index's tracks that is seen in the clip.

    ``among``: bool (tracks,), which of them are looked for; the others take nobody's place.
    """
    if not len(clip) or not len(index):
        return
    votes = _Votes.of(clip, index, among)
    for number, chosen in votes.candidates():
        found = _look_at(clip, index.tracks[number], votes.moments(number, chosen))
        if found is not None:
            yield Seen(clip, index.tracks[number], number, found)


@dataclass(frozen=True, slots=True, eq=False)
class _Votes:
    """Near patches: rows of the clip, the tracks' numbers and rows, turn and size, weight, (n,)."""

    clip: PatchTrack
    index: PatchIndex
    clip_rows: NDArray[np.int64]
    numbers: NDArray[np.int64]
    rows: NDArray[np.int64]
    bins: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, clip: PatchTrack, index: PatchIndex, among: NDArray[np.bool_] | None) -> "_Votes":
        near = index.near(clip.descriptors)
        numbers = index.track_numbers(near.rows)
        if among is not None:
            near, numbers = near.only(among[numbers]), numbers[among[numbers]]
        mine = clip.places[near.query_rows]
        theirs = index.places[near.rows]
        turns = (mine[:, 2] - theirs[:, 2]).astype(np.int64) * _TURNS // 256  # modulo 256
        sizes = (mine[:, 3].astype(np.int64) - theirs[:, 3] + LEVELS) // 2
        return cls(
            clip,
            index,
            near.query_rows,
            numbers,
            near.rows - index.starts[numbers],
            turns * _SIZES + sizes,
            _weights(near),
        )

    def candidates(self) -> "list[tuple[int, NDArray[np.bool_]]]":
        """Tracks with the most votes that agree on turn and size, and which votes those are."""
        every = _TURNS * _SIZES
        totals = np.bincount(
            self.numbers * every + self.bins,
            self.weights,
            minlength=every * len(self.index.tracks),
        ).reshape(-1, _TURNS, _SIZES)
        # True votes lie on both sides of a border: each bin counts with its next ones.
        wider = totals + np.roll(totals, -1, axis=1)
        wider[:, :, :-1] += wider[:, :, 1:]
        best = wider.reshape(-1, every)
        votes, peaks = best.max(axis=1), best.argmax(axis=1)
        order = np.argsort(-self._excess(votes), kind="stable")[:_MOST_REFERENCES]
        return [
            (int(number), (self.numbers == number) & self._is_about(int(peaks[number])))
            for number in order
            if votes[number] >= _LEAST_VOTES
        ]

    def _excess(self, votes: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each track has more votes than its length accounts for, in standard deviations.

        Accidental votes go by a track's patches: of raw ones an hour of footage has the most.
        """
        patches = np.maximum(1, np.diff(self.index.starts))
        by_accident = float(np.median(votes / patches)) * patches
        excess: NDArray[np.float64] = (votes - by_accident) / np.sqrt(by_accident + 1.0)
        return excess

    def _is_about(self, peak: int) -> NDArray[np.bool_]:
        turn, size = divmod(peak, _SIZES)
        turns, sizes = np.divmod(self.bins, _SIZES)
        about: NDArray[np.bool_] = ((turns - turn) % _TURNS <= 1) & np.isin(sizes, (size, size + 1))
        return about

    def moments(self, number: int, chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
        """Frames of the clip with key frames of this track that are worth a look, best first.

        Those on the offset in time that most votes of all frames agree with, and then those that
        stand out alone: the clip may be played at another speed.
        """
        votes = self._table(number, chosen)
        times_ms, key_ms = self.clip.times_ms, self.index.tracks[number].times_ms
        alone = votes.argmax(axis=1)
        best = (0.0, alone)
        for offset_ms in np.unique(key_ms[alone] - times_ms):
            off_ms = np.abs(key_ms[None, :] - (times_ms + offset_ms)[:, None])
            near = np.where(off_ms <= _ABOUT_MS, votes, 0.0)
            total = float(near.max(axis=1).sum())
            if total > best[0]:
                best = (total, near.argmax(axis=1))
        together = _ranked(votes, best[1])[:_MOST_SEEDS]
        extra = [one for one in _ranked(votes, alone) if one not in together][:_LONE_SEEDS]
        return [*together[:_FIRST_SEEDS], *extra, *together[_FIRST_SEEDS:]]

    def _table(self, number: int, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The votes for each of the clip's frames and each key frame: (frames, key frames)."""
        track = self.index.tracks[number]
        clip_rows, rows = self.clip_rows[chosen], self.rows[chosen]
        # A patch votes for all frames that have it, on both sides: from its first to behind its
        # last. Sums along both axes fill the rectangles in.
        steps = np.zeros((self.clip.key_frames + 1, track.key_frames + 1))
        for frames, frame_sign in ((self.clip.firsts, 1.0), (self.clip.lasts, -1.0)):
            for keys, key_sign in ((track.firsts, 1.0), (track.lasts, -1.0)):
                at = frames[clip_rows].astype(np.int64) + (frame_sign < 0)
                to = keys[rows].astype(np.int64) + (key_sign < 0)
                np.add.at(steps, (at, to), frame_sign * key_sign * self.weights[chosen])
        table: NDArray[np.float64] = steps.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
        return table


def _ranked(votes: NDArray[np.float64], keys: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Each frame with its key frame, those with most votes first."""
    counts = votes[np.arange(len(keys)), keys]
    order = np.argsort(-counts, kind="stable")
    return [(int(frame), int(keys[frame])) for frame in order if counts[frame] > 0]


def _weights(near: Near) -> NDArray[np.float64]:
    """One over the number of patches that a clip's patch is near to: common ones say little."""
    counts = np.bincount(near.query_rows, minlength=1)
    weights: NDArray[np.float64] = 1.0 / counts[near.query_rows]
    return weights


def _look_at(
    clip: PatchTrack, reference: PatchTrack, moments: Sequence[tuple[int, int]]
) -> PatchLine | None:
    """The strongest line of a reference, starting from these pairs of frames."""
    compared = Comparison(clip, reference)
    seeds: list[Sighting] = []
    for tried, (clip_frame, key_frame) in enumerate(moments):
        if tried == _FIRST_SEEDS + _LONE_SEEDS and not seeds:
            break
        one = compared.sighting(clip_frame, key_frame)
        if one is not None:
            seeds.append(one)
    return lines.strongest(seeds, compared) if seeds else None
