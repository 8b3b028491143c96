"""Leads: where a reference may be in a clip, by too few patches to be sure."""

from dataclasses import replace
from functools import cache
from io import BytesIO

import cv2
import numpy as np
import pytest

from hashing.extract import CLIP, REFERENCE, Extraction, extract
from hashing.patch_track import Look
from hashing.patches import leads, pooling
from hashing.patches.index import PatchIndex
from hashing.patches.leads import Lead
from hashing.patches.matching import window
from hashing.patches.searching import Seen, search
from hashing.views import Window
from tests import clips, corners
from tests.clips import Frames
from tests.corners import town
from tests.patches import random_track

TILTED = np.array([[0.2, 0.3], [0.9, 0.1], [0.9, 0.95], [0.2, 0.75]])
TILES = (random_track(5),)  # what is in them matters nowhere here
WHERE = Window(0.2, 0.3, 0.8, 0.9, 0, 0.6)


@cache
def footage(name: str) -> Frames:
    """The first town in a picture, in half, captioned, and filmed from the side."""
    if name == "inset":
        return corners.in_picture(town(0), town(7), 0.2, 0.3, 0.6)
    parts = {"half": 0.5, "two thirds": 0.75, "nearly all": 0.95}
    if name in parts:
        share = parts[name]
        return corners.cropped(town(0), (1 - share) / 2, (1 - share) / 2, share)
    if name == "captioned":
        return np.concatenate([town(0)[:, :300], corners.captions(3)[:, :60]], axis=1)
    return tilted(town(0)) if name == "tilted" else town(0)


def tilted(frames: Frames) -> Frames:
    """Its left side is far away."""
    height, width = frames.shape[1:]
    corners_px = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    to = cv2.getPerspectiveTransform(corners_px, (TILTED * [width, height]).astype(np.float32))
    return corners.each(
        frames, lambda one: cv2.warpPerspective(one, to, (width, height)).astype(np.uint8)
    )


@cache
def seen(name: str) -> Seen:
    """How patches see the first town in this clip."""
    listed = extract(clips.encode(town(0)), replace(REFERENCE, patches=True))
    taking = Extraction(BytesIO(clips.encode(footage(name))), replace(CLIP, held_frames=24))
    taking.whole()
    (track,) = taking.patches((Look.AS_IS,))
    (found,) = search(track, PatchIndex(listed.patches))
    return found


def lead(reference: int, cells: int) -> Lead:
    return Lead(reference, seen("inset"), WHERE, cells)


def test_a_lead_says_where_the_picture_is() -> None:
    found = seen("inset")

    one = leads.of(found, 3, window(found))

    assert one is not None
    assert one.reference == 3
    assert str(one.window) == "window 0.20,0.30–0.80,0.90, scale 0.60"
    assert np.median(one.placing().maps, axis=0) == pytest.approx(
        np.array([[0.6, 0, 0.2], [0, 0.6, 0.3], [0, 0, 1]]), abs=0.02
    )


def test_a_tilted_picture_is_placed_with_its_perspective() -> None:
    found = seen("tilted")

    one = leads.of(found, 3, window(found))

    assert one is not None
    square = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]])
    placed = square @ np.median(one.placing().maps, axis=0).T
    assert placed[:, :2] / placed[:, 2:] == pytest.approx(TILTED, abs=0.03)


def test_of_a_half_only_tiles_are_compared() -> None:
    found = seen("half")

    one = leads.of(found, 0, window(found))

    assert one is not None
    assert [placement.as_a_whole for placement in one.placed()][:2] == [False, False]


@pytest.mark.parametrize("name", ["as it is", "captioned"])
def test_a_picture_that_fills_the_frame_was_compared_already(name: str) -> None:
    found = seen(name)

    assert leads.of(found, 0, window(found)) is None


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        pytest.param("as it is", [False], id="fills the frame"),
        pytest.param("captioned", [False], id="fills it, under a caption"),
        pytest.param("half", [False, False], id="too little for whole frames"),
        pytest.param("two thirds", [True, True], id="enough for them"),
        pytest.param("inset", [True, True, True], id="all of it, and the frame around"),
        pytest.param("nearly all", [False, True, True], id="may fill the frame"),
    ],
)
def test_in_which_ways_a_picture_is_looked_at(
    name: str, whole: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pooled only where its frames can be brought together: those of a moving camera."""
    found = seen(name)
    pooled = np.repeat(np.eye(3)[None], found.clip.key_frames, axis=0)
    monkeypatch.setattr(pooling, "maps", lambda seen: pooled if name == "inset" else None)

    one = leads.of(found, 0, window(found), TILES)

    assert one is not None
    ways = list(one.placed())
    assert [placement.as_a_whole for placement in ways] == whole
    assert len(ways) <= leads.MOST_PLACEMENTS
    assert sum(placement.as_a_whole for placement in ways) <= leads.MOST_WHOLE
    if whole[0]:
        assert np.array_equal(ways[0].placing.maps, one.placing().maps)
        assert np.array_equal(ways[1].placing.maps, one.placing().steadied.maps)
    if name == "nearly all":
        assert np.array_equal(ways[0].placing.maps[0], np.eye(3))
    if name == "inset":
        assert len(ways[2].placing.maps) == found.clip.key_frames


def test_of_hardly_a_tile_there_is_no_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen("half")
    monkeypatch.setattr(leads, "_LEAST_TILED", 0.3)

    assert leads.of(found, 0, window(found), TILES) is None


def test_two_sightings_are_no_lead() -> None:
    found = seen("inset")
    three = found.line.sightings[:3]

    assert leads.of(replace(found, line=replace(found.line, sightings=three)), 0, WHERE)
    assert not leads.of(replace(found, line=replace(found.line, sightings=three[:2])), 0, WHERE)


def test_the_strongest_are_followed_one_a_reference() -> None:
    given = [lead(1, 50), lead(2, 80), lead(1, 90), lead(3, 10)]

    chosen = leads.strongest(given, 2)

    assert [(one.reference, one.cells) for one in chosen] == [(1, 90), (2, 80)]
