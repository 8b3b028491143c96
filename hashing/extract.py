"""From media to fingerprint: sample, look through each view, shrink, hash in batches.

Full-size frames live for one step only; what is kept of each is a 64 by 64 plane until its batch
is hashed, and then 32 bytes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import BinaryIO, Final

from hashing.coverage import Coverage, Problem
from hashing.decode import Limits, LumaFrame, open_media
from hashing.errors import UnreadableMedia
from hashing.fingerprint import Fingerprint, Kind
from hashing.lanes import Hasher, Sampling
from hashing.patch_track import Look, PatchTrack
from hashing.patches.gathering import Gatherers
from hashing.patches.placing import Placing
from hashing.patches.straightening import straightened
from hashing.rectangle import Rectangle
from hashing.regions import RegionFinder
from hashing.screens import finding as screens
from hashing.tiles import tiling
from hashing.tiles.tiling import Tiler
from hashing.views import CROPS_PERCENT, Region, View

USABLE_SHARE: Final = 0.2  # of the sampled frames; with fewer a clip counts as too dark
# Clips sparse, references dense (docs/decisions, "dense references"): hand-held footage moves 58 of
# 256 bits in 0.1 s, so one side has to hold nearly every frame, and the other may then be cheap.
CLIP: Final = Sampling(
    phash_interval_ms=250,
    dense_ms=20_000,  # docs/decisions, 9: a short clip has few changes to go by
    pdq_interval_ms=1000,
    economical=True,
    mirrored=True,
    merge=False,
    surround=True,
    crops_percent=CROPS_PERCENT,
)
REFERENCE: Final = Sampling(
    phash_interval_ms=40, pdq_interval_ms=500, economical=False, mirrored=False, merge=True
)
_STRAIGHT: Final = replace(
    CLIP, pdq_interval_ms=None, mirrored=False, surround=False, crops_percent=()
)


@dataclass(frozen=True, slots=True)
class Extract:
    """A clip's fingerprint, and how much of the clip stands behind it.

    ``patches``: its patch hashes and tiles where the sampling asks for them.
    """

    fingerprint: Fingerprint
    coverage: Coverage
    patches: tuple[PatchTrack, ...] = ()


def extract(media: bytes | BinaryIO, sampling: Sampling, limits: Limits | None = None) -> Extract:
    """The fingerprint of ``media``; the same bytes always give the same one.

    A fingerprint may be empty: of a clip too dark to hash, or stopped by a limit before its first
    frame; ``coverage.problems`` says so. Raises MediaError where nothing could be decoded.
    """
    return Extraction(media, sampling, limits).whole()


class Extraction:
    """One clip on its way to a fingerprint, for who may know enough before all of it is decoded.

    Ask for ``key_frames`` first, then perhaps for its ``ending``, and for the ``whole`` unless they
    were enough. Each answer stands for itself; what an earlier one cost is not lost on the whole,
    which needs the key frames in any case, to see where in its frames the picture is.
    """

    def __init__(
        self, media: bytes | BinaryIO, sampling: Sampling, limits: Limits | None = None
    ) -> None:
        """Raises MediaError where the media is not recognised."""
        self._opened = open_media(media, limits or Limits())
        self._sampling = sampling
        self._finders: dict[int, RegionFinder] = {}
        self._hasher = Hasher(sampling)
        self._problems: set[Problem] = set()
        self._last_key_ms = 0
        self._gatherers = Gatherers(reference=sampling.patches, held_frames=sampling.held_frames)
        self._tilers: dict[int, Tiler] = {}

    def key_frames(self) -> Extract:
        """Key frames from all over the clip, and how long it claims to be.

        No hashes where these cannot speak for the clip: there are none, or several video tracks.
        """
        sizes = self._look_over(self._hasher)
        if any(self._finders[stream].find(*size) for stream, size in sizes):
            self._hasher = Hasher(self._sampling)
            for frame in self._opened.key_frames():
                self._hasher.add(frame, self._regions(frame))
        return self._part()

    def ending(self) -> Extract:
        """The same key frames, with samples from the last of them to the end.

        To ask for after ``key_frames``. The coverage is of all packets: how long the clip really
        is, and whether the rest could be read up to the decoder.
        """
        for frame in self._opened.ending(self._sampling.phash_interval_ms):
            if frame.time_ms > self._last_key_ms:  # it begins with the last key frame once more
                self._hasher.add(frame, self._regions(frame))
        return self._part()

    def whole(self) -> Extract:
        """All of the clip; see ``extract``."""
        if not self._finders:
            self._look_over(None)
        hasher, sampling = Hasher(self._sampling), self._sampling
        for frame in self._opened.frames(
            sampling.phash_interval_ms, economical=sampling.economical, dense_ms=sampling.dense_ms
        ):
            hasher.add(frame, self._regions(frame))
            self._gatherers.add(frame)
            if sampling.patches:
                self._cut(frame)
        coverage = self._opened.coverage()
        tracks = hasher.tracks(coverage.decoded_ms)
        kind = self._opened.kind
        duration_ms = 0 if kind is Kind.IMAGE else coverage.decoded_ms
        return Extract(
            Fingerprint(kind, duration_ms, tracks),
            _completed(coverage, *hasher.counts()),
            self._reference_tracks(),
        )

    def patches(self, looks: Sequence[Look]) -> tuple[PatchTrack, ...]:
        """Patches of the frames that were held on the way through the ``whole``, in these looks.

        To ask for after it, as often as it takes. None where the sampling holds no frames, and of
        a picture, which has no time line.
        """
        if self._opened.kind is Kind.IMAGE:
            return ()
        return self._gatherers.clip_tracks(looks)

    def straightened(self, placing: Placing) -> Extract:
        """The picture that this places in the held frames, as a track of whole frames and its
        tiles.

        To ask for after the ``whole``. No track where no frame was held.
        """
        pictures = list(straightened(self._gatherers.held(placing.stream), placing))
        tiler = Tiler(placing.stream)
        for one in pictures:
            tiler.add(one.luma, one.time_ms)
        taken = self._of_pictures(pictures, _STRAIGHT)
        return replace(taken, patches=(tiler.track(),) if pictures else ())

    def screen(self) -> Extract:
        """What a screen shows that is seen in the held frames, as tracks of whole frames.

        To ask for after the ``whole``. No tracks where no screen is found, and of a picture.
        """
        streams = self._gatherers.streams if self._opened.kind is Kind.VIDEO else ()
        seen = chain.from_iterable(
            screens.pictures(self._gatherers.held(stream), stream) for stream in streams
        )
        taken = self._of_pictures(seen, replace(_STRAIGHT, mirrored=True))
        tracks = tuple(
            replace(track, view=View(Region.INNER, mirrored=track.view.mirrored))
            for track in taken.fingerprint.tracks
        )
        return replace(taken, fingerprint=replace(taken.fingerprint, tracks=tracks))

    def _cut(self, frame: LumaFrame) -> None:
        """Take the tiles of a reference's frame."""
        if frame.stream not in self._tilers:
            self._tilers[frame.stream] = Tiler(frame.stream, tiling.INTERVAL_MS)
        tiler = self._tilers[frame.stream]
        if tiler.is_due(frame.time_ms):
            tiler.add(tiling.square(frame.luma), frame.time_ms)

    def _reference_tracks(self) -> tuple[PatchTrack, ...]:
        """A reference's patches, and the tiles of what they may be a lead to."""
        patches = self._gatherers.reference_tracks()
        return (*patches, *(self._tilers[track.stream].track() for track in patches))

    def _of_pictures(self, frames: Iterable[LumaFrame], sampling: Sampling) -> Extract:
        """The hashes of pictures that were taken out of the held frames."""
        hasher = Hasher(sampling)
        for frame in frames:
            hasher.add(frame, {})
        coverage = self._opened.coverage()
        tracks = hasher.tracks(coverage.decoded_ms)
        return Extract(Fingerprint(self._opened.kind, coverage.decoded_ms, tracks), coverage)

    def _look_over(self, hasher: Hasher | None) -> set[tuple[int, tuple[int, int]]]:
        """Find out where the picture is in each video track; the sizes of its key frames."""
        sizes = set()
        for frame in self._opened.key_frames():
            self._finder(frame).add(frame.luma)
            sizes.add((frame.stream, (frame.luma.shape[0], frame.luma.shape[1])))
            self._last_key_ms = frame.time_ms
            if hasher is not None:
                hasher.add(frame, {})
        for frame in self._opened.first_frames():
            self._finder(frame).add(frame.luma)
        return sizes

    def _finder(self, frame: LumaFrame) -> RegionFinder:
        if frame.stream not in self._finders:
            self._finders[frame.stream] = RegionFinder(surround=self._sampling.surround)
        return self._finders[frame.stream]

    def _regions(self, frame: LumaFrame) -> Mapping[Region, Rectangle]:
        finder = self._finders.get(frame.stream)
        return {} if finder is None else finder.find(*frame.luma.shape)

    def _part(self) -> Extract:
        """What was hashed so far. Frames that were not looked at count as covered by no time."""
        coverage = self._opened.coverage()
        self._problems |= set(coverage.problems)
        hashed = self._hasher.tracks(coverage.container_ms)
        sampled, flat = self._hasher.counts()
        tracks = hashed if len(self._finders) == 1 else ()
        return Extract(
            Fingerprint(self._opened.kind, coverage.container_ms, tracks),
            replace(
                coverage,
                sampled_frames=sampled,
                flat_frames=flat,
                problems=tuple(sorted(self._problems)),
            ),
        )


def _completed(coverage: Coverage, sampled: int, flat: int) -> Coverage:
    """``coverage`` with what hashing saw."""
    problems = set(coverage.problems)
    if sampled == 0 and not any(problem.name.startswith("LIMIT_") for problem in problems):
        raise UnreadableMedia("the format is known, but no frame can be decoded; copy it again")
    if sampled and sampled - flat < USABLE_SHARE * sampled:
        problems.add(Problem.TOO_DARK)
    return replace(
        coverage, sampled_frames=sampled, flat_frames=flat, problems=tuple(sorted(problems))
    )
