"""Fingerprints: merging, digests, and the refusal to compare what was made differently."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing import bits
from hashing.errors import IncompatibleHash
from hashing.fingerprint import PDQ, PHASH, Algorithm, Fingerprint, Kind, Track, run_starts
from hashing.views import View
from tests.fingerprints import FINGERPRINTS, of, random_hashes, track, tracks, walk


def flipped(row: int, count: int) -> Track:
    """Frames that are the hash of zeros but for the first ``count`` bits of one row."""
    planes = np.zeros((6, 256), np.bool_)
    planes[row:, :count] = True
    return track(bits.pack(planes))


@pytest.mark.parametrize(
    ("before", "times_ms", "spans_ms"),
    [
        pytest.param(track(random_hashes(1, 0)), [], [], id="no frames"),
        pytest.param(track(random_hashes(1, 1)), [0], [0], id="one frame"),
        pytest.param(track(random_hashes(1, 3)), [0, 40, 80], [0, 0, 0], id="all different"),
        pytest.param(flipped(3, 0), [0], [200], id="one still picture"),
        pytest.param(flipped(3, 4), [0], [200], id="as near as re-encoding makes it"),
        pytest.param(flipped(3, 5), [0, 120], [80, 80], id="just too far"),
        pytest.param(flipped(5, 200), [0, 200], [160, 0], id="the last frame alone"),
    ],
)
def test_merged_keeps_one_hash_a_picture(
    before: Track, times_ms: list[int], spans_ms: list[int]
) -> None:
    merged = before.merged()

    assert merged.times_ms.tolist() == times_ms
    assert merged.spans_ms.tolist() == spans_ms


def test_a_slow_change_is_not_merged_into_one_picture() -> None:
    """A run is near its first frame, not each frame to the one before."""
    slow = track(walk(seed=2, count=40, flips=3))

    assert len(slow.merged()) > 8


def test_a_run_longer_than_the_comparing_window_is_one_run() -> None:
    still = track(np.repeat(random_hashes(3, 1), 300, axis=0))

    assert still.merged().spans_ms.tolist() == [299 * 40]


@given(tracks(least_frames=1), st.integers(0, 256), st.integers(1, 80))
def test_runs_start_where_comparing_one_by_one_starts_them(
    before: Track, within: int, times: int
) -> None:
    hashes = np.repeat(before.hashes, times, axis=0)  # runs longer than what is compared at once
    expected = [0]
    for row in range(1, len(hashes)):
        first = hashes[expected[-1]][None]
        if bits.distances(first, hashes[row : row + 1])[0] > within:
            expected.append(row)

    assert list(run_starts(hashes, within)) == expected


@given(tracks())
def test_merging_again_changes_nothing(any_track: Track) -> None:
    merged = any_track.merged()

    assert merged.merged() == merged


@given(tracks(least_frames=1), st.integers(0, 256))
def test_every_frame_is_near_the_hash_that_stands_for_it(before: Track, within: int) -> None:
    merged = before.merged(within)

    owners = [
        index
        for index, row in enumerate(before.hashes)
        for start in merged.hashes
        if bits.distances(start[None], row[None])[0] <= within
    ]
    assert set(owners) == set(range(len(before)))
    assert len(merged) <= len(before)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Algorithm("phash256", (("hash_size", 16), ("plane_px", 32))), id="parameter"),
        pytest.param(Algorithm("phash256", ()), id="no parameters"),
        pytest.param(PDQ, id="name"),
    ],
)
def test_hashes_made_differently_are_not_compared(other: Algorithm) -> None:
    with pytest.raises(IncompatibleHash, match="cannot compare phash256"):
        PHASH.require_same(other)


def test_of_gives_the_tracks_of_one_algorithm() -> None:
    ours, theirs = track(random_hashes(1, 2)), track(random_hashes(2, 2), algorithm=PDQ)

    assert of([ours, theirs]).of(PDQ) == (theirs,)
    assert of([ours]).of(PDQ) == ()


def test_of_refuses_other_parameters_instead_of_leaving_the_track_out() -> None:
    old = track(random_hashes(1, 2), algorithm=Algorithm("pdq256", (("plane_px", 32),)))

    with pytest.raises(IncompatibleHash):
        of([old]).of(PDQ)


BASE_TRACK = track(random_hashes(1, 3))
BASE = of([BASE_TRACK])


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(BASE, kind=Kind.IMAGE), id="kind"),
        pytest.param(replace(BASE, duration_ms=BASE.duration_ms + 1), id="duration"),
        pytest.param(replace(BASE, tracks=()), id="no tracks"),
        pytest.param(replace(BASE, tracks=(BASE_TRACK, BASE_TRACK)), id="tracks"),
        pytest.param(of([replace(BASE_TRACK, algorithm=PDQ)]), id="algorithm"),
        pytest.param(of([replace(BASE_TRACK, view=View.MIRRORED)]), id="view"),
        pytest.param(of([replace(BASE_TRACK, stream=1)]), id="stream"),
        pytest.param(of([replace(BASE_TRACK, times_ms=BASE_TRACK.times_ms + 1)]), id="times"),
        pytest.param(of([replace(BASE_TRACK, spans_ms=BASE_TRACK.spans_ms + 1)]), id="spans"),
        pytest.param(of([replace(BASE_TRACK, qualities=BASE_TRACK.qualities - 1)]), id="quality"),
        pytest.param(of([replace(BASE_TRACK, hashes=~BASE_TRACK.hashes)]), id="hashes"),
    ],
)
def test_the_digest_and_equality_see_every_field(other: Fingerprint) -> None:
    assert other != BASE
    assert other.digest != BASE.digest


@given(FINGERPRINTS)
def test_equal_fingerprints_have_equal_digests(fingerprint: Fingerprint) -> None:
    copy = replace(
        fingerprint, tracks=tuple(part.select(slice(None)) for part in fingerprint.tracks)
    )

    assert copy == fingerprint
    assert hash(copy) == hash(fingerprint)
    assert copy.digest == fingerprint.digest
    assert copy.reference_id == fingerprint.digest[:16]


def test_the_digest_never_changes() -> None:
    """Reference ids and duplicates in every stored list hang on it."""
    fingerprint = of([track(np.arange(64, dtype=np.uint8).reshape(2, 32))])

    assert fingerprint.reference_id == "1c19728562c3f0e2"


def test_a_track_is_not_equal_to_something_else() -> None:
    assert BASE_TRACK != "a track"


def test_an_algorithm_reads_as_name_and_parameters() -> None:
    assert str(PHASH) == "phash256(hash_size=16,plane_px=64)"


def test_frames_counts_all_tracks() -> None:
    assert of([track(random_hashes(1, 2)), track(random_hashes(2, 3))]).frames == 5
