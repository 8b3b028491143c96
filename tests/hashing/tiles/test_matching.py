"""Matching by tiles: what is a match, what is none, and what is only common to two references."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hashing import commonplace, phash
from hashing.fingerprint import Fingerprint
from hashing.matching import Finding
from hashing.patch_track import TILES, Look, PatchTrack
from hashing.patches.geometry import Fit, Picture, Sighting
from hashing.patches.leads import Lead
from hashing.patches.lines import PatchLine
from hashing.patches.matching import Asking, Owner, PatchedList
from hashing.patches.searching import Seen
from hashing.tiles import matching
from hashing.tiles.comparing import ClipTiles
from hashing.timelines import Line
from hashing.verdict import DEFAULT_POLICY, Verdict
from hashing.views import Window
from tests import tracks
from tests.clips import FPS, Frames
from tests.patches import random_track
from tests.tiled import (
    ALL_OF_IT,
    clip_tiles,
    cropped,
    cut_out,
    reference_track,
    scene,
    with_ticker,
)

MATCH, NEAR = Verdict.MATCH, Verdict.NEAR_MATCH
WHERE = Window(0.1, 0.1, 0.9, 0.9, 0, 0.8)
TRIES = 1e9  # a thorough check against some hours
KNOWN, OTHER = scene(0), scene(1)
HALF, LOWER_HALF = (0.0, 0.0, 0.5, 1.0), (0.0, 0.5, 1.0, 0.5)
LOWEST = (0.0, 0.7, 1.0, 0.3)
OFF_CENTRE = (0.05, 0.2, 0.65, 0.65)


def lead(reference: int, *tiles: PatchTrack, look: Look = Look.AS_IS) -> Lead:
    """A lead to these tiles; of what patches saw only the look matters here."""
    clip = random_track(1, look=look)
    none = Picture(np.zeros(0, np.int64), clip.places[:0], clip.descriptors[:0])
    one = Sighting(0, 0, Fit(np.eye(3)[:2], none, none, np.zeros(0, np.int64)), 9)
    line = PatchLine(Line(1.0, 0.0), (one,), 1, 1, 1.0, 9.0)
    return Lead(reference, Seen(clip, clip, 0, line), WHERE, 9, tiles)


def whole_frames(frames: Frames) -> Fingerprint:
    """The pHashes of these frames."""
    hashes = phash.hashes(phash.coefficients(np.stack([phash.shrink(one) for one in frames])))
    return tracks.video(tracks.track(1000 // FPS * np.arange(len(frames)), hashes))


def patched(references: Sequence[Frames], groups: Sequence[str | None]) -> PatchedList:
    """A list of these, each known by its whole frames."""
    fingerprints = [whole_frames(one) for one in references]
    owners = {
        str(number): Owner(number, group, one.duration_ms)
        for number, (one, group) in enumerate(zip(fingerprints, groups, strict=True))
    }
    return PatchedList([], owners, lambda number: fingerprints[number])


def asking(clip: ClipTiles, shown: Fingerprint | None = None) -> Asking:
    """A clip that ends with these tiles, by the default policy."""
    known = tracks.video() if shown is None else shown
    length_ms = int(clip.times_ms[-1]) + 200
    return Asking((), replace(known, duration_ms=length_ms), TRIES, DEFAULT_POLICY)


def found(
    clip: ClipTiles,
    *references: Frames,
    groups: Sequence[str | None] = (),
    shown: Fingerprint | None = None,
) -> list[Finding]:
    """What the tiles of a clip show of references that all led to it."""
    placed = [(lead(n, reference_track(one)), clip) for n, one in enumerate(references)]
    listed = patched(references, groups or [None] * len(references))
    return matching.findings(placed, listed, asking(clip, shown))


def tiles_of(frames: Frames, part: tuple[float, float, float, float]) -> ClipTiles:
    return clip_tiles(cropped(frames, *part), cut_out(*part))


def covered(frames: Frames) -> Frames:
    """Three tenths of it lie under something that is still."""
    shown = frames.copy()
    shown[:, 20:160, 30:170] = 200
    return shown


def quarter(frames: Frames, ground: Frames) -> Frames:
    """Other footage but for a corner of four tiles."""
    shown = ground.copy()
    shown[:, :128, :128] = frames[:, :128, :128]
    return shown


@pytest.mark.parametrize(
    ("clip", "listed", "verdicts"),
    [
        pytest.param(clip_tiles(KNOWN), KNOWN, [MATCH], id="all of it"),
        pytest.param(tiles_of(KNOWN, HALF), KNOWN, [MATCH], id="half of it"),
        pytest.param(tiles_of(KNOWN, OFF_CENTRE), KNOWN, [MATCH], id="off the grid"),
        pytest.param(clip_tiles(covered(KNOWN)), KNOWN, [MATCH], id="three tenths covered"),
        pytest.param(
            clip_tiles(with_ticker(KNOWN, 60)), KNOWN, [MATCH], id="with a ticker of its own"
        ),
        pytest.param(
            clip_tiles(with_ticker(KNOWN, 50)), with_ticker(KNOWN, 50), [MATCH], id="ticker and all"
        ),
        pytest.param(clip_tiles(OTHER), KNOWN, [], id="other footage"),
        pytest.param(tiles_of(OTHER, HALF), KNOWN, [], id="half of other footage"),
        pytest.param(
            clip_tiles(with_ticker(OTHER, 50)), with_ticker(KNOWN, 50), [], id="the ticker alone"
        ),
        pytest.param(
            tiles_of(with_ticker(OTHER, 50), LOWER_HALF),
            with_ticker(KNOWN, 50),
            [],
            id="cropped to the ticker",
        ),
        pytest.param(
            tiles_of(with_ticker(OTHER, 64), LOWEST),
            with_ticker(KNOWN, 64),
            [NEAR],
            id="cropped to little but the ticker",
        ),
        pytest.param(tiles_of(KNOWN, LOWEST), KNOWN, [NEAR], id="a strip of it"),
        pytest.param(
            tiles_of(quarter(KNOWN, OTHER), HALF), KNOWN, [NEAR], id="half of it, half covered"
        ),
        pytest.param(clip_tiles(quarter(KNOWN, OTHER)), KNOWN, [], id="a quarter of the tiles"),
        pytest.param(
            clip_tiles(np.repeat(KNOWN[:1], 100, axis=0)), KNOWN, [], id="one picture of it"
        ),
        pytest.param(clip_tiles(KNOWN[:15]), KNOWN, [], id="half a second"),
    ],
)
def test_verdicts(clip: ClipTiles, listed: Frames, verdicts: list[Verdict]) -> None:
    assert [one.verdict for one in found(clip, listed)] == verdicts


def test_a_finding_says_what_it_goes_by() -> None:
    clip = clip_tiles(KNOWN[25:])

    (one,) = found(clip, KNOWN)

    ((start_ms, end_ms),) = one.reference_ranges_ms
    assert (one.algorithm, one.view, one.reference) == (TILES, WHERE, 0)
    assert one.clip_ranges_ms == ((int(clip.times_ms[0]), int(clip.times_ms[-1])),)
    assert start_ms == pytest.approx(1000 + clip.times_ms[0], abs=160)
    assert one.reference_coverage == pytest.approx((end_ms - start_ms) / 3960, abs=0.001)
    assert one.clip_coverage == pytest.approx(
        (clip.times_ms[-1] - clip.times_ms[0]) / (clip.times_ms[-1] + 200), abs=0.001
    )
    assert one.chance < DEFAULT_POLICY.match_chance


@pytest.mark.parametrize("look", [Look.AS_IS, Look.MIRRORED, Look.NEGATIVE], ids=str)
def test_the_look_is_told_apart_where_references_are_compared(look: Look) -> None:
    clip = clip_tiles(KNOWN)

    one = matching._look(
        lead(0, reference_track(KNOWN), look=look), clip, patched([KNOWN], [None]), asking(clip)
    )

    assert one is not None
    view = one.alignment.view
    assert (view.mirrored, view.negative) == (look is Look.MIRRORED, look is Look.NEGATIVE)


def test_of_several_placings_the_strongest_is_told_once() -> None:
    weaker, right = clip_tiles(KNOWN, cut_out(0.008, 0.004, 1, 1)), clip_tiles(KNOWN)
    one = lead(0, reference_track(KNOWN))
    listed = patched([KNOWN], [None])

    (alone,) = matching.findings([(one, right)], listed, asking(right))
    (other,) = matching.findings([(one, weaker)], listed, asking(right))
    assert other.chance > alone.chance

    for placed in ([weaker, right], [right, weaker]):
        pairs = [(one, tiles) for tiles in placed]
        assert matching.findings(pairs, listed, asking(right)) == [alone]


def test_of_several_video_tracks_the_strongest_tells() -> None:
    tiles = [reference_track(frames) for frames in (OTHER, KNOWN[::-1], KNOWN, scene(2))]
    clip, listed = clip_tiles(KNOWN), patched([KNOWN], [None])
    alone = matching.findings([(lead(0, tiles[2]), clip)], listed, asking(clip))

    for given in (tiles, tiles[::-1], [tiles[2], reference_track(KNOWN, 12)]):
        assert matching.findings([(lead(0, *given), clip)], listed, asking(clip)) == alone


def test_what_is_far_from_the_moment_that_patches_tell_is_not_compared() -> None:
    """The same footage stands in the reference once more, a minute later."""
    tiles = reference_track(KNOWN)
    later = replace(tiles, times_ms=tiles.times_ms + 60_000)
    clip, listed = clip_tiles(KNOWN), patched([KNOWN], [None])

    assert matching.findings([(lead(0, later), clip)], listed, asking(clip)) == []
    near = replace(tiles, times_ms=tiles.times_ms + 20_000)
    (one,) = matching.findings([(lead(0, near), clip)], listed, asking(clip))
    assert one.reference_ranges_ms[0][0] == pytest.approx(20_000, abs=200)


def test_no_frames_show_nothing() -> None:
    clip = clip_tiles(KNOWN)
    none = clip.among(np.zeros(len(clip.times_ms), np.bool_))

    placed = [(lead(0, reference_track(KNOWN)), none)]
    assert matching.findings(placed, patched([KNOWN], [None]), asking(clip)) == []


def test_a_lead_without_tiles_shows_nothing() -> None:
    clip = clip_tiles(KNOWN)

    assert matching.findings([(lead(0), clip)], patched([KNOWN], [None]), asking(clip)) == []


def test_more_that_is_tried_makes_it_less_sure() -> None:
    clip = clip_tiles(KNOWN)
    listed, one = patched([KNOWN], [None]), lead(0, reference_track(KNOWN))

    chances = [
        matching.findings([(one, clip)], listed, replace(asking(clip), tries=tries))[0].chance
        for tries in (1e6, 1e9)
    ]

    assert chances[1] == pytest.approx(1000 * chances[0])


INTRO = scene(30, 5.0)
SHOWS = [np.concatenate([INTRO, scene(seed, 7.0)]) for seed in (31, 32)]


@pytest.mark.parametrize(
    ("groups", "clip", "verdicts", "are_common"),
    [
        pytest.param(["x", "y"], INTRO, [NEAR, NEAR], True, id="an intro of two incidents"),
        pytest.param([None, None], INTRO, [NEAR, NEAR], True, id="of no incident"),
        pytest.param(["x", "x"], INTRO, [MATCH, MATCH], False, id="of one incident"),
        pytest.param(["x", "y"], SHOWS[0], [MATCH, NEAR], True, id="and one of the shows"),
    ],
)
def test_what_two_references_share_weighs_less(
    groups: list[str | None], clip: Frames, verdicts: list[Verdict], are_common: bool
) -> None:
    findings = found(clip_tiles(clip), *SHOWS, groups=groups)

    assert [one.verdict for one in findings] == verdicts
    for one in findings:
        if one.verdict is NEAR:
            ((start_ms, end_ms),) = one.common_ranges_ms
            assert start_ms <= 500
            assert end_ms == pytest.approx(5000, abs=500)
            assert one.chance >= DEFAULT_POLICY.near_chance
        elif not are_common:
            assert one.common_ranges_ms == ()


def shows_cards(clip: ClipTiles, during: NDArray[np.bool_]) -> Fingerprint:
    """Whole frames of which some are a test card."""
    hashes = whole_frames(OTHER).tracks[0].hashes[: len(during)].copy()
    hashes[during] = commonplace._known()[0]
    return tracks.video(tracks.track(clip.times_ms, hashes))


@pytest.mark.parametrize(
    ("share", "verdicts"),
    [
        pytest.param(0.0, [MATCH], id="none"),
        pytest.param(0.5, [MATCH], id="its first half"),
        pytest.param(0.9, [], id="nearly all"),
    ],
)
def test_frames_of_test_cards_are_left_out(share: float, verdicts: list[Verdict]) -> None:
    clip = clip_tiles(KNOWN)
    during = np.arange(len(clip.times_ms)) < share * len(clip.times_ms)

    findings = found(clip, KNOWN, shown=shows_cards(clip, during))

    assert [one.verdict for one in findings] == verdicts
    for one in findings:
        assert one.clip_ranges_ms[0][0] >= clip.times_ms[~during][0]


def test_where_little_of_the_picture_is_there_nearly_all_of_it_has_to_be_alike() -> None:
    """A row that agrees, beside one that is other footage."""
    mixed = KNOWN.copy()
    mixed[:, :192] = OTHER[:, :192]

    assert found(tiles_of(mixed, LOWER_HALF), KNOWN) == []
    assert found(clip_tiles(mixed, ALL_OF_IT), KNOWN) == []
