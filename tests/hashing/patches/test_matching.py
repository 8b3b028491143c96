"""Edits that whole frames cannot see through, found by patches; and what must not be found."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from io import BytesIO

import cv2
import numpy as np
import pytest

from hashing.extract import CLIP, REFERENCE, Extract, Extraction, extract
from hashing.matching import Finding
from hashing.patch_track import Look
from hashing.patches.matching import Asking, Owner, PatchedList, PatchPart, tries
from hashing.verdict import DEFAULT_POLICY, Verdict
from hashing.views import Window
from tests import clips, corners
from tests.clips import Frames
from tests.corners import town

KEY_FRAMES_OF_TEN_HOURS = 36_000
HALF = 0.5


@cache
def reference(seed: int) -> Extract:
    return extract(clips.encode(town(seed)), replace(REFERENCE, patches=True))


def index_of(references: Sequence[Extract]) -> PatchedList:
    """A list of these, without incidents, each under its place as a key."""
    part = PatchPart.of((str(place), one.patches) for place, one in enumerate(references))
    owners = {
        str(place): Owner(place, None, one.fingerprint.duration_ms)
        for place, one in enumerate(references)
    }
    return PatchedList([part], owners, lambda number: references[number].fingerprint)


@cache
def listed() -> PatchedList:
    """Three towns, of which the tests copy the first."""
    return index_of([reference(seed) for seed in range(3)])


def found(frames: Frames, looks: tuple[Look, ...] = (Look.AS_IS,)) -> list[Finding]:
    """What patches show of the list in a clip of these frames, priced as in a list of ten hours."""
    taking = Extraction(BytesIO(clips.encode(frames)), replace(CLIP, held_frames=24))
    taken = taking.whole()
    tracks = taking.patches(looks)
    tried = tries(tracks, KEY_FRAMES_OF_TEN_HOURS)
    return listed().match(Asking(tracks, taken.fingerprint, tried, DEFAULT_POLICY))


def squeezed(frames: Frames) -> Frames:
    """To half the width, with another town beside."""
    half = clips.scaled(frames, corners.WIDTH_PX // 2, corners.HEIGHT_PX)
    other = clips.scaled(town(77), corners.WIDTH_PX // 2, corners.HEIGHT_PX)
    return np.concatenate([half, other[: len(half)]], axis=2)


EDITS = [
    pytest.param(lambda f: corners.cropped(f, 0.25, 0.25, HALF), (Look.AS_IS,), id="half"),
    pytest.param(lambda f: corners.cropped(f, 0.3, 0.05, 0.65), (Look.AS_IS,), id="off centre"),
    pytest.param(lambda f: corners.rotated(f, 13), (Look.AS_IS,), id="turned by 13 degrees"),
    pytest.param(
        lambda f: corners.in_picture(f, town(70), 0.1, 0.4, 0.5), (Look.AS_IS,), id="in a picture"
    ),
    pytest.param(corners.refilmed, (Look.AS_IS,), id="filmed off a screen"),
    pytest.param(
        lambda f: clips.mirrored(corners.cropped(f, 0.2, 0.2, 0.6)),
        (Look.AS_IS, Look.MIRRORED),
        id="mirrored and cropped",
    ),
    pytest.param(
        lambda f: 255 - corners.cropped(f, 0.2, 0.2, 0.6), (Look.NEGATIVE,), id="negative, cropped"
    ),
    pytest.param(squeezed, (Look.WIDENED,), id="squeezed beside another"),
]


@pytest.mark.parametrize(("edit", "looks"), EDITS)
def test_an_edit_is_found(edit: Callable[[Frames], Frames], looks: tuple[Look, ...]) -> None:
    (finding,) = found(edit(town(0)), looks)

    assert finding.reference == 0
    assert finding.verdict is Verdict.MATCH
    ((start_ms, end_ms),) = finding.reference_ranges_ms
    assert end_ms - start_ms >= 2500


def test_a_part_is_placed_in_time() -> None:
    frames = np.concatenate([town(70, 3.0), corners.cropped(town(0), 0, 0, 1)[25:]])

    (finding,) = found(frames)

    ((clip_start_ms, clip_end_ms),) = finding.clip_ranges_ms
    ((start_ms, _),) = finding.reference_ranges_ms
    assert clip_start_ms == pytest.approx(3000, abs=500)
    assert clip_end_ms == pytest.approx(7000, abs=500)
    assert start_ms == pytest.approx(1000, abs=700)


@pytest.mark.parametrize(
    ("edit", "looks", "wanted"),
    [
        pytest.param(
            lambda f: corners.cropped(f, 0.25, 0.25, HALF),
            (Look.AS_IS,),
            Window(0, 0, 1, 1, 0, 2.0),
            id="half",
        ),
        pytest.param(
            lambda f: corners.in_picture(f, town(70), 0.1, 0.5, 0.4),
            (Look.AS_IS,),
            Window(0.1, 0.5, 0.5, 0.9, 0, 0.4),
            id="in a picture",
        ),
        pytest.param(
            lambda f: corners.rotated(f, 13),
            (Look.AS_IS,),
            Window(0, 0, 1, 1, 13, 1.0),
            id="turned",
        ),
        pytest.param(
            lambda f: clips.mirrored(corners.in_picture(f, town(70), 0.1, 0.5, 0.4)),
            (Look.MIRRORED,),
            Window(0.5, 0.5, 0.9, 0.9, 0, 0.4, mirrored=True),
            id="mirrored in a picture",
        ),
    ],
)
def test_where_it_is_seen(
    edit: Callable[[Frames], Frames], looks: tuple[Look, ...], wanted: Window
) -> None:
    (finding,) = found(edit(town(0)), looks)

    view = finding.view
    assert isinstance(view, Window)
    ends = np.array([view.left, view.top, view.right, view.bottom])
    assert ends == pytest.approx([wanted.left, wanted.top, wanted.right, wanted.bottom], abs=0.05)
    assert view.turned_deg == pytest.approx(wanted.turned_deg, abs=1)
    assert view.scale == pytest.approx(wanted.scale, rel=0.05)
    assert (view.mirrored, view.negative) == (wanted.mirrored, wanted.negative)


def with_logo(seed: int) -> Frames:
    """Another town, with a part of the first frame of a listed one in its corner all the time."""
    frames = town(seed)
    frames[:, :120, :160] = town(0)[0, :120, :160]
    return frames


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(town(60), id="another town"),
        pytest.param(corners.captions(1), id="text"),
        pytest.param(with_logo(61), id="a still part of a listed frame"),
        pytest.param(np.repeat(town(0)[:1], 125, axis=0), id="one listed frame all the time"),
        pytest.param(clips.moving_scene(5, 5.0), id="hardly a corner"),
    ],
)
def test_what_is_no_copy(frames: Frames) -> None:
    findings = found(frames, (Look.AS_IS, Look.MIRRORED))

    assert [one.verdict for one in findings if one.verdict is Verdict.MATCH] == []


def test_text_in_the_same_font_is_no_copy() -> None:
    page = extract(clips.encode(corners.captions(2)), replace(REFERENCE, patches=True))
    index = index_of([page])
    taking = Extraction(BytesIO(clips.encode(corners.captions(3))), replace(CLIP, held_frames=24))
    taken = taking.whole()
    tracks = taking.patches((Look.AS_IS,))

    assert index.match(Asking(tracks, taken.fingerprint, 1.0, DEFAULT_POLICY)) == []


def test_two_hands_that_film_one_place_are_no_copy() -> None:
    """Their patches lie alike at every moment, but the one camera wanders against the other."""
    place = town(0, 5.0)
    steps = np.linspace(0, 2.5, 125)
    other = [
        cv2.warpAffine(
            place[50],
            np.array([[1, 0, 120 * np.sin(2 * step)], [0, 1, 80 * np.cos(1.7 * step)]], np.float64),
            (corners.WIDTH_PX, corners.HEIGHT_PX),
        )
        for step in steps
    ]

    findings = found(np.stack(other).astype(np.uint8))

    assert [one.verdict for one in findings if one.verdict is Verdict.MATCH] == []


def talking(head_seed: int, path: int) -> Frames:
    """A still room in which a head wanders, each path another way."""
    room, head = town(20, 0.04)[0], town(head_seed, 0.04)[0][:150, :120]
    frames = np.repeat(room[None], 150, axis=0)
    for number, frame in enumerate(frames):
        angle = 0.9 * number / clips.FPS + path
        left = round(180 + 120 * np.sin(angle * (1 + 0.3 * path)))
        top = round(100 + 60 * np.cos(1.3 * angle))
        frame[top : top + 150, left : left + 120] = head
    return frames


def test_another_take_in_the_same_room_is_no_copy() -> None:
    """The room lies alike as in a copy, and more of it; of what moves nothing does."""
    take = extract(clips.encode(talking(21, 0)), replace(REFERENCE, patches=True))
    index = index_of([take])

    verdicts = []
    for frames in (talking(21, 0), talking(21, 2), talking(22, 1)):
        cropped = corners.cropped(frames, 0.1, 0.1, 0.8)
        taking = Extraction(BytesIO(clips.encode(cropped)), replace(CLIP, held_frames=24))
        taken = taking.whole()
        tracks = taking.patches((Look.AS_IS,))
        findings = index.match(Asking(tracks, taken.fingerprint, tries(tracks, 1), DEFAULT_POLICY))
        verdicts.append([one.verdict for one in findings if one.verdict is Verdict.MATCH])

    assert verdicts == [[Verdict.MATCH], [], []]


def test_pictures_that_are_common_carry_no_match() -> None:
    """An intro of two listed videos that else show other footage, cropped."""
    intro = town(30, 6.0)
    shows = [
        extract(clips.encode(np.concatenate([intro, town(seed, 9.0)])), with_patches)
        for seed in (31, 32)
        for with_patches in [replace(REFERENCE, patches=True)]
    ]
    index = index_of(shows)
    cropped = corners.cropped(intro, 0.2, 0.2, 0.6)
    taking = Extraction(BytesIO(clips.encode(cropped)), replace(CLIP, held_frames=24))
    taken = taking.whole()
    tracks = taking.patches((Look.AS_IS,))

    findings = index.match(Asking(tracks, taken.fingerprint, tries(tracks, 1), DEFAULT_POLICY))

    assert {one.reference for one in findings} == {0, 1}
    assert {one.verdict for one in findings} == {Verdict.NEAR_MATCH}
    assert all(one.common_ranges_ms for one in findings)


@pytest.mark.parametrize(
    ("speed", "backwards"),
    [
        pytest.param(1.5, False, id="faster"),
        pytest.param(0.6, False, id="slower"),
        pytest.param(1.0, True, id="backwards"),
    ],
)
def test_another_speed_is_found(speed: float, backwards: bool) -> None:
    whole = town(0, 5.0)
    rows = (np.arange(0, 124, speed)).astype(int)
    played = whole[rows][:: -1 if backwards else 1]

    (finding,) = found(corners.cropped(played, 0.1, 0.1, 0.8))

    assert finding.verdict is Verdict.MATCH
    assert finding.speed == pytest.approx(-speed if backwards else speed, rel=0.3)
