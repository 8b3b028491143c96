"""Which frames patches are taken from, and that a patch is kept once for as long as it stays."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hashing import bits
from hashing.media import LumaFrame
from hashing.patch_track import CLOSE_SIDE_PX, PATCH_BYTES, SIDE_PX, Look
from hashing.patches import gathering, keypoints
from hashing.patches.following import Follower
from hashing.patches.gathering import ClipGatherer, Gatherers, HeldFrame, ReferenceGatherer
from tests.corners import HEIGHT_PX, WIDTH_PX, Frame, town

STILL = town(1, 0.04)[0]


def gathered(frames: NDArray[np.uint8], step_ms: int = 1000) -> ReferenceGatherer:
    gatherer = ReferenceGatherer(0)
    for number, frame in enumerate(frames):
        gatherer.add(frame, number * step_ms)
    return gatherer


def noisy(seed: int) -> Frame:
    noise = np.random.default_rng(seed).normal(0, 3, STILL.shape)
    shown: Frame = (STILL + noise).clip(0, 255).astype(np.uint8)
    return shown


def test_a_still_picture_takes_the_bytes_of_one_frame() -> None:
    track = gathered(np.stack([noisy(seed) for seed in range(10)])).track()

    assert track.key_frames == 10
    assert len(track) <= 1.3 * gathering.REFERENCE_PATCHES
    assert np.mean(track.lasts - track.firsts) > 7


def test_what_moves_takes_at_most_12_kb_a_second() -> None:
    track = gathered(town(2, 6.0)[::25]).track()

    assert len(track) > 4 * gathering.REFERENCE_PATCHES
    assert track.size_bytes / track.key_frames <= 12_000
    assert len(track) * PATCH_BYTES <= track.size_bytes
    assert track.is_sound


def test_a_key_frame_is_taken_once_a_second() -> None:
    track = gathered(np.stack([STILL] * 60), 40).track()

    assert track.times_ms.tolist() == [0, 1000, 2000]


def test_half_of_a_picture_that_changes_takes_half() -> None:
    changed = STILL.copy()
    changed[:, WIDTH_PX // 2 :] = town(3, 0.04)[0][:, WIDTH_PX // 2 :]

    track = gathered(np.stack([STILL, changed])).track()

    new = track.places[track.firsts == 1, 0]
    assert len(new) == pytest.approx(gathering.REFERENCE_PATCHES / 2, rel=0.3)
    assert (new > 0.45 * 255).mean() > 0.9


def test_another_size_of_frame_begins_anew() -> None:
    gatherer = ReferenceGatherer(0)
    gatherer.add(STILL, 0)
    gatherer.add(STILL[: HEIGHT_PX // 2], 1000)

    track = gatherer.track()

    assert track.sizes.tolist() == [[255, 191], [255, 96]]
    assert (track.firsts == track.lasts).all()


def test_a_reference_never_takes_more_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_PATCHES", 1500)

    track = gathered(town(4, 24.0)[::25]).track()

    assert len(track) <= 1500 + gathering.REFERENCE_PATCHES
    assert track.is_sound
    steps_ms = np.diff(track.times_ms)
    assert track.times_ms[0] == 0
    assert track.times_ms[-1] >= 16_000
    assert steps_ms.max() <= 2 * steps_ms.min()


def test_a_clips_frames_are_spread_over_all_of_it() -> None:
    gatherer = ClipGatherer(500, 12)
    for number in range(3000):
        gatherer.add(STILL[:96, :128], number * 100)

    times_ms = [held.time_ms for held in gatherer.frames()]

    assert 6 <= len(times_ms) <= 12
    assert len(set(np.diff(times_ms).tolist())) == 1
    assert times_ms[0] == 0
    assert times_ms[-1] >= 240_000


@pytest.mark.parametrize(
    ("shape", "held"),
    [
        pytest.param((96, 128), (96, 128), id="a small one as it is"),
        pytest.param((1080, 1920), (405, CLOSE_SIDE_PX), id="a large one for a closer look"),
    ],
)
def test_a_held_frame_is_no_larger_than_a_closer_look(
    shape: tuple[int, int], held: tuple[int, int]
) -> None:
    gatherer = ClipGatherer(500, 2)
    gatherer.add(np.zeros(shape, np.uint8), 0)

    (one,) = gatherer.frames()

    assert one.small.shape == held


def test_only_a_few_tracks_are_held_large() -> None:
    gatherers = Gatherers(reference=False, held_frames=1)
    for stream in range(6):
        frame = np.zeros((720, 720), np.uint8)
        gatherers.add(LumaFrame(stream, 0, frame, full_range=True))

    held = [gatherer.frames()[0].small.shape[0] for gatherer in gatherers._of_clip.values()]
    assert held == [CLOSE_SIDE_PX] * 4 + [SIDE_PX] * 2


def test_a_closer_look_has_more_patches_of_the_same_frame() -> None:
    plain, closer = gathering.clip_tracks([HeldFrame(0, STILL)], 0, [Look.AS_IS, Look.CLOSER])

    assert plain.sizes.tolist() == closer.sizes.tolist()
    assert len(plain) <= gathering.CLIP_PATCHES < len(closer) <= gathering.CLOSE_PATCHES


@pytest.mark.parametrize(
    ("look", "seen"),
    [
        pytest.param(Look.AS_IS, STILL, id="as is"),
        pytest.param(Look.MIRRORED, STILL[:, ::-1], id="mirrored"),
        pytest.param(Look.NEGATIVE, 255 - STILL, id="negative"),
    ],
)
def test_a_look_is_what_the_frame_would_give_that_looks_so(look: Look, seen: Frame) -> None:
    """Corners are found once and described in each look; found anew they are nearly the same."""
    (looked,) = gathering.clip_tracks([HeldFrame(0, STILL)], 0, [look])
    (plain,) = gathering.clip_tracks([HeldFrame(0, np.ascontiguousarray(seen))], 0, [Look.AS_IS])

    apart = bits.distance_matrix(looked.descriptors, plain.descriptors)
    nearest = apart.argmin(axis=1)
    near = apart.min(axis=1) <= 20
    off = np.abs(looked.places[:, :2].astype(int) - plain.places[nearest, :2].astype(int))
    assert near.mean() > 0.7
    assert np.median(off[near]) <= 1


def test_stretched_looks_have_the_stretched_size() -> None:
    held = [HeldFrame(0, STILL)]

    wide, tall = gathering.clip_tracks(held, 3, [Look.WIDENED, Look.HEIGHTENED])

    assert (wide.look, wide.stream, wide.sizes.tolist()) == (Look.WIDENED, 3, [[255, 78]])
    assert (tall.look, tall.stream, tall.sizes.tolist()) == (Look.HEIGHTENED, 3, [[139, 255]])


def test_each_video_track_is_gathered_by_itself() -> None:
    gatherers = Gatherers(reference=True, held_frames=4)
    for stream, frame in ((1, STILL), (0, town(5, 0.04)[0])):
        gatherers.add(LumaFrame(stream, 0, frame, full_range=True))

    assert [one.stream for one in gatherers.reference_tracks()] == [0, 1]
    clip = gatherers.clip_tracks([Look.AS_IS, Look.MIRRORED])
    assert [(one.stream, one.look) for one in clip] == [
        (0, Look.AS_IS),
        (0, Look.MIRRORED),
        (1, Look.AS_IS),
        (1, Look.MIRRORED),
    ]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(np.full((360, 480), 90, np.uint8), id="plain"),
        pytest.param(STILL[:8], id="a strip without room for a patch"),
        pytest.param(STILL[:1, :1], id="one pixel"),
    ],
)
def test_a_frame_without_corners_has_no_patches(frame: Frame) -> None:
    gatherers = Gatherers(reference=True, held_frames=4)
    gatherers.add(LumaFrame(0, 0, frame, full_range=True))

    assert gatherers.reference_tracks() == ()
    assert gatherers.clip_tracks(list(Look)) == ()


def test_corners_come_from_all_over_the_frame() -> None:
    """Also where a caption's letters are the strongest corners of the picture."""
    frame = (STILL // 4 + 96).astype(np.uint8)
    frame[300:] = town(6, 0.04)[0][300:]
    follower = Follower(0, 200, (Look.AS_IS,))

    follower.add(keypoints.shrunk(frame), 0)

    rows = follower.track(Look.AS_IS).places[:, 1] * (360 / 191)
    assert (rows < 300).mean() > 0.6
