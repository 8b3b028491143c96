"""Agreement: copies change together, other takes of one scene do not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hashing import agreement
from tests.tracks import footage, noisy

FOOTAGE = footage(1, 10_000).hashes[::6]


def takes(seed: int, pictures: int = 30) -> NDArray[np.uint8]:
    """One still scene: the same few bits flip all the time, each take in its own order."""
    scene = np.unpackbits(footage(7, 40).hashes[:1], axis=1)
    shown = np.repeat(scene, pictures, axis=0)
    random = np.random.default_rng(seed)
    shown[:, 100:140] ^= random.integers(0, 2, (pictures, 40), dtype=np.uint8)
    return np.packbits(shown, axis=1)


def logo(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same 60 bits turned over in every frame, as a logo or a filter does."""
    turned = np.unpackbits(hashes, axis=1)
    turned[:, 20:80] ^= 1
    return np.packbits(turned, axis=1)


def test_a_sequence_agrees_with_itself() -> None:
    assert agreement.of(FOOTAGE, FOOTAGE) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("copy", "least"),
    [
        pytest.param(noisy(FOOTAGE, 2, 10, 10), 0.8, id="re-encoded"),
        pytest.param(noisy(FOOTAGE, 2, 40, 40), 0.5, id="hard"),
        pytest.param(logo(FOOTAGE), 0.7, id="a logo"),
    ],
)
def test_copies_agree(copy: NDArray[np.uint8], least: float) -> None:
    assert agreement.of(copy, FOOTAGE) >= least


@pytest.mark.parametrize("seed", range(5))
def test_other_takes_of_one_scene_do_not(seed: int) -> None:
    assert agreement.of(takes(seed), takes(seed + 100)) < 0.15


def test_unrelated_footage_does_not() -> None:
    assert agreement.of(FOOTAGE, footage(2, 10_000).hashes[::6]) < 0.15


@pytest.mark.parametrize("pictures", [0, 1])
def test_a_single_picture_says_nothing(pictures: int) -> None:
    assert agreement.of(FOOTAGE[:pictures], FOOTAGE[:pictures]) == 0.0


def test_pictures_that_never_change_say_nothing() -> None:
    still = np.repeat(FOOTAGE[:1], 10, axis=0)

    assert agreement.of(still, still) == 0.0


def test_long_sequences_are_compared_in_part() -> None:
    long = footage(3, 40_000).hashes

    assert len(long) > agreement._COMPARED
    assert agreement.of(long, long) == pytest.approx(1.0)
