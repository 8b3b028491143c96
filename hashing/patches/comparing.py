"""Comparing: two tracks' key frames, each pair once however often it is asked for."""

from hashing.patch_track import PatchTrack
from hashing.patches import evidence, geometry
from hashing.patches.freshness import Freshness
from hashing.patches.geometry import Picture, Sighting


class Comparison:
    """A clip's track and a reference's, and the sightings that were looked for so far."""

    def __init__(self, clip: PatchTrack, reference: PatchTrack) -> None:
        self.clip = clip
        self.reference = reference
        self.clip_freshness = Freshness(clip)
        self.reference_freshness = Freshness(reference)
        self._clip_pictures: dict[int, Picture] = {}
        self._reference_pictures: dict[int, Picture] = {}
        self._sightings: dict[tuple[int, int], Sighting | None] = {}

    def sighting(self, clip_frame: int, key_frame: int) -> Sighting | None:
        """The reference in one of the clip's frames; None unless enough patches lie alike."""
        asked = clip_frame, key_frame
        if asked not in self._sightings:
            self._sightings[asked] = self._look(clip_frame, key_frame)
        return self._sightings[asked]

    def clip_picture(self, frame: int) -> Picture:
        """The patches of one of the clip's frames."""
        return _picture(self.clip, frame, self._clip_pictures)

    def reference_picture(self, key_frame: int) -> Picture:
        """The patches of one of the reference's key frames."""
        return _picture(self.reference, key_frame, self._reference_pictures)

    def _look(self, clip_frame: int, key_frame: int) -> Sighting | None:
        fit = geometry.fit(self.clip_picture(clip_frame), self.reference_picture(key_frame))
        if fit is None:
            return None
        cells = min(geometry.cells(fit.clip.places), geometry.cells(fit.reference.places))
        if cells < evidence.LEAST_CELLS:
            return None
        return Sighting(clip_frame, key_frame, fit, cells)


def _picture(track: PatchTrack, number: int, kept: dict[int, Picture]) -> Picture:
    if number not in kept:
        kept[number] = Picture.of(track, number)
    return kept[number]
