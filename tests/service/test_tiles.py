"""Tiles in a check: a crop of a clip in which hardly anything moves, from bytes to a verdict."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hashing.extract import REFERENCE, Extract, extract
from hashing.patch_track import ORB, TILES
from hashing.reference import Policy, Reference
from hashing.verdict import Verdict
from hashing.views import Window
from service import explaining
from service.checking import Checker
from service.explaining import Reason
from service.media.decoding import Uncaged
from service.store.base import Store
from service.store.sqlite import SqliteStore
from tests import cages, clips, corners
from tests.clips import FPS, Frames
from tests.corners import HEIGHT_PX, WIDTH_PX, town

OFF_CENTRE = (0.08, 0.27, 0.65)
LISTED, ANOTHER = 0, 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty one."""
    with closing(SqliteStore(tmp_path / "lists.db")) as made:
        yield made


@cache
def recording(take: int, seconds: float = 6.0) -> Frames:
    """A room from a tripod in which one small thing moves, each take in another way."""
    room, thing = town(40, 0.04)[0], town(41, 0.04)[0][:70, :70]
    frames = np.repeat(room[None], round(seconds * FPS), axis=0)
    for number, frame in enumerate(frames):
        angle = (0.9 + 0.4 * take) * number / FPS + 2.0 * take
        left = round(WIDTH_PX * (0.42 + 0.11 * np.cos(angle)))
        top = round(HEIGHT_PX * (0.5 + 0.11 * np.sin((1.3 - 0.6 * take) * angle)))
        frame[top : top + 70, left : left + 70] = thing
    return frames


@cache
def hashed(take: int) -> Extract:
    return extract(clips.encode(recording(take)), replace(REFERENCE, patches=True))


def reference(take: int, *, tiles: bool = True) -> Reference:
    patches = tuple(one for one in hashed(take).patches if tiles or one.algorithm == ORB)
    return Reference(f"take-{take}", None, None, hashed(take).fingerprint, patches)


@cache
def crop(take: int) -> bytes:
    return clips.encode(corners.cropped(recording(take), *OFF_CENTRE))


def test_a_crop_of_what_hardly_moves_is_a_match_by_its_tiles(store: Store) -> None:
    store.add("attack", [reference(LISTED)])

    result = Checker(store, Uncaged()).check(crop(LISTED))

    (match,) = result.matches
    assert (result.verdict, match.reference) == (Verdict.MATCH, "take-0")
    assert match.finding.algorithm == TILES
    assert isinstance(match.finding.view, Window)
    assert match.finding.view.scale == pytest.approx(1 / 0.65, rel=0.05)
    ((start_ms, end_ms),) = match.finding.reference_ranges_ms
    assert end_ms - start_ms > 4000
    assert result.problems == ()


def test_without_tiles_it_is_none(store: Store) -> None:
    """Neither whole frames nor patches are sure of it."""
    store.add("attack", [reference(LISTED, tiles=False)])

    assert Checker(store, Uncaged()).check(crop(LISTED)).verdict is not Verdict.MATCH


def test_the_same_comes_out_of_a_cage(store: Store) -> None:
    store.add("attack", [reference(LISTED)])

    caged = Checker(store, cages.shared()).check(crop(LISTED))

    assert caged.matches == Checker(store, Uncaged()).check(crop(LISTED)).matches


def test_explain_says_the_same(store: Store) -> None:
    store.add("attack", [reference(LISTED)])
    checker = Checker(store, Uncaged())

    why = explaining.explain(checker, store, crop(LISTED), "attack", "take-0")

    (match,) = checker.check(crop(LISTED)).matches
    assert (why.verdict, why.reason, why.best) == (Verdict.MATCH, Reason.MATCH, match.finding)


def test_another_recording_of_the_same_room_is_no_match(store: Store) -> None:
    store.add("attack", [reference(LISTED)])
    checker = Checker(store, Uncaged())

    result = checker.check(crop(ANOTHER))
    why = explaining.explain(checker, store, crop(ANOTHER), "attack", "take-0")

    assert result.verdict is not Verdict.MATCH
    assert why.verdict is not Verdict.MATCH
    assert result.complete


def test_of_two_recordings_of_a_room_the_right_one_is_found(store: Store) -> None:
    store.add("attack", [reference(LISTED), reference(ANOTHER)])

    result = Checker(store, Uncaged()).check(crop(ANOTHER))

    matched = [one for one in result.matches if one.finding.verdict is Verdict.MATCH]
    assert [one.reference for one in matched] == ["take-1"]


@pytest.mark.parametrize(
    ("allowed", "verdict"),
    [
        pytest.param(LISTED, Verdict.NO_MATCH, id="the same footage"),
        pytest.param(ANOTHER, Verdict.MATCH, id="another recording of the room"),
    ],
)
def test_an_allow_list_explains_what_tiles_find(
    store: Store, allowed: int, verdict: Verdict
) -> None:
    store.add("attack", [reference(LISTED)])
    store.add("news", [reference(allowed)], policy=Policy.ALLOW)

    result = Checker(store, Uncaged()).check(crop(LISTED))

    assert result.verdict is verdict
    assert [one.reference for one in result.suppressed] == ["take-0"] * (allowed == LISTED)
    assert [one.list for one in result.matches] == ["attack"] * (allowed != LISTED)
