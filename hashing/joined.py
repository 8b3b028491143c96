"""Several readings of one file as one clip: its films and pictures, or a film with and without its
edits."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from hashing.coverage import Coverage, Problem
from hashing.fingerprint import Kind
from hashing.media import LumaFrame, Media


class Joined:
    """See ``hashing.media.Media``; the tracks of each reading follow those of the one before.

    ``stride``: how many track numbers one reading may use. ``problem``: what kept further readings
    from being joined.
    """

    def __init__(self, readings: Sequence[Media], stride: int, problem: Problem | None) -> None:
        self._readings = readings
        self._stride = stride
        self._problem = problem

    @property
    def kind(self) -> Kind:
        """A video as soon as one of them is one."""
        kinds = {reading.kind for reading in self._readings}
        return Kind.VIDEO if Kind.VIDEO in kinds else Kind.IMAGE

    def key_frames(self) -> Iterator[LumaFrame]:
        """See ``Media.key_frames``."""
        return self._renumbered([reading.key_frames() for reading in self._readings])

    def first_frames(self) -> Iterator[LumaFrame]:
        """See ``Media.first_frames``."""
        return self._renumbered([reading.first_frames() for reading in self._readings])

    def ending(self, interval_ms: int) -> Iterator[LumaFrame]:
        """See ``Media.ending``."""
        return self._renumbered([reading.ending(interval_ms) for reading in self._readings])

    def frames(
        self, interval_ms: int, *, economical: bool, dense_ms: int = 0
    ) -> Iterator[LumaFrame]:
        """See ``Media.frames``."""
        return self._renumbered(
            [
                reading.frames(interval_ms, economical=economical, dense_ms=dense_ms)
                for reading in self._readings
            ]
        )

    def coverage(self) -> Coverage:
        """See ``Media.coverage``; the lengths are those of the longest reading."""
        seen = [reading.coverage() for reading in self._readings]
        problems = set(chain.from_iterable(one.problems for one in seen))
        if self._problem is not None:
            problems.add(self._problem)
        return Coverage(
            container_ms=max(one.container_ms for one in seen),
            decoded_ms=max(one.decoded_ms for one in seen),
            sampled_frames=0,
            flat_frames=0,
            decode_errors=sum(one.decode_errors for one in seen),
            problems=tuple(sorted(problems)),
        )

    def _renumbered(self, each: Sequence[Iterator[LumaFrame]]) -> Iterator[LumaFrame]:
        for number, frames in enumerate(each):
            for frame in frames:
                yield replace(frame, stream=frame.stream + number * self._stride)
