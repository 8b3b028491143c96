"""Explanations: each reason where it applies, agreeing with what a check says of the same pair."""

from dataclasses import replace

import numpy as np
import pytest

from hashing import bits, commonplace
from hashing.extract import CLIP, REFERENCE, Extract, extract
from hashing.fingerprint import PHASH, Fingerprint
from hashing.matching import ListIndex, tries
from hashing.reference import Policy, Reference
from hashing.verdict import DEFAULT_POLICY, DecisionPolicy, Verdict
from service import explaining, reasoning
from service.checking import Checker
from service.explaining import Reason
from service.media.decoding import Uncaged
from tests import clips, tracks
from tests.memory_store import MemoryStore
from tests.tracks import copy, video

ORIGINAL = clips.moving_scene(1, 5.0)
PLAIN = DEFAULT_POLICY
FRAMES = 100  # reference frames that a check searches


@pytest.fixture(scope="module")
def taken() -> dict[str, Extract]:
    """Clips as a check samples them, by name."""
    other = clips.moving_scene(2, 2.0)
    pieces = np.concatenate([ORIGINAL[75:], other, ORIGINAL[:50]])
    same = extract(clips.encode(ORIGINAL[25:100]), CLIP)
    return {
        "copy": same,
        "worn copy": _worn(same),
        "pieces": extract(clips.encode(pieces), CLIP),
        "other": extract(clips.encode(other), CLIP),
        "black": extract(clips.encode(clips.black()), CLIP),
        "picture": extract(clips.picture(ORIGINAL[25], "JPEG"), CLIP),
        "negative": extract(clips.encode(255 - ORIGINAL), CLIP),
    }


def _worn(taken: Extract) -> Extract:
    """The same with 20 bits of each hash turned over: alike, but no longer the same pictures."""
    turned = np.zeros(bits.HASH_BYTES, np.uint8)
    turned[[3, 9, 15, 21]] = 0b01011011  # five bits each
    tracks_ = (replace(one, hashes=one.hashes ^ turned) for one in taken.fingerprint.tracks)
    return replace(taken, fingerprint=replace(taken.fingerprint, tracks=tuple(tracks_)))


@pytest.fixture(scope="module")
def references() -> dict[str, Fingerprint]:
    """References by name; the picture's is re-encoded, so that a few bits differ."""
    small = clips.scaled(ORIGINAL[25:26], 90, 60)[0]
    return {
        "original": extract(clips.encode(ORIGINAL), REFERENCE).fingerprint,
        "picture": extract(clips.picture(small, "JPEG"), REFERENCE).fingerprint,
    }


@pytest.mark.parametrize(
    ("clip", "reference", "policy", "searched", "verdict", "reason"),
    [
        pytest.param("copy", "original", PLAIN, FRAMES, "match", Reason.MATCH, id="a copy"),
        pytest.param("negative", "original", PLAIN, FRAMES, "match", Reason.MATCH, id="negative"),
        pytest.param(
            *("pieces", "original", PLAIN, 10**200, "no_match", Reason.CHANCE), id="too many tries"
        ),
        pytest.param(
            *("worn copy", "original", PLAIN, 10**200, "near_match", Reason.ONLY_ALIKE), id="alike"
        ),
        pytest.param(
            *("worn copy", "original", replace(PLAIN, match_chance=0.0), FRAMES),
            *("near_match", Reason.CHANCE),
            id="chance, near",
        ),
        pytest.param(
            *("worn copy", "original", replace(PLAIN, match_distinct_hits=99), FRAMES),
            *("near_match", Reason.DISTINCT_HITS),
            id="too few pictures",
        ),
        pytest.param(
            *("worn copy", "original", replace(PLAIN, match_agreement=1.01), FRAMES),
            *("near_match", Reason.AGREEMENT),
            id="not together",
        ),
        pytest.param(
            *("copy", "original", replace(PLAIN, match_span_ms=60_000), FRAMES),
            *("near_match", Reason.SPAN),
            id="too short",
        ),
        pytest.param(
            *("pieces", "original", replace(PLAIN, match_span_ms=3_000), FRAMES),
            *("near_match", Reason.PARTS),
            id="in pieces",
        ),
        pytest.param("other", "original", PLAIN, FRAMES, "no_match", Reason.NO_HITS, id="other"),
        pytest.param("black", "original", PLAIN, FRAMES, "no_match", Reason.NO_FRAMES, id="black"),
        pytest.param("picture", "picture", PLAIN, FRAMES, "match", Reason.MATCH, id="picture"),
        pytest.param(
            *("copy", "picture", PLAIN, FRAMES, "near_match", Reason.SINGLE_PICTURE),
            id="a picture inside",
        ),
        pytest.param(
            *("picture", "picture", replace(PLAIN, strict_image_bits=0), FRAMES),
            *("no_match", Reason.STRICT_IMAGE),
            id="picture not near enough",
        ),
    ],
)
def test_reason(
    taken: dict[str, Extract],
    references: dict[str, Fingerprint],
    *,
    clip: str,
    reference: str,
    policy: DecisionPolicy,
    searched: int,
    verdict: str,
    reason: Reason,
) -> None:
    why = explaining.compare(taken[clip], references[reference], searched, policy)

    assert (why.verdict, why.reason) == (verdict, reason)
    passed = [one["passed"] for one in reasoning.thresholds(why)]
    # Each part on its own is too weak, though the sums pass.
    assert all(passed) == (reason in (Reason.MATCH, Reason.PARTS))
    assert why.best is not None or reason in (Reason.NO_HITS, Reason.NO_FRAMES)
    told = reasoning.lines(why, "x", "r1")
    assert told[0].endswith(f"[{reason}].")
    assert any("too weak" in line for line in told) == (
        why.verdict is Verdict.NO_MATCH and why.best is not None
    )
    assert reasoning.answer(why, "clip", "x", "r1")["reason"] == reason


def test_thresholds_are_those_of_the_list(
    taken: dict[str, Extract], references: dict[str, Fingerprint]
) -> None:
    own = DEFAULT_POLICY.accepting(3.5)

    why = explaining.compare(taken["copy"], references["original"], FRAMES, own)

    needed = {one["name"]: one["needed"] for one in reasoning.thresholds(why)}
    assert needed["false alarms, for a match"] == (
        "3.5 in 100,000 checks or fewer, this list's own limit"
    )
    assert needed["false alarms, for a possible match"] == (
        "1,000 in 100,000 checks or fewer, this list's own limit"
    )


@pytest.mark.parametrize("clip", ["copy", "pieces", "other", "black", "picture"])
def test_the_same_as_a_check(
    taken: dict[str, Extract], references: dict[str, Fingerprint], clip: str
) -> None:
    reference = references["original"]
    fingerprint = taken[clip].fingerprint

    why = explaining.compare(taken[clip], reference, FRAMES)

    found = ListIndex([reference]).match(fingerprint, tries(fingerprint, FRAMES), DEFAULT_POLICY)
    assert why.verdict == (found[0].verdict if found else Verdict.NO_MATCH)
    if found:
        assert why.best == found[0]


def test_nearest_are_the_least_of_all_pairs(
    taken: dict[str, Extract], references: dict[str, Fingerprint]
) -> None:
    clip, reference = taken["copy"].fingerprint, references["original"]
    (theirs,) = reference.of(PHASH)

    found = {(one.algorithm, one.view): one for one in explaining.nearest(clip, reference, None)}

    for track in clip.of(PHASH):
        least = bits.distance_matrix(track.hashes, theirs.hashes).min(axis=1)
        one = found[track.algorithm.name, str(track.view)]
        assert (one.frames, one.least_bits) == (len(track), least.min())
        assert one.least_bits <= one.tenth_bits <= one.median_bits
        assert one.hits == (least <= 72).sum()


class TestCommonPictures:
    INTRO = clips.moving_scene(7, 2.5)

    def show(self, seed: int) -> bytes:
        """The same intro before a show of its own."""
        return clips.encode(np.concatenate([self.INTRO, clips.moving_scene(seed, 5.0)]))

    @pytest.fixture
    def store(self) -> MemoryStore:
        made = MemoryStore()
        made.add(
            "x",
            [
                Reference(f"r{seed}", None, None, extract(self.show(seed), REFERENCE).fingerprint)
                for seed in (8, 9)
            ],
            policy=Policy.BLOCK,
        )
        return made

    @pytest.mark.parametrize(
        ("clip", "verdict", "reason"),
        [
            pytest.param(clips.encode(INTRO), "near_match", Reason.COMMON, id="an intro alone"),
            pytest.param(
                clips.encode(clips.moving_scene(8, 5.0)), "match", Reason.MATCH, id="a show"
            ),
        ],
    )
    def test_the_lists_other_references_are_asked_too(
        self, store: MemoryStore, clip: bytes, verdict: str, reason: Reason
    ) -> None:
        checker = Checker(store, Uncaged())
        why = explaining.explain(checker, store, clip, "x", "r8")

        assert (why.verdict, why.reason) == (verdict, reason)
        assert why.best == checker.check(clip, thorough=True).matches[0].finding
        assert reasoning.lines(why, "x", "r8")[0].endswith(f"[{reason}].")

    def test_a_test_card_is_no_evidence_and_that_is_said(self, taken: dict[str, Extract]) -> None:
        times_ms = np.arange(0, 4000, 40)
        leader = tracks.track(times_ms, np.resize(commonplace._known()[:100], (100, 32)))
        seen = replace(taken["copy"], fingerprint=video(copy(leader, noise_bits=(5, 15))))
        why = explaining.compare(seen, video(leader), FRAMES)

        assert (why.verdict, why.reason) == ("no_match", Reason.COMMONPLACE)
