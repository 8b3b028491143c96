"""Alignments of synthetic footage, where the truth is known to the millisecond."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashing import alignment, chance
from hashing.alignment import Alignment, align
from hashing.fingerprint import PHASH, Track
from hashing.index import Hits, Index
from tests import tracks
from tests.tracks import SPARSE_MS, copy, footage, joined, track, video

REFERENCE = footage(1, 20_000)
SLACK_MS = 300  # a sampling step of the clip and a frame of the reference
REAL = 25.0  # nats: what a check of a short clip against a few minutes of footage has to show


def aligned(
    clip: Track, reference: Track = REFERENCE, within: int = chance.LOOSE_BITS
) -> list[Alignment]:
    """All alignments of the two, strongest first."""
    return [
        one
        for hits in Index(PHASH, [video(reference)]).search(clip, within)
        for one in align(clip, hits)
    ]


def real(found: list[Alignment]) -> list[Alignment]:
    """Those with more evidence than a coincidence has."""
    return [one for one in found if one.evidence_nats > REAL]


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "speed"),
    [
        pytest.param(0, 20_000, 1.0, id="whole"),
        pytest.param(5000, 12_000, 1.0, id="cut"),
        pytest.param(0, 3000, 1.0, id="beginning"),
        pytest.param(17_000, 20_000, 1.0, id="end"),
        pytest.param(2000, 18_000, 0.5, id="half speed"),
        pytest.param(2000, 18_000, 0.8, id="slower"),
        pytest.param(2000, 18_000, 24 / 25, id="cinema speed"),
        pytest.param(2000, 18_000, 1.001, id="NTSC"),
        pytest.param(2000, 18_000, 1.25, id="faster"),
        pytest.param(2000, 18_000, 2.0, id="double speed"),
    ],
)
@pytest.mark.parametrize("noise_bits", [(0, 0), (10, 50)])
def test_a_copy_is_found_where_it_is(
    start_ms: int, end_ms: int, speed: float, noise_bits: tuple[int, int]
) -> None:
    clip = copy(REFERENCE, start_ms=start_ms, end_ms=end_ms, speed=speed, noise_bits=noise_bits)
    best, *others = aligned(clip)

    assert best.speed == pytest.approx(speed, rel=0.02)
    assert best.clip_start_ms == 0
    assert best.clip_end_ms == clip.times_ms[-1]
    assert best.reference_start_ms == pytest.approx(start_ms, abs=SLACK_MS)
    assert best.reference_end_ms == pytest.approx(
        start_ms + speed * clip.times_ms[-1], abs=SLACK_MS
    )
    assert best.frames == best.frames_matched == best.distinct_hits == len(clip)
    assert best.mean_distance_bits <= noise_bits[1]
    assert real(others) == []


def test_a_copy_to_the_bit_agrees_in_full() -> None:
    best = aligned(copy(REFERENCE, noise_bits=(0, 0)))[0]

    assert best.agreement == pytest.approx(1.0)
    assert best.mean_distance_bits == 0.0
    assert best.speed == 1.0


def test_a_reference_inside_other_footage() -> None:
    before, after = copy(footage(2, 8000)), copy(footage(3, 6000))
    inside = copy(REFERENCE, start_ms=3000, end_ms=13_000)
    found = real(aligned(joined(before, inside, after)))
    start_ms = int(before.times_ms[-1]) + SPARSE_MS

    assert len(found) == 1
    assert (found[0].clip_start_ms, found[0].clip_end_ms) == (start_ms, start_ms + 9750)
    assert found[0].reference_start_ms == pytest.approx(3000, abs=SLACK_MS)
    assert found[0].reference_end_ms == pytest.approx(12_750, abs=SLACK_MS)


def test_shuffled_pieces_are_two_alignments() -> None:
    late = copy(REFERENCE, start_ms=10_000, end_ms=18_000)
    early = copy(REFERENCE, start_ms=1000, end_ms=8000)
    first, second = sorted(real(aligned(joined(late, early))), key=lambda one: one.clip_start_ms)

    assert first.reference_start_ms == pytest.approx(10_000, abs=SLACK_MS)
    assert second.reference_start_ms == pytest.approx(1000, abs=SLACK_MS)
    assert first.clip_end_ms < second.clip_start_ms


def test_pieces_on_both_sides_of_another_are_three_alignments() -> None:
    """They lie on one line with a stronger one between them, which belongs to another."""
    clip = joined(
        copy(REFERENCE, end_ms=2000),
        copy(REFERENCE, start_ms=9000, end_ms=19_000),
        copy(REFERENCE, start_ms=12_250, end_ms=14_000),
    )
    found = sorted(real(aligned(clip)), key=lambda one: one.clip_start_ms)

    assert [(one.clip_start_ms, one.clip_end_ms) for one in found] == [
        (0, 1750),
        (2000, 11_750),
        (12_000, 13_500),
    ]


def test_of_a_reference_cut_to_many_pieces_the_strongest_are_found() -> None:
    """Backwards, so that no two pieces lie on one line."""
    starts_ms = range(15_000, -1, -1500)
    pieces = [copy(REFERENCE, start_ms=start, end_ms=start + 1500) for start in starts_ms]

    assert len(real(aligned(joined(*pieces)))) == alignment._MOST_LINES


def test_a_speed_beyond_those_searched_is_not_made_up_by_fitting() -> None:
    """Slower than half, by a little: the nearest speed that is searched still gives hits."""
    best = aligned(copy(REFERENCE, speed=0.45, end_ms=3000))[0]

    assert best.speed >= 0.475
    assert best.frames_matched > 3


def test_hits_that_do_not_hold_are_no_alignment() -> None:
    """The index is believed about where to look, not about what is there."""
    clip = copy(footage(9, 3000))
    rows = np.arange(len(clip))
    claimed = Hits(0, REFERENCE, rows, rows, np.zeros(len(rows), np.uint16))

    assert align(clip, claimed) == []


def test_unrelated_footage_gives_nothing_real() -> None:
    assert real(aligned(copy(footage(9, 60_000)))) == []


def test_dropped_frames_leave_the_rest_in_place() -> None:
    clip = copy(REFERENCE)
    kept = clip.select(np.random.default_rng(1).random(len(clip)) > 0.5)
    best = aligned(kept)[0]

    assert best.speed == pytest.approx(1.0, rel=0.005)
    assert best.frames_matched == len(kept)


def test_frames_that_do_not_match_are_counted_inside_and_not_around() -> None:
    """Half a second of something else in the middle is bridged; two seconds at the end are not."""
    clip = copy(REFERENCE)
    hashes = clip.hashes.copy()
    hashes[30:32] = footage(4, 80).hashes
    hashes[-8:] = footage(5, 320).hashes
    best = aligned(replace(clip, hashes=hashes))[0]

    assert best.clip_end_ms == clip.times_ms[-9]
    assert best.frames == len(clip) - 8
    assert best.frames_matched == best.frames - 2


def test_a_static_picture_counts_once() -> None:
    still = tracks.still(3, 20_000)
    short, long = (
        max(one.evidence_nats for one in aligned(copy(still, end_ms=end_ms), still.merged()))
        for end_ms in (1000, 19_000)
    )
    best = aligned(copy(still, noise_bits=(0, 4)), still.merged())[0]

    assert best.distinct_hits == 1
    assert short <= long < 1.2 * short


def test_a_static_stretch_inside_footage_keeps_the_time_line() -> None:
    """The reference holds the still stretch as one hash with a span."""
    reference = joined(footage(5, 4000), tracks.still(6, 6000), footage(7, 4000), gap_ms=40)
    best = aligned(copy(reference), reference.merged())[0]

    assert len(reference.merged()) < 210
    assert best.frames_matched == best.frames == 56
    assert best.distinct_hits <= 56 - 6000 // SPARSE_MS + 1
    assert best.speed == pytest.approx(1.0, rel=0.02)
    assert best.reference_end_ms == pytest.approx(13_750, abs=SLACK_MS)


def test_slides_are_aligned_by_all_their_instants() -> None:
    """A slide is one hash with a span; a copy cut out of the middle starts inside one."""
    slides = joined(*(tracks.still(seed, 3000) for seed in range(20, 30)), gap_ms=40)
    best = aligned(copy(slides, start_ms=8000, end_ms=22_000), slides.merged())[0]

    assert best.speed == pytest.approx(1.0, rel=0.05)
    assert best.reference_start_ms == pytest.approx(8000, abs=1000)
    assert best.frames_matched == 56
    assert best.distinct_hits == 6


def test_a_still_lead_in_is_not_part_of_the_copy() -> None:
    """Frames without news cost next to nothing, and are left out all the same."""
    lead_in = copy(tracks.still(11, 3000), noise_bits=(0, 0))
    best = aligned(joined(lead_in, copy(REFERENCE), lead_in))[0]

    assert best.clip_start_ms == lead_in.times_ms[-1] + SPARSE_MS
    assert best.frames == best.frames_matched == 80


def test_pictures_that_hardly_change_carry_less_evidence() -> None:
    lively, slow = (footage(12, 10_000, flips=flips) for flips in (25, 2))
    evidence = [
        aligned(copy(one, noise_bits=(20, 20)), one)[0].evidence_nats for one in (lively, slow)
    ]

    assert evidence[1] < evidence[0] / 3


@pytest.mark.parametrize("length_ms", [4000, 20_000, 120_000])
def test_two_takes_of_one_scene_are_not_a_copy_however_long(length_ms: int) -> None:
    """Every frame is near; but what moves is different, and no evidence adds up."""
    found = aligned(copy(tracks.take(1, length_ms), noise_bits=(0, 4)), tracks.take(2, length_ms))

    assert found[0].frames_matched > 10
    assert found[0].agreement < 0.1
    assert real(found) == []


def test_the_same_take_is_a_copy() -> None:
    found = aligned(copy(tracks.take(1, 20_000), noise_bits=(0, 4)), tracks.take(1, 20_000))

    assert found[0].agreement > 0.8
    assert len(real(found)) == 1


@pytest.mark.parametrize("frames", [1, 2])
def test_so_few_frames_are_alignments_without_weight(frames: int) -> None:
    best = aligned(copy(REFERENCE).select(slice(frames)))[0]

    assert best.frames_matched == frames
    assert best.speed == 1.0
    assert best.evidence_nats < REAL


def test_a_single_frame_agrees_with_nothing() -> None:
    assert aligned(copy(REFERENCE).select(slice(1)))[0].agreement == 0.0


def test_a_reference_of_one_frame() -> None:
    best = aligned(copy(REFERENCE), REFERENCE.select(slice(1)))[0]

    assert (best.reference_start_ms, best.reference_end_ms) == (0, 0)
    assert best.frames_matched == 1


def test_more_evidence_from_a_longer_copy() -> None:
    evidence = [
        aligned(copy(REFERENCE, end_ms=end_ms, noise_bits=(20, 20)))[0].evidence_nats
        for end_ms in (1000, 4000, 16_000)
    ]

    assert evidence == sorted(evidence)
    assert evidence[2] > 3 * evidence[1]


def test_less_noise_is_more_evidence() -> None:
    evidence = [
        aligned(copy(REFERENCE, noise_bits=(bits, bits)))[0].evidence_nats
        for bits in (60, 40, 20, 0)
    ]

    assert evidence == sorted(evidence)


_PIECES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(1, 30)), min_size=1, max_size=4
)


@settings(max_examples=40, deadline=None)
@given(_PIECES, st.sampled_from([0.6, 1.0, 1.0, 1.7]), st.booleans())
def test_whatever_is_cut_together_the_ranges_hold(
    pieces: list[tuple[int, int, int]], speed: float, merge: bool
) -> None:
    """In order, inside both sides, apart from each other in the clip, strongest first."""
    sources = [REFERENCE, REFERENCE, tracks.still(1000, 20_000), footage(8, 20_000)]
    clip = joined(
        *(
            copy(sources[source], start_ms=start * 250, end_ms=(start + length) * 250, speed=speed)
            for source, start, length in pieces
        )
    )
    reference = joined(REFERENCE, sources[2], gap_ms=40)
    found = aligned(clip, reference.merged() if merge else reference)
    ranges = sorted((one.clip_start_ms, one.clip_end_ms) for one in found)

    assert found == sorted(found, key=lambda one: -one.evidence_nats)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(ranges))
    for one in found:
        assert 0 <= one.clip_start_ms <= one.clip_end_ms <= clip.times_ms[-1]
        assert 0 <= one.reference_start_ms <= one.reference_end_ms <= reference.times_ms[-1]
        assert 1 <= one.distinct_hits <= one.frames_matched <= one.frames
        assert 0.0 <= one.agreement <= 1.0
        assert one.mean_distance_bits <= chance.LOOSE_BITS


@settings(max_examples=15, deadline=None)
@given(st.integers(20, 71), st.integers(0, 99))
def test_a_smaller_threshold_finds_no_hit_that_a_larger_misses(within: int, seed: int) -> None:
    clip = track(copy(REFERENCE).times_ms, tracks.noisy(copy(REFERENCE).hashes, seed, 0, 40))
    (narrow,) = Index(PHASH, [video(REFERENCE)]).search(clip, within)
    (wide,) = Index(PHASH, [video(REFERENCE)]).search(clip, within + 1)

    assert len(align(clip, narrow)) >= 1
    assert set(zip(narrow.clip_rows, narrow.reference_rows, strict=True)) <= set(
        zip(wide.clip_rows, wide.reference_rows, strict=True)
    )
