"""Every edit of the suite gives decodable media, the same for the same seed, with a sound truth."""

from dataclasses import replace
from functools import cache
from io import BytesIO

import numpy as np
import pytest

from benchmarks.attacks import catalogue, scores
from benchmarks.attacks.checks import Checked, Found
from benchmarks.attacks.edit import Edit, Material, Severity
from benchmarks.attacks.encoding import decoded, encoded
from benchmarks.attacks.footage import Footage, NotApplicable, Segment, joined, segments
from benchmarks.attacks.scores import Outcome
from benchmarks.procedural import scene
from hashing.verdict import Verdict


@cache
def _tiny(seed: int, seconds: float) -> Footage:
    """Scenery at 96 by 64 and 10 frames a second; seeds apart are different footage."""
    lumas = [luma[::4, ::4] for luma in scene(seed, 30, 256, 384)]
    frames = [np.stack([luma, luma // 2 + 60, 220 - luma // 2], axis=2) for luma in lumas]
    count = round(seconds * 10)
    return Footage(
        fps=10.0,
        height=64,
        width=96,
        owners=(f"scene-{seed}",) * count,
        times_ms=np.arange(0.0, 100.0 * count, 100.0),
        shown=lambda number: frames[number % len(frames)],
    )


@pytest.fixture(scope="module")
def footage() -> Footage:
    return _tiny(1, 4.0)


@pytest.fixture(scope="module")
def other() -> Footage:
    return _tiny(2, 62.0).nobodys()


def _material(other: Footage, seed: int = 1) -> Material:
    known = tuple(_tiny(seed, 4.0) for seed in range(3, 10))
    return Material(np.random.default_rng(seed), other, known)


_FORMS = [
    pytest.param(edit, severity, id=f"{edit.key}-{severity}")
    for edit in catalogue.edits()
    for severity in edit.recipes
]


@pytest.mark.parametrize(("edit", "severity"), _FORMS)
def test_gives_decodable_media_with_its_truth(
    edit: Edit, severity: Severity, footage: Footage, other: Footage
) -> None:
    recipe = edit.recipes[severity]
    source = _tiny(1, 21.0) if edit.key in {"f1", "f1s"} else footage

    copy = recipe.apply(source, _material(other))
    planes, times_ms = decoded(BytesIO(encoded(copy, recipe.encoding)), 4096, 1e6)
    found = segments(copy)

    # GIF has no picture twice: what does not change is one longer frame.
    assert abs(times_ms[-1] - copy.duration_s * 1000) <= 2200 / copy.fps
    assert planes[0].shape == (copy.height // 2 * 3, copy.width // 2 * 2)
    assert {one.owner for one in found} >= {"scene-1"}
    assert all(0 <= one.clip_start_ms < one.clip_end_ms for one in found)
    assert all(0 <= one.source_start_ms < one.source_end_ms <= 21_000 for one in found)


@pytest.mark.parametrize("edit", [pytest.param(e, id=e.key) for e in catalogue.edits()])
def test_same_seed_same_pictures(edit: Edit, other: Footage) -> None:
    recipe = edit.recipes[Severity.MEDIUM]

    first, second = (recipe.apply(_tiny(1, 8.0), _material(other)) for _ in range(2))

    for number in (0, len(first) // 2, len(first) - 1):
        np.testing.assert_array_equal(first.shown(number), second.shown(number))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("e5", [(0, 4000, 0, 4000, 1.0)], id="mirror: all of it"),
        pytest.param("f2", [(0, 3200, 0, 4000, 1.25)], id="speed"),
        pytest.param("f8", [(0, 4000, 0, 4000, -1.0)], id="reverse"),
        pytest.param("f4", [(10_000, 14_000, 0, 4000, 1.0)], id="new opening"),
        pytest.param("f6", [(0, 2000, 2000, 4000, 1.0), (2000, 4000, 0, 2000, 1.0)], id="shuffle"),
    ],
)
def test_the_truth_of_time(
    key: str, expected: list[tuple[int, int, int, int, float]], footage: Footage, other: Footage
) -> None:
    edit = next(one for one in catalogue.edits() if one.key == key)

    copy = edit.recipes[Severity.MEDIUM].apply(footage, _material(other))

    assert segments(copy) == tuple(Segment("scene-1", *one) for one in expected)


def test_a_compilation_names_every_clip(footage: Footage, other: Footage) -> None:
    edit = next(one for one in catalogue.edits() if one.key == "h4")

    copy = edit.recipes[Severity.SEVERE].apply(footage, _material(other))

    assert {one.owner for one in segments(copy)} == {f"scene-{n}" for n in (1, *range(3, 10))}


def test_cutting_more_than_there_is_does_not_apply(footage: Footage) -> None:
    with pytest.raises(NotApplicable):
        footage.cut(1.0, 3.5)


def test_joining_needs_one_size(footage: Footage) -> None:
    smaller = footage.each(lambda frame, _: frame[:32], height=32)

    with pytest.raises(ValueError, match="different sizes"):
        joined([footage, smaller])


@pytest.mark.parametrize(
    ("key", "most"),
    [
        pytest.param("d1", 0.06, id="logo"),
        pytest.param("d2s", 0.06, id="text line"),
        pytest.param("d4s", 0.06, id="small stickers"),
    ],
)
def test_small_overlays_stay_within_their_area(key: str, most: float, other: Footage) -> None:
    edit = next(one for one in catalogue.edits() if one.key == key)
    grey = _tiny(1, 1.0).each(
        lambda _, __: np.full((240, 320, 3), 77, np.uint8), height=240, width=320
    )

    for severity, recipe in edit.recipes.items():
        if (key, severity) != ("d1", Severity.SEVERE):
            shown = recipe.apply(grey, _material(other)).shown(3)
            assert 0.01 <= (shown != 77).any(axis=2).mean() <= 1.1 * most


@pytest.mark.parametrize(("severity", "least"), [("mild", 0.75), ("medium", 0.6), ("severe", 0.45)])
def test_a_chat_recording_shows_so_much_of_the_copy(
    severity: str, least: float, footage: Footage, other: Footage
) -> None:
    edit = next(one for one in catalogue.edits() if one.key == "g1c")

    copy = edit.recipes[Severity(severity)].apply(footage, _material(other))

    scale = copy.width * 0.94 / footage.width
    area = footage.height * footage.width * scale**2 / (copy.height * copy.width)
    assert area == pytest.approx(least, rel=0.1)


def test_names_are_the_suites() -> None:
    """57 named edits without the five of audio; those split in several rows keep their number."""
    numbers = {
        edit.key.rstrip("abcdefgmnpstw") if edit.key[-1].isalpha() else edit.key
        for edit in catalogue.edits()
        if edit.family in catalogue.WHOLE_FRAME
    }

    assert len(numbers) == 52
    assert len({edit.key for edit in catalogue.edits()}) == len(catalogue.edits())


_PICTURE_EDITS = [
    pytest.param(edit, severity, id=f"{edit.key}-{severity}")
    for edit in catalogue.edits()
    for severity in edit.recipes
    if edit.family not in "AF"
    # Its blur follows the frame's size, and is no pixel wide at this one.
    if (edit.key, severity) != ("b4", Severity.MILD)
]


@pytest.mark.parametrize(("edit", "severity"), _PICTURE_EDITS)
def test_changes_what_is_seen(
    edit: Edit, severity: Severity, footage: Footage, other: Footage
) -> None:
    copy = edit.recipes[severity].apply(footage, _material(other))

    places = range(0, len(copy), 5)
    assert any(
        copy.shown(number).shape != footage.shown(number).shape
        or (copy.shown(number) != footage.shown(number)).any()
        for number in places
    )


def test_mirror_exchanges_left_and_right(footage: Footage, other: Footage) -> None:
    edit = next(one for one in catalogue.edits() if one.key == "e5")

    copy = edit.recipes[Severity.MEDIUM].apply(footage, _material(other))

    np.testing.assert_array_equal(copy.shown(7), footage.shown(7)[:, ::-1])


def _outcome(found: tuple[int, int]) -> Outcome:
    """A copy at 10 to 20 s of a clip, of which this range was found."""
    finding = Found("g", Verdict.MATCH, 1e-9, "as is", 1.0, (found,), (found,))
    return Outcome(
        source="s",
        kind="copies",
        edit="f4",
        severity=Severity.MEDIUM,
        label="10 s",
        expected=frozenset({"g"}),
        shown=frozenset({"g"}),
        takes=frozenset(),
        segments=(Segment("g", 10_000, 20_000, 0, 10_000, 1.0),),
        checked=Checked((finding,), None, 20_000, 0.1, 0.1, None, 0),
        peers={},
    )


@pytest.mark.parametrize(
    ("found", "precision", "recall"),
    [
        pytest.param((10_000, 20_000), 1.0, 1.0, id="all of it"),
        pytest.param((15_000, 20_000), 1.0, 0.5, id="half of it"),
        pytest.param((0, 20_000), 0.5, 1.0, id="and as much again"),
    ],
)
def test_localisation(found: tuple[int, int], precision: float, recall: float) -> None:
    where = scores.localisation([_outcome(found)], "clip")

    assert where is not None
    assert (where.precision, where.recall) == (precision, recall)


@pytest.mark.parametrize(
    ("found", "right"),
    [
        pytest.param((10_000, 20_000), True, id="all of it"),
        pytest.param((14_000, 20_000), True, id="more than half"),
        pytest.param((0, 20_000), True, id="no more beside it than in it"),
        pytest.param((16_000, 20_000), False, id="less than half"),
        pytest.param((0, 8_000), False, id="elsewhere"),
    ],
)
def test_right_segment(found: tuple[int, int], right: bool) -> None:
    outcome = _outcome(found)
    reference = ((found[0] - 10_000, found[1] - 10_000),)
    finding = replace(outcome.checked.found[0], reference_ranges_ms=reference)

    judged = replace(outcome, checked=replace(outcome.checked, found=(finding,)))

    assert scores.right_segment(judged) == right


def test_bound_is_three_over_n_without_alarms() -> None:
    assert scores.bound(0, 1000) == pytest.approx(3 / 1000, rel=0.01)
    assert scores.bound(1, 1000) > scores.bound(0, 1000)
