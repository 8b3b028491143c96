"""Patches in a check: asked for where whole frames leave it open, and never instead of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import pytest

from hashing.extract import REFERENCE, Extract, extract
from hashing.fingerprint import PHASH, Algorithm
from hashing.lanes import Sampling
from hashing.patch_track import ORB, TILES, Look, PatchTrack
from hashing.patches.matching import Asking, PatchedList, Shown
from hashing.patches.placing import Placing
from hashing.reference import Policy, Reference
from hashing.verdict import Verdict
from hashing.views import Region, View, Window
from service import cascade, explaining
from service.checking import Checker
from service.errors import DecoderKilled
from service.explaining import Reason
from service.loading import LoadedList
from service.media.decoding import Decoding, Taking, Uncaged
from service.store.base import Store
from service.store.sqlite import SqliteStore
from tests import cages, clips, corners
from tests.corners import town
from tests.memory_store import MemoryStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    made = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "lists.db")
    with closing(made):
        yield made


@cache
def hashed(seed: int) -> Extract:
    return extract(clips.encode(town(seed)), replace(REFERENCE, patches=True))


def listed(seed: int, *, patches: bool = True) -> Reference:
    taken = hashed(seed)
    return Reference(f"town-{seed}", None, None, taken.fingerprint, taken.patches * patches)


@cache
def half(seed: int) -> bytes:
    """Half of each side of a town: no whole frame of it is near one of the reference."""
    return clips.encode(corners.cropped(town(seed), 0.25, 0.25, 0.5))


class Watched(Uncaged):
    """Counts what is asked of clips; a decoder may die over some of it."""

    def __init__(
        self, *, dies: bool = False, dies_placing: bool = False, dies_screening: bool = False
    ) -> None:
        super().__init__()
        self.dies_placing = dies_placing
        self.dies_screening = dies_screening
        self.held_frames = 0
        self.looks: list[Sequence[Look]] = []
        self.screens = 0
        self._dies = dies

    @contextmanager
    def opened(self, media: bytes | BinaryIO, sampling: Sampling) -> Iterator[Taking]:
        self.held_frames = sampling.held_frames
        with super().opened(media, sampling) as taking:
            yield _WatchedTaking(self, taking, dies=self._dies)


class _WatchedTaking:
    def __init__(self, watched: Watched, taking: Taking, *, dies: bool) -> None:
        self._watched = watched
        self._dies = dies
        self._taking = taking
        self.key_frames = taking.key_frames
        self.ending = taking.ending
        self.whole = taking.whole

    def straightened(self, placing: Placing) -> Extract:
        if self._watched.dies_placing:
            raise DecoderKilled("it is killed")
        return self._taking.straightened(placing)

    def screen(self) -> Extract:
        self._watched.screens += 1
        if self._watched.dies_screening:
            raise DecoderKilled("it is killed")
        return self._taking.screen()

    def patches(self, looks: Sequence[Look]) -> tuple[PatchTrack, ...]:
        self._watched.looks.append(looks)
        if self._dies:
            raise DecoderKilled("it is killed")
        return self._taking.patches(looks)


def test_a_crop_to_half_is_a_match_with_its_window(store: Store) -> None:
    store.add("attack", [listed(0), listed(1)])

    result = Checker(store, Uncaged()).check(half(0))

    (match,) = result.matches
    assert (result.verdict, match.reference, result.notes) == (Verdict.MATCH, "town-0", ())
    assert isinstance(match.finding.view, Window)
    assert match.finding.view.scale == pytest.approx(2, rel=0.05)


def test_the_same_comes_out_of_a_cage(store: Store) -> None:
    store.add("attack", [listed(0)])

    caged = Checker(store, cages.shared()).check(half(0))
    free = Checker(store, Uncaged()).check(half(0))

    assert caged.matches == free.matches
    assert caged.verdict is Verdict.MATCH


def test_without_patch_hashes_it_is_not_found_and_the_answer_says_what_that_means(
    store: Store,
) -> None:
    store.add("attack", [listed(0, patches=False)])

    result = Checker(store, Uncaged()).check(half(0))

    assert result.verdict is Verdict.NO_MATCH
    assert result.complete
    assert result.notes == ("references_without_patches",)


def test_a_fingerprint_alone_has_no_patches_and_the_answer_says_so(store: Store) -> None:
    store.add("attack", [listed(0), listed(1, patches=False)])

    result = Checker(store, Uncaged()).check_fingerprint(hashed(2).fingerprint, None)

    assert result.notes == ("references_without_patches", "clip_without_patches")


def test_what_whole_frames_show_asks_for_no_patches(store: Store) -> None:
    store.add("attack", [listed(0)])
    watched = Watched()

    result = Checker(store, watched).check(clips.encode(town(0)))

    assert (result.verdict, watched.looks) == (Verdict.MATCH, [])


@pytest.mark.parametrize(
    ("seed", "rounds"),
    [pytest.param(0, 1, id="found at once"), pytest.param(9, 3, id="not found at all")],
)
def test_looks_end_where_something_is_found(store: Store, seed: int, rounds: int) -> None:
    store.add("attack", [listed(0)])
    watched = Watched()

    Checker(store, watched).check(half(seed))

    assert watched.looks == list(cascade.ROUNDS[:rounds])


class _Asked(PatchedList):
    """A list that keeps in mind which looks it was asked about; a match is at most ``says``."""

    def __init__(self, inner: PatchedList, asked: list[list[Look]], says: Verdict) -> None:
        self._inner = inner
        self._asked = asked
        self._says = says

    @property
    def key_frames(self) -> int:
        return self._inner.key_frames

    def shown(self, clip: Asking) -> Shown:
        self._asked.append([track.look for track in clip.tracks])
        seen = self._inner.shown(clip)
        if self._says is Verdict.MATCH:
            return replace(seen, leads=())
        weaker = (replace(one, verdict=self._says, chance=1e-4) for one in seen.findings)
        return Shown(tuple(weaker), ())


class _AskedChecker(Checker):
    """Checks uncaged, and keeps in mind which looks were searched together."""

    def __init__(
        self, store: Store, says: Verdict = Verdict.MATCH, decoding: Decoding | None = None
    ) -> None:
        super().__init__(store, decoding or Uncaged())
        self.asked: list[list[Look]] = []
        self._says = says

    def patches(self, lists: list[LoadedList]) -> list[tuple[LoadedList, PatchedList]]:
        return [
            (one, _Asked(patched, self.asked, self._says))
            for one, patched in super().patches(lists)
        ]


@cache
def small() -> bytes:
    """A turned town in a third of a larger one: only a closer look finds it."""
    return clips.encode(
        corners.in_picture(corners.rotated(town(0), 20), town(56, 5.0, 960, 720), 0.1, 0.4, 0.3)
    )


FIRST, CLOSER, STRETCHED = (list(looks) for looks in cascade.ROUNDS)


@pytest.mark.parametrize(
    ("clip", "asked"),
    [
        pytest.param(half(0), [FIRST], id="found at once"),
        pytest.param(half(9), [FIRST, CLOSER, STRETCHED], id="not found at all"),
        pytest.param(small(), [FIRST, CLOSER, FIRST + CLOSER], id="found later, weighed by all"),
    ],
)
def test_a_look_is_searched_once_unless_there_is_a_match(
    store: Store, clip: bytes, asked: list[list[Look]]
) -> None:
    store.add("attack", [listed(0)])
    checker = _AskedChecker(store)

    result = checker.check(clip)

    assert checker.asked == asked
    assert (result.verdict is Verdict.MATCH) is (asked[-1] != STRETCHED)


def test_a_near_match_of_the_first_look_outlasts_later_ones(store: Store) -> None:
    store.add("attack", [listed(0)])
    checker = _AskedChecker(store, says=Verdict.NEAR_MATCH)

    result = checker.check(half(0))

    assert checker.asked == [FIRST, CLOSER, STRETCHED]
    assert [match.reference for match in result.matches] == ["town-0"]
    assert result.verdict is Verdict.NEAR_MATCH


@pytest.mark.parametrize(
    ("patches", "thorough", "held"),
    [
        pytest.param(True, False, cascade.HELD_FRAMES, id="by default"),
        pytest.param(True, True, cascade.THOROUGH_FRAMES, id="thorough"),
        pytest.param(False, True, 0, id="nothing to find by patches"),
    ],
)
def test_frames_are_held_only_for_lists_with_patch_hashes(
    store: Store, patches: bool, thorough: bool, held: int
) -> None:
    store.add("attack", [listed(0, patches=patches)])
    watched = Watched()

    Checker(store, watched).check(half(0), thorough=thorough)

    assert watched.held_frames == held


def test_a_decoder_that_dies_over_patches_takes_nothing_from_whole_frames(store: Store) -> None:
    store.add("attack", [listed(0)])

    result = Checker(store, Watched(dies=True)).check(half(0))

    assert result.verdict is Verdict.UNSCANNABLE
    assert result.problems == (DecoderKilled.code,)
    assert result.frames > 0


def test_what_is_known_harmless_is_known_so_by_patches_too(store: Store) -> None:
    store.add("attack", [listed(0)])
    store.add("news", [listed(0)], policy=Policy.ALLOW)

    result = Checker(store, Uncaged()).check(half(0))

    assert (result.verdict, result.matches) == (Verdict.NO_MATCH, ())
    assert [match.reference for match in result.suppressed] == ["town-0"]


def test_an_allow_list_with_patch_hashes_alone_asks_for_none(store: Store) -> None:
    store.add("attack", [listed(0, patches=False)])
    store.add("news", [listed(1)], policy=Policy.ALLOW)
    watched = Watched()

    Checker(store, watched).check(half(0))

    assert (watched.held_frames, watched.looks) == (0, [])


def test_a_change_is_seen_and_costs_only_what_is_new(store: Store) -> None:
    store.add("attack", [listed(0)])
    checker = Checker(store, Uncaged())
    assert checker.check(half(1)).verdict is Verdict.NO_MATCH

    store.add("attack", [listed(1)])
    assert checker.check(half(1)).verdict is Verdict.MATCH
    assert checker.check(half(0)).verdict is Verdict.MATCH
    store.remove("attack", ["town-1"])
    assert checker.check(half(1)).verdict is Verdict.NO_MATCH
    store.delete_list("attack")
    assert checker.check(half(0)).verdict is Verdict.UNSCANNABLE


def test_parts_are_joined_before_there_are_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cascade, "_MOST_PARTS", 1)
    checker = Checker(store, Uncaged())
    for seed in range(3):
        store.add("attack", [listed(seed)])
        assert checker.check(half(seed)).verdict is Verdict.MATCH
    store.remove("attack", ["town-0", "town-1"])

    assert checker.check(half(0)).verdict is Verdict.NO_MATCH
    assert checker.check(half(2)).verdict is Verdict.MATCH


@pytest.mark.parametrize(
    ("seed", "verdict", "reason"),
    [
        pytest.param(0, Verdict.MATCH, Reason.MATCH, id="a crop"),
        pytest.param(9, Verdict.NO_MATCH, Reason.NO_HITS, id="another town"),
    ],
)
def test_explain_agrees_with_the_check(
    store: Store, seed: int, verdict: Verdict, reason: Reason
) -> None:
    store.add("attack", [listed(0)])
    checker = Checker(store, Uncaged())

    why = explaining.explain(checker, store, half(seed), "attack", "town-0")

    assert (why.verdict, why.reason) == (verdict, reason)
    assert checker.check(half(seed)).verdict is verdict


@cache
def still(seed: int) -> clips.Frames:
    """A town from a tripod, in which one thing moves: hardly a patch is new."""
    frames = np.repeat(town(seed, 0.1)[:1], 125, axis=0)
    for number, frame in enumerate(frames):
        cv2.circle(frame, (60 + 3 * number, 180), 40, (250,), -1)
    return frames


@cache
def tripod(seed: int, *, tiles: bool = True) -> Reference:
    taken = extract(clips.encode(still(seed)), replace(REFERENCE, patches=True))
    patches = tuple(one for one in taken.patches if tiles or one.algorithm == ORB)
    return Reference(f"tripod-{seed}", None, None, taken.fingerprint, patches)


@cache
def inset(seed: int) -> bytes:
    """It turned, in a picture that goes on: neither whole frames nor patches are sure of it."""
    return clips.encode(
        corners.in_picture(
            corners.rotated(still(seed), 10), town(56, 5.0, 720, 540), 0.3, 0.25, 0.5
        )
    )


@pytest.mark.parametrize("algorithm", [PHASH, TILES], ids=["whole frames", "tiles"])
def test_a_picture_that_patches_only_place_is_found(store: Store, algorithm: Algorithm) -> None:
    """By its tiles, or by its whole frames where the reference was listed without tiles."""
    store.add("attack", [tripod(seed, tiles=algorithm == TILES) for seed in (0, 1)])

    result = Checker(store, Uncaged()).check(inset(0))

    (match,) = result.matches
    assert (result.verdict, match.reference) == (Verdict.MATCH, "tripod-0")
    assert match.finding.algorithm == algorithm
    assert isinstance(match.finding.view, Window)
    assert match.finding.view.turned_deg == pytest.approx(10, abs=2)
    assert match.finding.view.scale == pytest.approx(0.5, abs=0.05)


def test_what_is_placed_is_explained_as_it_was_found(store: Store) -> None:
    """Of a list of one: other references' patches weigh in where a clip's frames are sought."""
    store.add("attack", [tripod(0)])
    checker = Checker(store, Uncaged())

    why = explaining.explain(checker, store, inset(0), "attack", "tripod-0")

    (match,) = checker.check(inset(0)).matches
    assert (why.verdict, why.best) == (Verdict.MATCH, match.finding)


def test_the_same_place_with_other_things_in_it_is_not(store: Store) -> None:
    store.add("attack", [tripod(0)])
    other = still(0)[::-1].copy()
    for number, frame in enumerate(other):
        cv2.rectangle(frame, (10, 30 + number), (230, 130 + number), (20,), -1)
    clip = corners.in_picture(corners.rotated(other, 10), town(56, 5.0, 720, 540), 0.3, 0.25, 0.5)

    result = Checker(store, Uncaged()).check(clips.encode(clip))

    assert result.verdict is not Verdict.MATCH


def test_what_is_allowed_explains_a_placed_picture_too(store: Store) -> None:
    store.add("attack", [tripod(0)])
    store.add("ours", [replace(tripod(0), patches=())], policy=Policy.ALLOW)

    result = Checker(store, Uncaged()).check(inset(0))

    assert (result.verdict, result.matches) == (Verdict.NO_MATCH, ())
    assert [one.reference for one in result.suppressed] == ["tripod-0"]


def test_a_decoder_that_dies_over_a_placed_picture_is_told(store: Store) -> None:
    store.add("attack", [tripod(0)])

    result = Checker(store, Watched(dies_placing=True)).check(inset(0))

    assert (result.verdict, result.problems) == (Verdict.UNSCANNABLE, ("decoder_killed",))


@cache
def filmed(seed: int) -> bytes:
    """A town on a screen with a rim, filmed off by hand in a room full of things."""
    room = town(56, 0.1, 640, 480)[0]
    return clips.encode(corners.on_a_screen(town(seed), fills=0.6, wall=room))


def test_what_a_filmed_screen_shows_is_found_by_its_whole_frames(store: Store) -> None:
    # Without patch hashes of its own, nothing but the rim says where the picture is.
    store.add("attack", [listed(0, patches=False), listed(1)])
    watched = Watched()

    result = Checker(store, watched).check(filmed(0))

    (match,) = result.matches
    assert (result.verdict, match.reference) == (Verdict.MATCH, "town-0")
    assert match.finding.view == View(Region.INNER)
    assert (watched.looks, watched.screens) == ([cascade.ROUNDS[0]], 1)
    why = explaining.explain(Checker(store, Uncaged()), store, filmed(0), "attack", "town-0")
    assert (why.verdict, why.best) == (Verdict.MATCH, match.finding)


@pytest.mark.parametrize(
    "clip",
    [
        pytest.param(lambda: filmed(9), id="a screen with another town"),
        pytest.param(lambda: half(9), id="no screen"),
    ],
)
def test_a_screen_is_asked_for_once_and_says_nothing(
    store: Store, clip: Callable[[], bytes]
) -> None:
    store.add("attack", [listed(0)])
    watched = Watched()

    result = Checker(store, watched).check(clip())

    assert (result.verdict, result.matches) == (Verdict.NO_MATCH, ())
    assert (watched.looks, watched.screens) == (list(cascade.ROUNDS), 1)


@pytest.mark.parametrize(
    "media",
    [
        pytest.param(lambda: clips.encode(town(0)), id="whole frames"),
        pytest.param(lambda: half(0), id="patches"),
    ],
)
def test_no_screen_is_asked_for_where_there_is_a_match(
    store: Store, media: Callable[[], bytes]
) -> None:
    store.add("attack", [listed(0)])
    watched = Watched()

    assert Checker(store, watched).check(media()).verdict is Verdict.MATCH
    assert watched.screens == 0


def test_what_is_allowed_explains_a_screen_too(store: Store) -> None:
    store.add("attack", [listed(0, patches=False), listed(1)])
    store.add("ours", [listed(0, patches=False)], policy=Policy.ALLOW)

    result = Checker(store, Uncaged()).check(filmed(0))

    assert (result.verdict, result.matches) == (Verdict.NO_MATCH, ())
    assert [one.reference for one in result.suppressed] == ["town-0"]


def test_a_decoder_that_dies_over_a_screen_takes_nothing_from_what_was_found(store: Store) -> None:
    store.add("attack", [listed(0)])
    checker = _AskedChecker(store, Verdict.NEAR_MATCH, Watched(dies_screening=True))

    result = checker.check(half(0))

    assert result.verdict is Verdict.NEAR_MATCH
    assert result.problems == (DecoderKilled.code,)
    assert [match.reference for match in result.matches] == ["town-0"]
