"""Commonplace pictures: bars, test cards and leaders are no evidence; footage is none of them."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hashing import bits, commonplace, matching, phash, turns
from hashing.fingerprint import PDQ, Fingerprint, Track
from hashing.matching import Finding, ListIndex
from hashing.verdict import DEFAULT_POLICY, Verdict
from hashing.views import Region, View
from tests.fingerprints import random_hashes
from tests.tracks import copy, footage, image, joined, noisy, sampled, track, video

EBU_BARS = np.repeat(np.array([255, 169, 134, 112, 79, 57, 22, 0], np.uint8), 8)
KNOWN = commonplace._known()
LEADER = KNOWN[: len(KNOWN) // 16]


def hashed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The pHash of one picture."""
    return phash.hashes(phash.coefficients(phash.shrink(picture)[None]))


def leader(length_ms: int) -> Track:
    """Commonplace pictures, another one in each frame."""
    times_ms = np.arange(0, length_ms, 40)
    return track(times_ms, np.resize(LEADER, (len(times_ms), 32)))


def found(clip: Fingerprint, reference: Fingerprint) -> list[Finding]:
    index = ListIndex([reference])
    return index.match(clip, matching.tries(clip, index.frames), DEFAULT_POLICY)


def test_the_set_is_there_in_all_its_forms() -> None:
    assert KNOWN.shape[0] % 16 == 0
    assert KNOWN.shape[0] // 16 > 100
    assert len(np.unique(LEADER, axis=0)) == len(LEADER)


@pytest.mark.parametrize("quarter_turns", range(4))
@pytest.mark.parametrize("negative", [False, True], ids=["positive", "negative"])
@pytest.mark.parametrize("mirrored", [False, True], ids=["as is", "mirrored"])
def test_colour_bars_are_known_however_they_are_turned(
    quarter_turns: int, negative: bool, mirrored: bool
) -> None:
    """EBU bars of 100/0/75/0, drawn here from their luma alone."""
    bars = np.repeat(EBU_BARS[None], 64, axis=0)
    bars = np.rot90(bars[:, ::-1] if mirrored else bars, quarter_turns)
    shown = np.ascontiguousarray(255 - bars if negative else bars)

    assert commonplace.shows(hashed(shown)).tolist() == [True]


def test_every_known_picture_is_known_with_the_noise_of_a_copy() -> None:
    assert commonplace.shows(noisy(LEADER, 1, commonplace.WITHIN_BITS, 31)).all()


def test_footage_and_noise_are_not() -> None:
    assert not commonplace.shows(random_hashes(1, 500)).any()
    assert not commonplace.shows(footage(2, 20_000).hashes).any()
    assert commonplace.shows(np.zeros((0, 32), np.uint8)).tolist() == []


@pytest.mark.parametrize("kind", ["still", "moving", "image"])
def test_a_clip_of_nothing_but_a_test_card_is_no_match(kind: str) -> None:
    card = track(np.arange(0, 5000, 40), np.repeat(LEADER[:1], 125, axis=0))
    references = {
        "still": video(card),
        "moving": video(joined(card, footage(3, 20_000), gap_ms=40)),
        "image": image(card),
    }
    (finding,) = found(video(sampled(copy(card, noise_bits=(2, 2)))), references[kind])

    assert (finding.verdict, finding.commonplace) == (Verdict.NEAR_MATCH, True)
    assert not finding.only_alike


@pytest.mark.parametrize("arms", [2, 4], ids=["a cross", "a cross of diagonals"])
@pytest.mark.parametrize("ringed", [False, True], ids=["bare", "in a ring"])
def test_symbols_are_not(arms: int, ringed: bool) -> None:
    """A cross in a ring is a leader's target and an extremist's sign: such marks must be found."""
    picture = np.full((256, 256), 225, np.uint8)
    for arm in range(arms):
        angle = np.pi * (arm / 2 if arms == 2 else arm / 4)
        reach = np.array([np.cos(angle), np.sin(angle)]) * 90
        ends = [tuple(np.round(128 + sign * reach).astype(int).tolist()) for sign in (-1, 1)]
        cv2.line(picture, ends[0], ends[1], 20, 22)
    if ringed:
        cv2.circle(picture, (128, 128), 75, 20, 20)

    assert commonplace.shows(hashed(picture)).tolist() == [False]


@pytest.mark.parametrize("form", range(8), ids=["as is", *(f"turned {n}" for n in range(1, 8))])
def test_a_leader_in_both_is_nothing(form: int) -> None:
    clip = copy(leader(8000), noise_bits=(5, 15))
    seen = replace([clip, *turns.of(clip)][form], view=View.AS_IS)

    assert found(video(seen), video(leader(8000))) == []


def test_a_leader_before_a_copy_takes_nothing_from_it() -> None:
    show = footage(5, 20_000)
    clip = joined(copy(leader(8000), noise_bits=(5, 15)), copy(show))
    (told,) = found(video(clip), video(joined(leader(8000), show, gap_ms=40)))
    (alone,) = found(video(copy(show)), video(joined(leader(8000), show, gap_ms=40)))

    assert told.verdict is Verdict.MATCH
    assert told.clip_ranges_ms == ((8000, int(clip.times_ms[-1])),)
    assert (told.frames, told.distinct_hits) == (alone.frames, alone.distinct_hits)


def test_a_copy_within_a_leaders_noise_is_still_found() -> None:
    """Only rows of the set are left out, not what is between them."""
    show = footage(5, 20_000)
    hashes = copy(show).hashes.copy()
    hashes[10:14] = LEADER[:4]
    clip = track(copy(show).times_ms, hashes)
    (told,) = found(video(clip), video(show))

    assert told.verdict is Verdict.MATCH
    assert told.clip_ranges_ms == ((0, int(clip.times_ms[-1])),)


def test_an_image_of_one_is_at_most_a_near_match() -> None:
    """A person decides, for a listed picture may be like one: nothing is dropped unseen."""
    card = image(leader(40))
    (told,) = found(card, card)

    assert (told.verdict, told.commonplace) == (Verdict.NEAR_MATCH, True)
    other = image(footage(5, 40))
    (told,) = found(other, other)
    assert (told.verdict, told.commonplace) == (Verdict.MATCH, False)


@pytest.mark.parametrize(
    ("region", "verdicts"),
    [
        pytest.param(Region.WHOLE, [], id="the same picture seen otherwise"),
        pytest.param(Region.INNER, [Verdict.MATCH], id="a picture inside it"),
    ],
)
@pytest.mark.parametrize("cropped_percent", [0, 6])
def test_a_commonplace_picture_takes_its_other_views_with_it(
    region: Region, verdicts: list[Verdict], cropped_percent: int
) -> None:
    """A leader's views without a margin are near it, too. What it surrounds is another picture."""
    show = footage(5, 8000)
    seen = replace(copy(show), view=View(region, cropped_percent=cropped_percent))
    clip = video(copy(leader(8000), noise_bits=(5, 15)), seen)

    assert [one.verdict for one in found(clip, video(show))] == verdicts


def test_a_commonplace_video_track_takes_nothing_from_another() -> None:
    show = footage(5, 8000)
    clip = video(copy(leader(8000), noise_bits=(5, 15)), replace(copy(show), stream=1))

    assert [one.verdict for one in found(clip, video(show))] == [Verdict.MATCH]


def test_pdq_hashes_are_not_compared_with_a_set_of_phashes() -> None:
    as_pdq = [
        track(one.times_ms, one.hashes, algorithm=PDQ)
        for one in (copy(leader(8000), noise_bits=(5, 15)), leader(8000))
    ]
    (told,) = found(video(as_pdq[0]), video(as_pdq[1]))

    assert told.verdict is Verdict.MATCH


def test_the_forms_are_those_of_the_other_views() -> None:
    shown = hashed(
        np.kron(np.arange(48, dtype=np.uint8).reshape(6, 8) * 5, np.ones((40, 32), np.uint8))
    )
    one = track([0], shown)
    forms = commonplace.forms(shown)

    assert len(forms) == 16
    for seen in turns.of(one):
        assert bits.distances(seen.hashes, forms).min() == 0
