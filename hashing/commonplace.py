"""Commonplace pictures: bars, test cards, leaders, grids, spinners, that are nobody's footage.

They stand before anybody's video, so a clip's frame that shows one says nothing about where the
clip is from. The set is drawn by ``benchmarks.cards``, after standards; what it costs, and that no
frame of the development footage is near it, is in docs/benchmarks.md, "Common pictures".
"""

import base64
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing import bits, chance, phash
from hashing.commonplace_hashes import HASHES
from hashing.fingerprint import PHASH, Fingerprint, Track
from hashing.views import Region

Times = Mapping[tuple[int, Region], NDArray[np.int64]]  # by video track and region

WITHIN_BITS: Final = chance.STRICT_IMAGE_BITS  # the same picture: as strict as an image alone


def shows(hashes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of these pHashes, uint8 (n, 32), are of a commonplace picture: bool (n,).

    However it is turned or mirrored, and its negative. Takes 0.03 ms a hash: what differs in more
    bits of the first half than it may in all is not looked at further.
    """
    known, shown = _known(), np.zeros(len(hashes), np.bool_)
    left, right = _first_words()
    for row, words in enumerate(bits.words(hashes)):
        half = np.bitwise_count(left ^ words[0])
        half += np.bitwise_count(right ^ words[1])
        close = known[np.flatnonzero(half <= WITHIN_BITS)]
        shown[row] = (bits.distances(hashes[row : row + 1], close) <= WITHIN_BITS).any()
    return shown


def times_ms(clip: Fingerprint, among_ms: Sequence[NDArray[np.int64]], *, cropped: bool) -> Times:
    """When a clip shows a commonplace picture, of the times ``among_ms``.

    Told by its pHashes as it is and, where ``cropped``, as it may have been before a crop. For each
    video track and region by itself: a test card around a picture takes nothing from the picture.
    """
    asked_ms = np.unique(np.concatenate([np.zeros(0, np.int64), *among_ms]))
    found: dict[tuple[int, Region], NDArray[np.int64]] = {}
    for track in clip.of(PHASH):
        if track.view.mirrored or (track.view.cropped_percent and not cropped):
            continue
        asked = np.flatnonzero(np.isin(track.times_ms, asked_ms))
        if not len(asked):
            continue
        place = track.stream, track.view.region
        before = found.get(place, np.zeros(0, np.int64))
        shown = asked[shows(track.hashes[asked])]
        found[place] = np.concatenate([before, track.times_ms[shown]])
    return found


def rows(track: Track, times: Times) -> NDArray[np.bool_]:
    """The rows of one of the clip's tracks, in whatever view, at these times: bool (n,)."""
    none = np.zeros(0, np.int64)
    return np.isin(track.times_ms, times.get((track.stream, track.view.region), none))


def forms(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """About the hashes of all sixteen turned, mirrored and negative views: uint8 (16 n, 32)."""
    over, across = phash.bits_upside_down, phash.bits_transposed
    upright = (hashes, phash.bits_mirrored(hashes))
    turned = [form for one in upright for form in (one, over(one), across(one), across(over(one)))]
    return np.concatenate([*turned, *map(phash.bits_negative, turned)])


@cache
def _known() -> NDArray[np.uint8]:
    packed = np.frombuffer(base64.b85decode(HASHES), np.uint8)
    return forms(packed.reshape(-1, bits.HASH_BYTES))


@cache
def _first_words() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The first two of each hash's four words, as arrays of their own: six times as quick."""
    words = bits.words(_known())
    return np.ascontiguousarray(words[:, 0]), np.ascontiguousarray(words[:, 1])
