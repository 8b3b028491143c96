"""Extraction: sampling, views, quality gates, spans, and the account of it all."""

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest

from hashing import bits, pdq, phash
from hashing.coverage import Problem
from hashing.decode import Limits
from hashing.errors import MediaError, NoVideo, UnreadableMedia
from hashing.extract import CLIP, REFERENCE, Extract, Extraction, extract
from hashing.fingerprint import PDQ, PHASH, Algorithm, Kind, Track
from hashing.lanes import widened
from hashing.views import CROPS_PERCENT, Region, View
from tests import clips

SCENE = clips.moving_scene(11)
MP4 = clips.encode(SCENE)
EVERY_FRAME = replace(REFERENCE, merge=False)


def track(found: Extract, algorithm: Algorithm = PHASH, view: View = View.AS_IS) -> Track:
    (only,) = (
        each
        for each in found.fingerprint.tracks
        if each.algorithm == algorithm and each.view == view and each.stream == 0
    )
    return only


def nearest_bits(clip: Track, reference: Track) -> float:
    """Mean over the clip's frames of the distance to the nearest reference frame."""
    return float(bits.distance_matrix(clip.hashes, reference.hashes).min(axis=1).mean())


def test_a_clip_is_sampled_sparsely() -> None:
    found = extract(MP4, CLIP)

    assert found.fingerprint.kind is Kind.VIDEO
    assert found.fingerprint.duration_ms == 3000
    assert [(each.algorithm, each.view) for each in found.fingerprint.tracks] == [
        (PHASH, View.AS_IS),
        (PHASH, View.MIRRORED),
        *((PHASH, View(cropped_percent=percent)) for percent in CROPS_PERCENT),
        (PDQ, View.AS_IS),
        (PDQ, View.MIRRORED),
    ]
    assert track(found).times_ms.tolist() == [
        second + part
        for second in (0, 1000, 2000)
        for part in (0, 160, 280, 400, 520, 640, 760, 880)
    ]
    assert track(found, PDQ).times_ms.tolist() == [0, 1000, 2000]
    assert found.coverage.complete
    assert (found.coverage.sampled_frames, found.coverage.flat_frames) == (24, 0)


def test_a_reference_keeps_every_frame() -> None:
    found = extract(MP4, EVERY_FRAME)

    assert [(each.algorithm, each.view) for each in found.fingerprint.tracks] == [
        (PHASH, View.AS_IS),
        (PDQ, View.AS_IS),
    ]
    assert track(found).times_ms.tolist() == list(range(0, 3000, 40))
    assert track(found).spans_ms.tolist() == [40] * 75
    assert track(found, PDQ).times_ms.tolist() == [0, 520, 1000, 1520, 2000, 2520]


def test_at_sixty_frames_a_second_a_reference_keeps_twenty_five() -> None:
    fast = clips.encode(clips.moving_scene(11, 2.0, fps=60), fps=60)

    times_ms = track(extract(fast, EVERY_FRAME)).times_ms

    assert len(times_ms) == 50


def test_the_same_bytes_give_the_same_fingerprint() -> None:
    letterboxed = clips.encode(clips.letterboxed(SCENE))

    assert (
        extract(letterboxed, CLIP).fingerprint.digest
        == extract(io.BytesIO(letterboxed), CLIP).fingerprint.digest
    )


def test_the_hashes_are_those_of_the_frames() -> None:
    """Lossless, so that only the plane's rounding is between the two."""
    lossless = clips.encode(SCENE[:5], codec="png", container="mov", pixels="rgb24")

    found = extract(lossless, EVERY_FRAME)

    planes = np.stack([phash.shrink(frame) for frame in SCENE[:5]])
    assert np.array_equal(track(found).hashes, phash.hashes(phash.coefficients(planes)))
    assert np.array_equal(track(found).qualities, pdq.qualities(planes))
    plane = pdq.shrink(SCENE[0])[None]
    assert np.array_equal(track(found, PDQ).hashes, pdq.hashes(pdq.coefficients(plane)))


@pytest.mark.parametrize("side_px", [256, 512, 854])
def test_halving_before_the_plane_moves_no_more_than_rounding(side_px: int) -> None:
    large = clips.moving_scene(3, 0.2, width=side_px, height=side_px // 2 + 141)
    lossless = clips.encode(large, codec="png", container="mov", pixels="rgb24")

    found = track(extract(lossless, EVERY_FRAME)).hashes

    planes = np.stack([phash.shrink(frame) for frame in large])
    assert bits.distances(found, phash.hashes(phash.coefficients(planes))).max() <= 8


def test_a_side_beyond_pdqs_longest_is_shrunk_first() -> None:
    """The filter of a 6000-pixel side would be a matrix of 36 million weights."""
    wide = cv2.resize(SCENE[0], (6000, 400), interpolation=cv2.INTER_CUBIC).astype(np.uint8)

    found = track(extract(clips.picture(wide), CLIP), PDQ)

    near = pdq.hashes(pdq.coefficients(pdq.shrink(cv2.resize(SCENE[0], (2048, 400)))[None]))
    assert bits.distances(found.hashes, near)[0] <= 12


# --- views --------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [PHASH, PDQ], ids=str)
def test_a_mirrored_copy_is_near_in_the_mirrored_view(algorithm: Algorithm) -> None:
    reference = track(extract(MP4, replace(EVERY_FRAME, pdq_interval_ms=40)), algorithm)
    copy = extract(clips.encode(clips.mirrored(SCENE)), CLIP)

    assert nearest_bits(track(copy, algorithm, View.MIRRORED), reference) < 36
    assert nearest_bits(track(copy, algorithm, View.AS_IS), reference) > 70


@pytest.mark.parametrize(
    "boxed",
    [
        pytest.param(clips.letterboxed(SCENE, 20, 20), id="above and below"),
        pytest.param(clips.letterboxed(SCENE, 0, 0, left=30, right=30, grey=200), id="beside"),
        pytest.param(clips.letterboxed(SCENE, 30, 10, left=10, right=40, grey=90), id="around"),
        pytest.param(clips.noisy_bars(SCENE), id="noisy"),
    ],
)
@pytest.mark.parametrize("algorithm", [PHASH, PDQ], ids=str)
def test_a_copy_with_borders_is_near_without_them(
    boxed: clips.Frames, algorithm: Algorithm
) -> None:
    reference = track(extract(MP4, replace(EVERY_FRAME, pdq_interval_ms=40)), algorithm)
    copy = extract(clips.encode(boxed), CLIP)

    assert nearest_bits(track(copy, algorithm, View.BORDERLESS), reference) < 40
    assert nearest_bits(track(copy, algorithm, View.AS_IS), reference) > 70


def test_borders_are_removed_from_references_too() -> None:
    found = extract(clips.encode(clips.letterboxed(SCENE)), REFERENCE)

    assert View.BORDERLESS in {each.view for each in found.fingerprint.tracks}


# --- quality ------------------------------------------------------------------------------------


def test_flat_frames_are_counted_and_left_out() -> None:
    frames = np.concatenate([clips.black(1.0), SCENE[:50]])

    found = extract(clips.encode(frames), EVERY_FRAME)

    assert found.coverage.sampled_frames == 75
    assert 23 <= found.coverage.flat_frames <= 27
    assert found.coverage.problems == ()
    assert abs(int(track(found).times_ms[0]) - 1000) <= 80
    assert track(found, PDQ).times_ms.min() >= 1000


@pytest.mark.parametrize(
    ("black_s", "too_dark"), [(5.0, True), (2.0, False)], ids=["a sixth usable", "a third"]
)
def test_a_clip_with_hardly_a_usable_frame_is_too_dark(black_s: float, too_dark: bool) -> None:
    found = extract(clips.encode(np.concatenate([clips.black(black_s), SCENE[:25]])), CLIP)

    assert (Problem.TOO_DARK in found.coverage.problems) == too_dark
    assert found.fingerprint.frames > 0


def test_an_all_black_clip_has_no_hashes_and_is_not_complete() -> None:
    found = extract(clips.encode(clips.black()), CLIP)

    assert found.fingerprint.tracks == ()
    assert found.coverage.problems == (Problem.TOO_DARK,)
    assert found.coverage.flat_frames == found.coverage.sampled_frames == 16


def test_either_range_gives_the_same_quality_and_hashes() -> None:
    """A quality of limited-range luma that was not widened would be a seventh lower."""
    faint = (128 + (SCENE.astype(float) - 128) * 0.45).astype(np.uint8)
    options = {"preset": "ultrafast", "qp": "1"}
    studio = extract(clips.encode(faint, options=options), EVERY_FRAME)
    full = extract(clips.encode(faint, codec="png", container="mov", pixels="rgb24"), EVERY_FRAME)

    assert 0 < track(full).qualities.mean() < 100
    assert np.abs(track(studio).qualities.mean() - track(full).qualities.mean()) < 6
    assert bits.distances(track(studio).hashes, track(full).hashes).mean() < 12


def test_widening_maps_black_and_white() -> None:
    planes = np.array([[[16, 235]], [[0, 255]]], np.uint8)

    assert np.allclose(widened(planes, np.array([True, False])), [[[0, 255]], [[0, 255]]])


# --- spans --------------------------------------------------------------------------------------


def test_a_still_scene_becomes_one_hash_with_its_span() -> None:
    frames = np.concatenate([np.repeat(SCENE[:1], 50, axis=0), SCENE[:25]])

    merged = track(extract(clips.encode(frames), REFERENCE))

    assert merged.times_ms[0] == 0
    assert 1900 <= merged.spans_ms[0] <= 2100
    assert len(merged) < 40


def test_spans_reach_to_the_next_frame_but_not_over_a_gap() -> None:
    times_ms = [0, 250, 500, 3000, 3250]

    found = track(extract(clips.encode(SCENE[:50:10], times_ms=times_ms), CLIP))

    assert found.times_ms.tolist() == times_ms
    assert found.spans_ms.tolist()[:4] == [250, 250, 500, 250]
    assert 0 < found.spans_ms[4] <= 500


# --- pictures, tracks, errors -------------------------------------------------------------------


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_picture_has_one_frame_and_no_length(format_name: str) -> None:
    found = extract(clips.picture(SCENE[0], format_name), CLIP)

    assert found.fingerprint.kind is Kind.IMAGE
    assert found.fingerprint.duration_ms == 0
    for each in found.fingerprint.tracks:
        assert (each.times_ms.tolist(), each.spans_ms.tolist()) == ([0], [0])
    assert nearest_bits(track(found), track(extract(MP4, EVERY_FRAME))) < 20
    assert found.coverage.complete


def test_a_decoy_track_hides_nothing() -> None:
    found = extract(clips.encode_tracks([clips.black(3.0), SCENE]), CLIP)

    assert {each.stream for each in found.fingerprint.tracks} == {1}
    (second,) = (each for each in found.fingerprint.of(PHASH) if each.view == View.AS_IS)
    assert nearest_bits(second, track(extract(MP4, EVERY_FRAME))) < 20
    assert (found.coverage.sampled_frames, found.coverage.flat_frames) == (48, 24)


def test_tracks_stand_in_a_fixed_order() -> None:
    found = extract(clips.encode_tracks([SCENE, clips.letterboxed(SCENE[:, ::2])]), CLIP)

    order = [(each.stream, each.algorithm.name, each.view) for each in found.fingerprint.tracks]
    regions = {0: (Region.WHOLE,), 1: (Region.WHOLE, Region.BORDERLESS)}
    assert order == [
        (stream, name, view)
        for stream in (0, 1)
        for name, crops in (("phash256", CROPS_PERCENT), ("pdq256", ()))
        for region in regions[stream]
        for view in (
            View(region),
            View(region, mirrored=True),
            *(View(region, cropped_percent=percent) for percent in crops),
        )
    ]


def test_a_frame_beyond_the_limit_gives_an_empty_fingerprint_and_says_why() -> None:
    found = extract(MP4, CLIP, Limits(frame_pixels=1000))

    assert found.fingerprint.tracks == ()
    assert found.coverage.problems == (Problem.LIMIT_FRAME_PIXELS,)


def test_where_nothing_decodes_there_is_no_fingerprint() -> None:
    shredded = clips.with_media_damaged(MP4, 0.0, 1.0)

    with pytest.raises(UnreadableMedia):
        extract(shredded, CLIP)


def test_errors_of_decoding_pass_through() -> None:
    with pytest.raises(NoVideo):
        extract(clips.audio_only(), CLIP)


@pytest.mark.parametrize("name", clips.bad_media().keys())
def test_no_bad_input_passes_for_a_complete_clip(name: str) -> None:
    try:
        found = extract(clips.bad_media()[name](), CLIP)
    except MediaError:
        return
    assert not found.coverage.complete


def test_a_long_clip_is_hashed_in_several_batches() -> None:
    found = extract(clips.encode(clips.moving_scene(4, 6.0, 64, 48)), EVERY_FRAME)

    assert track(found).times_ms.tolist() == list(range(0, 6000, 40))


# --- look by look -------------------------------------------------------------------------------


LONG = clips.moving_scene(12, 16.0)
GROUPS = clips.encode(LONG, options={"g": "50", "preset": "veryfast"})


def test_key_frames_then_the_end_then_all_of_it() -> None:
    extraction = Extraction(GROUPS, CLIP)
    keys, ending, whole = extraction.key_frames(), extraction.ending(), extraction.whole()

    assert track(keys).times_ms.tolist() == list(range(0, 16_000, 2000))
    times_ms = track(ending).times_ms
    assert times_ms[:8].tolist() == track(keys).times_ms.tolist()
    assert (
        np.abs(times_ms[8:] - np.arange(14_250, 16_000, 250)).max() <= 80
    )  # a skipped frame or two
    assert [one.coverage.decoded_ms for one in (keys, ending, whole)] == [0, 2000, 16_000]
    assert [one.coverage.container_ms for one in (ending, whole)] == [16_000, 16_000]
    assert [one.coverage.problems for one in (keys, ending, whole)] == [(), (), ()]
    assert keys.coverage.sampled_frames == 8
    assert whole == extract(GROUPS, CLIP)


@pytest.mark.parametrize("frames", [LONG, clips.letterboxed(LONG)], ids=["plain", "with bars"])
def test_each_look_gives_the_hashes_of_the_whole(frames: clips.Frames) -> None:
    """In every view; the same times, so that a line through them is the same line."""
    extraction = Extraction(clips.encode(frames, options={"g": "50", "preset": "veryfast"}), CLIP)
    looks, whole = (extraction.key_frames(), extraction.ending()), extraction.whole()

    for look in looks:
        found = {(one.algorithm, one.view): one for one in look.fingerprint.tracks}
        assert found.keys() == {(one.algorithm, one.view) for one in whole.fingerprint.tracks}
        for one in whole.fingerprint.of(PHASH):
            part = found[one.algorithm, one.view]
            rows = np.searchsorted(one.times_ms, part.times_ms)
            assert np.array_equal(one.times_ms[rows], part.times_ms)
            assert bits.distances(one.hashes[rows], part.hashes).max() <= 2


@pytest.mark.parametrize(
    "media",
    [
        pytest.param(clips.encode_tracks([LONG, clips.black(16.0)]), id="two tracks"),
        pytest.param(clips.picture(LONG[0]), id="a picture"),
        pytest.param(clips.animation(LONG[:20]), id="an animation"),
    ],
)
def test_where_key_frames_cannot_speak_for_a_clip_there_are_no_hashes(media: bytes) -> None:
    extraction = Extraction(media, CLIP)

    assert extraction.key_frames().fingerprint.tracks == ()
    assert extraction.ending().fingerprint.tracks == ()
    assert extraction.whole() == extract(media, CLIP)


def test_an_end_that_cannot_be_read_is_a_problem() -> None:
    extraction = Extraction(clips.with_media_cut(GROUPS, 0.9), CLIP)
    extraction.key_frames()

    assert not extraction.ending().coverage.complete
