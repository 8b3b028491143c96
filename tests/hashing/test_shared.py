"""Shared pictures: intros, leaders, bumpers, against variants, cuts and compilations."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from hashing import matching, shared
from hashing.fingerprint import Fingerprint, Track
from hashing.matching import Finding, ListIndex
from hashing.verdict import DEFAULT_POLICY, Verdict
from tests.tracks import copy, footage, joined, noisy, sampled, still, track, video

MATCH, NEAR = Verdict.MATCH, Verdict.NEAR_MATCH
INTRO = footage(500, 8000)
ATTACK = footage(600, 20_000)
EXCERPT = footage(601, 10_000)


def show(seed: int, length_ms: int = 25_000) -> Track:
    """Footage of its own."""
    return footage(seed, length_ms)


def reference(*parts: Track) -> Fingerprint:
    """A reference of these parts, one after another."""
    return video(joined(*parts, gap_ms=40))


def found(
    clip: Track, references: Sequence[Fingerprint], groups: Sequence[str | None] | None = None
) -> dict[int, Finding]:
    """The findings of a check by reference."""
    index = ListIndex(references, groups)
    fingerprint = video(clip)
    tries = matching.tries(fingerprint, index.frames)
    return {one.reference: one for one in index.match(fingerprint, tries, DEFAULT_POLICY)}


def verdicts(
    clip: Track, references: Sequence[Fingerprint], groups: Sequence[str | None] | None = None
) -> dict[int, Verdict]:
    return {number: one.verdict for number, one in found(clip, references, groups).items()}


def variant(seed: int) -> Fingerprint:
    """The same attack again, encoded another time."""
    return video(replace(ATTACK, hashes=noisy(ATTACK.hashes, seed, 5, 30)))


CHANNEL = [reference(INTRO, show(seed)) for seed in (1, 2, 3)]
OUTROS = [reference(show(seed), INTRO) for seed in (1, 2)]
BUMPERS = [reference(show(seed), INTRO, show(seed + 50)) for seed in (1, 2, 3)]
COMPILATIONS = [reference(show(seed), EXCERPT, show(seed + 50)) for seed in (1, 2)]
REVERSED = track(INTRO.times_ms, np.ascontiguousarray(INTRO.hashes[::-1]))


@pytest.mark.parametrize(
    ("clip", "references", "groups", "expected"),
    [
        pytest.param(copy(INTRO), CHANNEL, None, [NEAR] * 3, id="an intro alone"),
        pytest.param(
            joined(copy(INTRO), copy(show(9))), CHANNEL, None, [NEAR] * 3, id="before a new show"
        ),
        pytest.param(copy(INTRO), CHANNEL[:2], None, [NEAR] * 2, id="two begin with it"),
        pytest.param(copy(INTRO), OUTROS, None, [NEAR] * 2, id="two end with it"),
        pytest.param(
            copy(INTRO), CHANNEL, ["x", "y", "z"], [NEAR] * 3, id="of three different incidents"
        ),
        pytest.param(
            copy(INTRO), CHANNEL, ["x", "x", "y"], [NEAR] * 3, id="of two different incidents"
        ),
        pytest.param(copy(INTRO), BUMPERS, None, [NEAR] * 3, id="three have it in the middle"),
        pytest.param(copy(INTRO, speed=1.25), CHANNEL, None, [NEAR] * 3, id="played faster"),
        pytest.param(copy(REVERSED), CHANNEL, None, [NEAR] * 3, id="played backwards"),
        pytest.param(
            joined(copy(INTRO), copy(show(1))), CHANNEL, None, [MATCH, NEAR, NEAR], id="a full copy"
        ),
        pytest.param(
            joined(copy(INTRO), copy(show(1), end_ms=6000)),
            CHANNEL,
            None,
            [MATCH, NEAR, NEAR],
            id="intro and a quarter of a show",
        ),
        pytest.param(copy(show(2)), CHANNEL, None, [None, MATCH, None], id="a show without it"),
        pytest.param(copy(INTRO), CHANNEL[:1], None, [MATCH], id="one reference cannot tell"),
        pytest.param(copy(INTRO), CHANNEL, ["x"] * 3, [MATCH] * 3, id="of one incident"),
        pytest.param(
            copy(INTRO), [*CHANNEL, video(INTRO)], None, [NEAR] * 3 + [MATCH], id="itself listed"
        ),
    ],
)
def test_an_intro(
    clip: Track,
    references: list[Fingerprint],
    groups: list[str | None] | None,
    expected: list[Verdict | None],
) -> None:
    told = verdicts(clip, references, groups)

    assert [told.get(number) for number in range(len(references))] == expected


CARD = still(700, 4000)
CARD_CLIP = sampled(copy(CARD, noise_bits=(2, 2)))
BEGIN = [reference(CARD, show(seed)) for seed in (1, 2, 3)]
END = [reference(show(seed), CARD) for seed in (1, 2, 3)]
MIDDLE = [reference(show(seed), CARD, show(seed + 50)) for seed in (1, 2, 3)]
BRIEF = [reference(CARD, show(seed, 3000)) for seed in (1, 2)]
LONGER = [reference(CARD, show(seed, 5000)) for seed in (1, 2)]


def with_card(seed: int) -> Fingerprint:
    """The attack behind a card, encoded another time."""
    whole = joined(CARD, ATTACK, gap_ms=40)
    return video(replace(whole, hashes=noisy(whole.hashes, seed, 0, 7)))


@pytest.mark.parametrize(
    ("references", "groups", "expected"),
    [
        pytest.param(BEGIN[:2], ["x", "y"], [NEAR] * 2, id="two incidents begin with it"),
        pytest.param(BEGIN[:2], None, [NEAR] * 2, id="two of no incident begin with it"),
        pytest.param(END[:2], ["x", "y"], [NEAR] * 2, id="two incidents end with it"),
        pytest.param(BEGIN, ["x", "x", "y"], [NEAR] * 3, id="one incident and another"),
        pytest.param(BEGIN, ["x"] * 3, [MATCH] * 3, id="of one incident"),
        pytest.param(BEGIN[:1], ["x"], [MATCH], id="one reference cannot tell"),
        pytest.param([BEGIN[0], END[1]], ["x", "y"], [MATCH] * 2, id="one begins, one ends"),
        pytest.param(MIDDLE[:2], ["x", "y"], [MATCH] * 2, id="two have it in the middle"),
        pytest.param(MIDDLE, ["x", "y", "z"], [NEAR] * 3, id="three have it in the middle"),
        pytest.param(
            [with_card(seed) for seed in (1, 2)], ["x", "y"], [MATCH] * 2, id="one footage twice"
        ),
        pytest.param(
            [with_card(1), reference(CARD, copy(ATTACK, end_ms=6000))],
            ["x", "y"],
            [MATCH] * 2,
            id="an excerpt of it",
        ),
        pytest.param(
            [*BEGIN[:2], video(CARD)], ["x", "y", "z"], [NEAR, NEAR, MATCH], id="itself listed"
        ),
        pytest.param(BRIEF, ["x", "y"], [MATCH] * 2, id="it is most of both"),
        pytest.param(LONGER, ["x", "y"], [NEAR] * 2, id="it is less than half of both"),
    ],
)
def test_a_still_card(
    references: list[Fingerprint], groups: list[str | None] | None, expected: list[Verdict]
) -> None:
    """A clip of nothing but a card, which references of different footage show as well."""
    told = found(CARD_CLIP, references, groups)

    assert [told[number].verdict for number in range(len(references))] == expected
    for one in told.values():
        common = one.clip_ranges_ms if one.verdict is NEAR else ()
        assert one.common_ranges_ms == common


@pytest.mark.parametrize(
    ("clip", "references", "groups"),
    [
        pytest.param(
            copy(ATTACK), [variant(seed) for seed in range(5)], None, id="variants of one footage"
        ),
        pytest.param(
            copy(ATTACK, start_ms=5000, end_ms=12_000),
            [variant(seed) for seed in range(5)],
            None,
            id="an excerpt of variants",
        ),
        pytest.param(
            copy(ATTACK),
            [reference(show(seed, 10_000), ATTACK) for seed in (1, 2, 3)],
            None,
            id="variants behind openings of their own",
        ),
        pytest.param(
            copy(ATTACK, start_ms=9000, end_ms=13_000),
            [
                video(copy(ATTACK, end_ms=13_000, step_ms=40)),
                video(copy(ATTACK, start_ms=9000, step_ms=40)),
            ],
            None,
            id="cuts that overlap",
        ),
        pytest.param(
            copy(ATTACK, end_ms=4000),
            [
                video(ATTACK),
                reference(
                    copy(ATTACK, end_ms=4000, step_ms=40), copy(ATTACK, start_ms=9000, step_ms=40)
                ),
            ],
            None,
            id="a variant with a piece cut out",
        ),
        pytest.param(
            copy(ATTACK, end_ms=5000),
            [
                video(ATTACK),
                video(
                    replace(
                        ATTACK,
                        hashes=np.concatenate(
                            [ATTACK.hashes[:125], noisy(ATTACK.hashes[125:], 3, 85, 95)]
                        ),
                    )
                ),
            ],
            None,
            id="a variant with a large sticker later on",
        ),
        pytest.param(
            copy(EXCERPT), COMPILATIONS, ["x", "x"], id="two compilations of one incident"
        ),
        pytest.param(copy(EXCERPT), COMPILATIONS, None, id="two compilations of none"),
        pytest.param(
            copy(EXCERPT),
            [reference(show(70), EXCERPT, show(71)), COMPILATIONS[0]],
            ["x", None],
            id="the recording and a compilation",
        ),
    ],
)
def test_what_references_share_is_footage(
    clip: Track, references: list[Fingerprint], groups: list[str | None] | None
) -> None:
    told = found(clip, references, groups)

    assert {number: one.verdict for number, one in told.items()} == dict.fromkeys(
        range(len(references)), MATCH
    )
    assert all(one.common_ranges_ms == () for one in told.values())


def test_a_near_match_by_an_intro_says_which_part_is_common() -> None:
    told = found(joined(copy(INTRO), copy(show(9))), CHANNEL)[0]
    ((start_ms, end_ms),) = told.common_ranges_ms

    assert told.clip_ranges_ms == told.common_ranges_ms
    assert start_ms == 0
    assert end_ms == pytest.approx(8000, abs=500)
    assert told.chance == DEFAULT_POLICY.near_chance
    assert told.score == pytest.approx(0.5)


def test_a_copy_behind_an_intro_keeps_its_range_and_matches_by_its_own_footage() -> None:
    clip = joined(copy(INTRO), copy(show(1), end_ms=6000))
    alone = found(clip, CHANNEL[:1])[0]
    told = found(clip, CHANNEL)[0]

    assert told.clip_ranges_ms == alone.clip_ranges_ms == ((0, int(clip.times_ms[-1])),)
    assert told.common_ranges_ms[0][0] == 0
    assert DEFAULT_POLICY.match_chance > told.chance > alone.chance


def test_a_full_copy_is_judged_as_if_it_were_alone_on_the_list() -> None:
    clip = joined(copy(INTRO), copy(show(1)))

    assert found(clip, CHANNEL)[0].common_ranges_ms == ()
    assert found(clip, CHANNEL)[0].clip_ranges_ms == found(clip, CHANNEL[:1])[0].clip_ranges_ms


def test_more_references_than_are_compared_are_weighed_alike() -> None:
    many = [reference(INTRO, show(seed)) for seed in range(1, 13)]

    assert verdicts(copy(INTRO), many) == dict.fromkeys(range(12), NEAR)


def test_a_large_incident_does_not_keep_others_from_being_compared() -> None:
    many = [reference(INTRO, show(seed)) for seed in range(1, 13)]
    groups = [*["x"] * 11, "y"]

    assert verdicts(copy(INTRO), many, groups) == dict.fromkeys(range(12), NEAR)


def test_rows_are_left_out_as_if_they_had_not_been_sampled() -> None:
    clip = copy(INTRO)
    index = ListIndex([video(INTRO)])._indexes[0]
    (hits,) = index.search(clip, 72)
    kept = shared.outside(clip, [(2000, 3000)])
    left, left_hits = shared.only(clip, hits, kept)

    assert sorted(set(clip.times_ms.tolist()) - set(left.times_ms.tolist())) == [
        *range(1500, 3501, 250)
    ]
    pairs = zip(left_hits.clip_rows, left_hits.reference_rows, left_hits.distances, strict=True)
    same = {
        (int(clip.times_ms[row]), int(other), int(bits))
        for row, other, bits in zip(
            hits.clip_rows, hits.reference_rows, hits.distances, strict=True
        )
        if kept[row]
    }
    assert {(int(left.times_ms[row]), int(other), int(bits)) for row, other, bits in pairs} == same
