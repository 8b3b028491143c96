"""From media to fingerprint: sample, look through each view, shrink, hash in batches.

Full-size frames live for one step only; what is kept of each is a 64 by 64 plane until its batch
is hashed, and then 32 bytes.
"""

from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from hashing.coverage import Coverage, Problem
from hashing.decode import Limits, Media, open_media
from hashing.errors import UnreadableMedia
from hashing.fingerprint import Fingerprint, Kind
from hashing.lanes import Hasher, Sampling
from hashing.regions import RegionFinder
from hashing.views import CROPS_PERCENT

USABLE_SHARE: Final = 0.2  # of the sampled frames; with fewer a clip counts as too dark
# Clips sparse, references dense (docs/decisions, "dense references"): hand-held footage moves 58 of
# 256 bits in 0.1 s, so one side has to hold nearly every frame, and the other may then be cheap.
CLIP: Final = Sampling(
    phash_interval_ms=250,
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


@dataclass(frozen=True, slots=True)
class Extract:
    """A clip's fingerprint, and how much of the clip stands behind it."""

    fingerprint: Fingerprint
    coverage: Coverage


def extract(media: bytes | BinaryIO, sampling: Sampling, limits: Limits | None = None) -> Extract:
    """The fingerprint of ``media``; the same bytes always give the same one.

    A fingerprint may be empty: of a clip too dark to hash, or stopped by a limit before its first
    frame; ``coverage.problems`` says so. Raises MediaError where nothing could be decoded.
    """
    opened = open_media(media, limits or Limits())
    finders = _finders(opened, sampling)
    hasher = Hasher(sampling)
    for frame in opened.frames(sampling.phash_interval_ms, economical=sampling.economical):
        finder = finders.get(frame.stream)
        hasher.add(frame, {} if finder is None else finder.find(*frame.luma.shape))
    coverage = opened.coverage()
    tracks = hasher.tracks(coverage.decoded_ms)
    duration_ms = 0 if opened.kind is Kind.IMAGE else coverage.decoded_ms
    return Extract(
        Fingerprint(opened.kind, duration_ms, tracks), _completed(coverage, *hasher.counts())
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


def _finders(opened: Media, sampling: Sampling) -> dict[int, RegionFinder]:
    """Where the picture is in each video track, from a pass over its key frames."""
    finders: dict[int, RegionFinder] = {}
    for frame in opened.key_frames():
        finder = finders.setdefault(frame.stream, RegionFinder(surround=sampling.surround))
        finder.add(frame.luma)
    return finders
