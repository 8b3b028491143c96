"""Matching: synthetic clips against lists of synthetic references, from fingerprint to finding."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashing import matching
from hashing.errors import IncompatibleHash
from hashing.fingerprint import PDQ, PHASH, Algorithm, Fingerprint, Track
from hashing.matching import Finding, ListIndex
from hashing.verdict import DEFAULT_POLICY, DecisionPolicy, Verdict
from hashing.views import View
from tests import tracks
from tests.tracks import copy, footage, image, joined, noisy, video

MATCH, NEAR = Verdict.MATCH, Verdict.NEAR_MATCH
REFERENCE = footage(1, 20_000)
TWO_SLIDES = joined(tracks.still(3, 5000), tracks.still(4, 5000), gap_ms=40)
SLACK_MS = 300


def found(
    clip: Fingerprint, *references: Fingerprint, policy: DecisionPolicy = DEFAULT_POLICY
) -> list[Finding]:
    """The findings of a check against one list."""
    index = ListIndex(references)
    return index.match(clip, matching.tries(clip, index.frames), policy)


def only(clip: Track, reference: Track = REFERENCE) -> Finding:
    """The one finding of a video in a list of one video."""
    (finding,) = found(video(clip), video(reference))
    return finding


def near(fingerprint: Fingerprint, flips: int) -> Fingerprint:
    """The same with so many bits flipped in every hash."""
    changed = [
        replace(track, hashes=noisy(track.hashes, 5, flips, flips)) for track in fingerprint.tracks
    ]
    return replace(fingerprint, tracks=tuple(changed))


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.0, 1.25, 2.0])
def test_a_copy_matches_with_its_evidence(speed: float) -> None:
    clip = copy(REFERENCE, start_ms=2000, end_ms=18_000, speed=speed)
    finding = only(clip)

    assert finding.verdict is Verdict.MATCH
    assert finding.chance < 1e-20
    assert finding.score > 0.85
    assert finding.speed == pytest.approx(speed, rel=0.02)
    assert finding.clip_ranges_ms == ((0, clip.times_ms[-1]),)
    ((start_ms, end_ms),) = finding.reference_ranges_ms
    assert start_ms == pytest.approx(2000, abs=SLACK_MS)
    assert end_ms == pytest.approx(2000 + speed * clip.times_ms[-1], abs=SLACK_MS)
    assert finding.clip_coverage == 1.0
    assert finding.reference_coverage == pytest.approx((end_ms - start_ms) / 19_960, abs=1e-3)
    assert (finding.algorithm, finding.view) == (PHASH, View.AS_IS)


def test_another_speed_pays_for_all_the_speeds_tried() -> None:
    """Half of the prior goes to unchanged speed, the 49 others share the rest."""
    plain = only(copy(REFERENCE, end_ms=2000, noise_bits=(0, 0)))
    quick = only(copy(REFERENCE, end_ms=2500, speed=1.25, noise_bits=(0, 0)))

    assert quick.frames == plain.frames
    assert quick.chance == pytest.approx(49 * plain.chance, rel=1e-6, abs=0.0)
    assert 0.0 < plain.chance < 1e-12


def test_a_clip_that_shuffles_the_reference_has_a_range_for_each_piece() -> None:
    late = copy(REFERENCE, start_ms=10_000, end_ms=18_000)
    early = copy(REFERENCE, start_ms=1000, end_ms=8000)
    finding = only(joined(late, early))

    assert finding.clip_ranges_ms == ((0, 7750), (8000, 14_750))
    assert (
        np.abs(np.array(finding.reference_ranges_ms) - [(1000, 7750), (10_000, 17_750)]).max()
        <= SLACK_MS
    )
    assert finding.frames == finding.frames_matched == 60


def test_a_part_shown_twice_counts_once_in_the_reference() -> None:
    part = copy(REFERENCE, end_ms=5000)
    finding = only(joined(part, part))

    assert len(finding.clip_ranges_ms) == 2
    assert len(finding.reference_ranges_ms) == 1
    assert finding.reference_coverage < 0.3


def test_a_coincidence_elsewhere_in_the_clip_does_not_widen_the_ranges() -> None:
    """One near frame on a time line of its own is no evidence, beside a match either."""
    other = copy(footage(2, 4000))
    hashes = other.hashes.copy()
    hashes[3] = noisy(REFERENCE.hashes[400:401], 1, 40, 40)
    finding = only(joined(replace(other, hashes=hashes), copy(REFERENCE, end_ms=8000)))

    assert finding.clip_ranges_ms == ((4000, 11_750),)


def test_a_reference_inside_other_footage() -> None:
    clip = joined(copy(footage(2, 8000)), copy(REFERENCE, end_ms=10_000), copy(footage(3, 8000)))
    finding = only(clip)

    assert finding.verdict is Verdict.MATCH
    assert finding.clip_ranges_ms == ((8000, 17_750),)
    assert finding.clip_coverage == pytest.approx(9750 / 25_750, abs=1e-3)


@pytest.mark.parametrize(
    ("clip", "references"),
    [
        pytest.param(video(copy(footage(9, 60_000))), [video(REFERENCE)], id="unrelated"),
        pytest.param(
            video(copy(tracks.take(1, 60_000), noise_bits=(0, 4))),
            [video(tracks.take(2, 60_000))],
            id="two takes of one scene",
        ),
        pytest.param(video(copy(REFERENCE)), [], id="an empty list"),
        pytest.param(video(copy(REFERENCE)), [video()], id="a reference without tracks"),
        pytest.param(video(copy(REFERENCE)), [video(tracks.empty())], id="without frames"),
        pytest.param(video(), [video(REFERENCE)], id="a clip without tracks"),
        pytest.param(video(tracks.empty()), [video(REFERENCE)], id="a clip without frames"),
        pytest.param(near(image(REFERENCE), 32), [image(REFERENCE)], id="images just too far"),
        pytest.param(
            video(replace(copy(REFERENCE), algorithm=PDQ)), [video(REFERENCE)], id="other algorithm"
        ),
    ],
)
def test_nothing_is_found(clip: Fingerprint, references: list[Fingerprint]) -> None:
    assert found(clip, *references) == []


def test_a_shared_title_card_alone_is_no_match() -> None:
    """Ten seconds of one picture count once."""
    card = tracks.still(4, 10_000)
    clip = joined(copy(card), copy(footage(2, 20_000)))
    reference = joined(card, footage(3, 20_000), gap_ms=40).merged()

    assert found(video(clip), video(reference)) == []


@pytest.mark.parametrize(
    ("clip", "reference", "verdict", "clip_ranges_ms"),
    [
        pytest.param(
            near(image(REFERENCE), 31), image(REFERENCE), Verdict.MATCH, (), id="image in image"
        ),
        pytest.param(
            image(REFERENCE), video(REFERENCE), Verdict.MATCH, (), id="image in a video, strict"
        ),
        pytest.param(
            video(copy(REFERENCE, noise_bits=(5, 5))),
            image(REFERENCE),
            Verdict.NEAR_MATCH,
            ((0, 0),),
            id="video that shows an image",
        ),
        pytest.param(
            video(copy(tracks.still(3, 5000), noise_bits=(2, 2))),
            image(tracks.still(3, 40)),
            Verdict.NEAR_MATCH,
            ((0, 4750),),
            id="still video that shows an image",
        ),
        pytest.param(
            video(copy(tracks.still(3, 5000), noise_bits=(2, 2))),
            video(tracks.still(3, 5000).merged()),
            Verdict.NEAR_MATCH,
            ((0, 4750),),
            id="still video in a still video",
        ),
        pytest.param(
            video(copy(TWO_SLIDES, noise_bits=(2, 2))),
            video(TWO_SLIDES.merged()),
            Verdict.NEAR_MATCH,
            ((0, 9750),),
            id="two slides have no time line",
        ),
        pytest.param(
            video(copy(REFERENCE, noise_bits=(5, 5)).select(slice(1))),
            video(REFERENCE),
            Verdict.NEAR_MATCH,
            ((0, 0),),
            id="a video of one frame",
        ),
    ],
)
def test_single_pictures(
    clip: Fingerprint,
    reference: Fingerprint,
    verdict: Verdict,
    clip_ranges_ms: tuple[tuple[int, int], ...],
) -> None:
    (finding,) = found(clip, reference)

    assert finding.verdict is verdict
    assert finding.clip_ranges_ms == clip_ranges_ms
    assert finding.reference_ranges_ms == ()
    assert finding.distinct_hits == 1
    assert finding.mean_distance_bits <= DEFAULT_POLICY.strict_image_bits


PICTURE = tracks.still(3, 5000)
MOVING = footage(11, 20_000)


def changed(track: Track, flips: int) -> Track:
    """The same with so many bits flipped, the same ones in every frame."""
    mask = noisy(np.zeros((1, 32), np.uint8), 8, flips, flips)
    return replace(track, hashes=track.hashes ^ mask)


# In three steps so small that there is no time line, and too large for one picture.
FLICKER = joined(*(changed(PICTURE, flips) for flips in (0, 13, 26)), gap_ms=40)


@pytest.mark.parametrize(
    ("clip", "reference", "verdict"),
    [
        pytest.param(copy(PICTURE, noise_bits=(2, 2)), video(PICTURE), MATCH, id="a still video"),
        pytest.param(
            copy(PICTURE, noise_bits=(2, 2)),
            video(joined(MOVING, PICTURE, footage(12, 8000), gap_ms=40)),
            MATCH,
            id="a still clip of a moving video",
        ),
        pytest.param(copy(PICTURE, noise_bits=(2, 2)), image(PICTURE), MATCH, id="an image"),
        pytest.param(
            changed(copy(FLICKER, noise_bits=(0, 0)), 16), video(FLICKER), MATCH, id="small changes"
        ),
        pytest.param(
            changed(copy(FLICKER, noise_bits=(0, 0)), 17),
            video(FLICKER),
            NEAR,
            id="and one bit more",
        ),
        pytest.param(copy(PICTURE, noise_bits=(16, 16)), video(PICTURE), MATCH, id="just the same"),
        pytest.param(copy(PICTURE, noise_bits=(17, 17)), video(PICTURE), NEAR, id="one bit more"),
        pytest.param(
            joined(
                copy(PICTURE, end_ms=4500, noise_bits=(2, 2)),
                copy(changed(PICTURE, 20), end_ms=500, noise_bits=(0, 0)),
            ),
            video(PICTURE),
            MATCH,
            id="nine tenths of the frames",
        ),
        pytest.param(
            joined(
                copy(PICTURE, end_ms=4250, noise_bits=(2, 2)),
                copy(changed(PICTURE, 20), end_ms=750, noise_bits=(0, 0)),
            ),
            video(PICTURE),
            NEAR,
            id="one frame too few",
        ),
        pytest.param(
            copy(PICTURE, end_ms=1000, noise_bits=(0, 0)), video(PICTURE), MATCH, id="1 s"
        ),
        pytest.param(
            copy(PICTURE, end_ms=750, noise_bits=(0, 0)), video(PICTURE), NEAR, id="too short"
        ),
        pytest.param(
            joined(copy(PICTURE, noise_bits=(2, 2)), copy(MOVING, end_ms=1000)),
            image(PICTURE),
            NEAR,
            id="it moves for a sixth of its time",
        ),
        pytest.param(
            joined(copy(PICTURE, noise_bits=(2, 2)), copy(MOVING, end_ms=1000)),
            video(joined(PICTURE, footage(12, 8000), gap_ms=40)),
            None,
            id="it moves for a sixth of its time, as the reference does otherwise",
        ),
        pytest.param(
            copy(MOVING, noise_bits=(2, 2)), image(MOVING), NEAR, id="a moving clip of an image"
        ),
        pytest.param(
            copy(MOVING, noise_bits=(2, 2)),
            video(replace(PICTURE, hashes=np.repeat(MOVING.hashes[:1], len(PICTURE), axis=0))),
            NEAR,
            id="a moving clip of a still video",
        ),
    ],
)
def test_a_clip_of_one_picture(
    clip: Track, reference: Fingerprint, verdict: Verdict | None
) -> None:
    """A match where it is the same from end to end, whatever its chance."""
    findings = found(video(tracks.sampled(clip)), reference)

    assert [one.verdict for one in findings] == [verdict][: verdict is not None]
    assert all(one.only_alike for one in findings if verdict is MATCH)
    assert all(one.clip_coverage >= 0.9 for one in findings if verdict is MATCH)


def shown_for(spans_ms: list[int], clip_ms: int) -> Fingerprint:
    """The picture every two seconds, each time for so long; what is between and behind is flat."""
    clip = tracks.track(2000 * np.arange(len(spans_ms)), PICTURE.hashes[: len(spans_ms)])
    clip = replace(clip, spans_ms=np.array(spans_ms))
    return replace(video(clip), duration_ms=clip_ms)


@pytest.mark.parametrize(
    ("clip", "verdict", "same_share"),
    [
        pytest.param(shown_for([500] * 3, 6000), MATCH, 1.0, id="held by an animation"),
        pytest.param(shown_for([250] * 4, 8000), NEAR, 0.125, id="flat between"),
        pytest.param(shown_for([1250], 20_000), NEAR, 0.0625, id="flat behind"),
        pytest.param(shown_for([1000], 1000), MATCH, 1.0, id="nothing else"),
        pytest.param(
            video(
                tracks.sampled(
                    joined(
                        copy(PICTURE, end_ms=400, step_ms=100, noise_bits=(0, 0)),
                        copy(changed(PICTURE, 20), end_ms=100, step_ms=100, noise_bits=(0, 0)),
                        copy(PICTURE, end_ms=400, step_ms=100, noise_bits=(0, 0)),
                        gap_ms=100,
                    )
                )
            ),
            NEAR,
            0.0,
            id="nine tenths, but less than a second",
        ),
    ],
)
def test_only_time_in_which_the_picture_is_shown_counts(
    clip: Fingerprint, verdict: Verdict, same_share: float
) -> None:
    (finding,) = found(clip, video(PICTURE))

    assert finding.verdict is verdict
    assert finding.same_share == pytest.approx(same_share)


def test_a_picture_far_down_the_clip_is_where_it_is() -> None:
    clip = copy(REFERENCE, noise_bits=(0, 0))
    (finding,) = found(video(clip), image(clip.select(slice(40, 41))))

    assert finding.clip_ranges_ms == ((10_000, 10_000),)


def test_the_nearest_view_of_a_picture_is_the_one_reported() -> None:
    shown = image(REFERENCE).tracks[0]
    views = [
        replace(shown, hashes=noisy(shown.hashes, 1, 20, 20)),
        replace(shown, view=View.MIRRORED, hashes=noisy(shown.hashes, 2, 3, 3)),
    ]
    (finding,) = found(image(*views), image(REFERENCE))

    assert finding.view is View.MIRRORED
    assert finding.mean_distance_bits == 3.0


def test_the_best_view_of_a_video_is_the_one_reported() -> None:
    other = replace(copy(footage(2, 20_000)), view=View.AS_IS)
    mirrored = replace(copy(REFERENCE), view=View.MIRRORED)
    (finding,) = found(video(other, mirrored), video(REFERENCE))

    assert finding.view is View.MIRRORED


def test_two_views_that_say_the_same_are_counted_once() -> None:
    weaker = replace(copy(REFERENCE, noise_bits=(50, 60)), view=View.BORDERLESS)
    (finding,) = found(video(weaker, copy(REFERENCE)), video(REFERENCE))

    assert finding.frames == len(weaker)
    assert finding.view is View.AS_IS


def test_a_list_that_carries_only_pdq_is_matched_by_pdq() -> None:
    as_pdq = replace(REFERENCE, algorithm=PDQ)
    clip = video(copy(footage(2, 20_000)), replace(copy(REFERENCE), algorithm=PDQ))
    (finding,) = found(clip, video(as_pdq))

    assert finding.algorithm == PDQ
    assert finding.verdict is Verdict.MATCH


def test_pdq_is_left_out_where_a_reference_has_phash() -> None:
    """It says the same with less: one more chance for a false alarm."""
    both = video(footage(2, 20_000), replace(REFERENCE, algorithm=PDQ))

    assert ListIndex([both]).frames == 500
    assert found(video(replace(copy(REFERENCE), algorithm=PDQ)), both) == []


def test_findings_are_sorted_best_first_and_name_their_reference() -> None:
    references = [
        video(footage(5, 5000)),
        near(video(REFERENCE), 40),
        image(REFERENCE),
        video(REFERENCE),
    ]
    findings = found(video(copy(REFERENCE, noise_bits=(10, 10))), *references)

    assert [one.reference for one in findings] == [3, 1, 2]
    assert [one.verdict for one in findings] == [
        Verdict.MATCH,
        Verdict.MATCH,
        Verdict.NEAR_MATCH,
    ]


def test_more_tries_weaken_a_finding() -> None:
    clip = video(copy(REFERENCE, end_ms=1500, noise_bits=(20, 20)))
    index = ListIndex([video(REFERENCE)])
    few, many = (index.match(clip, tries, DEFAULT_POLICY)[0] for tries in (1e3, 1e7))

    assert many.chance == pytest.approx(1e4 * few.chance, rel=1e-6, abs=0.0)
    assert many.score < few.score
    (alike,) = index.match(clip, 1e30, DEFAULT_POLICY)
    assert (alike.verdict, alike.only_alike) == (Verdict.NEAR_MATCH, True)
    farther = video(copy(REFERENCE, end_ms=1500, noise_bits=(40, 40)))
    assert index.match(farther, 1e30, DEFAULT_POLICY) == []


@pytest.mark.parametrize(
    ("clip", "reference_frames", "tries"),
    [
        pytest.param(video(copy(REFERENCE)), 500, 80 * 500, id="frames times frames"),
        pytest.param(video(copy(REFERENCE), copy(REFERENCE)), 10, 1600, id="every view"),
        pytest.param(
            video(copy(REFERENCE), replace(copy(REFERENCE), algorithm=PDQ)), 10, 800, id="pHash"
        ),
        pytest.param(video(replace(copy(REFERENCE), algorithm=PDQ)), 10, 800, id="PDQ alone"),
        pytest.param(video(), 500, 500, id="an empty clip"),
        pytest.param(video(copy(REFERENCE)), 0, 80, id="empty lists"),
    ],
)
def test_tries(clip: Fingerprint, reference_frames: int, tries: float) -> None:
    assert matching.tries(clip, reference_frames) == tries


def test_other_parameters_are_an_error_not_a_miss() -> None:
    other = Algorithm(PHASH.name, (("hash_size", 16), ("plane_px", 32)))
    with pytest.raises(IncompatibleHash):
        found(video(replace(copy(REFERENCE), algorithm=other)), video(REFERENCE))
    with pytest.raises(IncompatibleHash):
        ListIndex([video(replace(REFERENCE, algorithm=other))])


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 40),
    st.integers(4, 30),
    st.integers(0, 70),
    st.floats(0.0, 1.0),
    st.integers(0, 9),
)
def test_a_stricter_policy_finds_a_part_of_it(
    start: int, length: int, flips: int, factor: float, more_hits: int
) -> None:
    clip = video(
        copy(
            REFERENCE,
            start_ms=250 * start,
            end_ms=250 * (start + length),
            noise_bits=(flips, flips),
        )
    )
    stricter = replace(
        DEFAULT_POLICY,
        match_distinct_hits=3 + more_hits,
        match_chance=DEFAULT_POLICY.match_chance * factor,
        near_chance=DEFAULT_POLICY.near_chance * factor,
        strict_image_bits=int(31 * factor),
    )
    references = video(REFERENCE), image(REFERENCE)
    default = {one.reference: one.verdict for one in found(clip, *references)}
    strict = {one.reference: one.verdict for one in found(clip, *references, policy=stricter)}

    assert strict.keys() <= default.keys()
    assert all(
        default[reference] is Verdict.MATCH
        for reference, verdict in strict.items()
        if verdict is Verdict.MATCH
    )


def test_an_images_finding_has_the_nearest_distance() -> None:
    shown = image(REFERENCE)
    (finding,) = found(near(shown, 7), shown)

    assert finding.mean_distance_bits == 7.0
    assert finding.clip_coverage == 1.0
    assert finding.frames_matched == 1
