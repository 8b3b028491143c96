"""Copies of footage in which nothing happens, from made media to the words about it."""

from functools import cache

import cv2
import numpy as np
import pytest

from hashing.extract import REFERENCE, extract
from hashing.reference import Policy, Reference
from hashing.verdict import Verdict
from service import explaining, reasoning, wording
from service.checking import Checker, CheckResult
from service.explaining import Explanation, Reason
from service.media.decoding import Uncaged
from tests import clips
from tests.clips import Frames
from tests.memory_store import MemoryStore

WIDTH_PX, HEIGHT_PX = 320, 240
SECONDS = 4.0
LEFT_PX = 90  # where a dark disc lies in the room
NOISE = 4.0  # grey levels of a sensor in the evening, one standard deviation
SMALL_AND_COARSE = {"preset": "ultrafast", "crf": "32"}


def room(left_px: int, sensor: int, *, drift_px: int = 0) -> Frames:
    """A room in which next to nothing happens, seen by a camera that stands still.

    ``sensor``: whose noise it is; ``drift_px``: how far the disc rolls by and by.
    """
    empty = clips.moving_scene(1, 1 / clips.FPS, WIDTH_PX, HEIGHT_PX)[0]
    count = round(SECONDS * clips.FPS)
    noise = np.random.default_rng(sensor).normal(0, NOISE, (count, HEIGHT_PX, WIDTH_PX))
    frames = np.repeat(empty[None], count, axis=0)
    for number, frame in enumerate(frames):
        place = left_px + drift_px * number // count, HEIGHT_PX // 2
        cv2.circle(frame, place, HEIGHT_PX // 6, (20,), -1)
    return (frames + noise).clip(0, 255).astype(np.uint8)


def recoded(frames: Frames) -> bytes:
    """The middle of it, at under half the size, coarsely encoded."""
    small = clips.scaled(frames[20:80], WIDTH_PX * 3 // 8, HEIGHT_PX * 3 // 8)
    return clips.encode(small, options=SMALL_AND_COARSE)


@cache
def listed(drift_px: int) -> MemoryStore:
    """The room on a block list."""
    store = MemoryStore()
    made = extract(clips.encode(room(LEFT_PX, 1, drift_px=drift_px)), REFERENCE).fingerprint
    store.add("attack-1", [Reference("r1", None, "attack", made)], policy=Policy.BLOCK)
    return store


def check(clip: bytes, drift_px: int) -> CheckResult:
    return Checker(listed(drift_px), Uncaged()).check(clip)


def explain(clip: bytes, drift_px: int) -> Explanation:
    store = listed(drift_px)
    return explaining.explain(Checker(store, Uncaged()), store, clip, "attack-1", "r1")


ROOMS = pytest.mark.parametrize("drift_px", [0, 16], ids=["nothing moves", "hardly anything"])


@ROOMS
def test_a_copy_is_a_match(drift_px: int) -> None:
    result = check(recoded(room(LEFT_PX, 1, drift_px=drift_px)), drift_px)

    (match,) = result.matches
    assert (result.verdict, match.finding.only_alike) == (Verdict.MATCH, True)
    assert bool(match.finding.reference_ranges_ms) == bool(drift_px)
    assert match.finding.clip_coverage >= 0.9


def test_a_copy_that_an_animation_holds_is_a_match() -> None:
    """Two seconds a frame: four times as long as a sampled frame stands for."""
    held = clips.animation(room(LEFT_PX, 1)[::40], frame_ms=2000)
    result = check(held, 0)

    assert result.verdict is Verdict.MATCH
    assert result.matches[0].finding.same_share == pytest.approx(1.0)


@pytest.mark.parametrize("grey_levels", [1, 8], ids=["black", "a dark room"])
def test_a_card_before_what_is_too_dark_to_compare_is_none(grey_levels: int) -> None:
    shape = (300, HEIGHT_PX, WIDTH_PX)
    dark = np.random.default_rng(3).integers(0, grey_levels, shape, dtype=np.uint8)
    result = check(clips.encode(np.concatenate([room(LEFT_PX, 1)[:50], dark])), 0)

    assert result.verdict is Verdict.NEAR_MATCH


@ROOMS
@pytest.mark.parametrize("left_px", [130, 170, 230])
def test_the_same_room_with_something_moved_is_none(left_px: int, drift_px: int) -> None:
    result = check(recoded(room(left_px, 2, drift_px=drift_px)), drift_px)

    assert result.verdict is not Verdict.MATCH


@ROOMS
def test_what_a_moderator_reads_is_true_of_it(drift_px: int) -> None:
    result = check(recoded(room(LEFT_PX, 1, drift_px=drift_px)), drift_px)
    told = " ".join(wording.details(result))

    assert "from end to end" in told
    assert "false alarms" not in told
    assert "own limit" not in told


@ROOMS
def test_an_explanation_shows_what_decided_and_nothing_else(drift_px: int) -> None:
    why = explain(recoded(room(LEFT_PX, 1, drift_px=drift_px)), drift_px)
    told = reasoning.lines(why, "attack-1", "r1")

    assert (why.verdict, why.reason) == (Verdict.MATCH, Reason.MATCH)
    assert "the same pictures from end to end" in told[0]
    assert not any(line.startswith("FAILED") for line in told)
    rows = {one["name"]: one["found"] for one in reasoning.thresholds(why)}
    assert rows["same picture from end to end"] == "100 % within 16 bits"
    assert "different pictures that agree" not in rows
    assert not any(line.startswith("How far pictures change") for line in told)


def test_a_near_match_shows_how_much_of_it_is_the_same() -> None:
    """The room again, without its disc in the end: for three quarters of its time."""
    away = room(LEFT_PX, 1).copy()
    away[65:] = room(230, 1)[65:]
    why = explain(recoded(away), 0)
    rows = {one["name"]: one for one in reasoning.thresholds(why)}

    assert (why.verdict, why.reason) == (Verdict.NEAR_MATCH, Reason.SINGLE_PICTURE)
    row = rows["same picture from end to end"]
    assert row["found"].startswith("7")
    assert not row["passed"]
