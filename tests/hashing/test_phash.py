"""pHash against imagehash, the oracle; its variants against hashing the changed picture."""

import json
from collections.abc import Callable
from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from hashing import bits, phash
from tests import planes

Picture = Callable[[int], NDArray[np.uint8]]
Planes = NDArray[np.uint8]
Dct = NDArray[np.float64]

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "phash.json").read_text())
TIE_BITS = 2  # DESIGN.md, decision 1
PICTURES = [
    pytest.param(planes.noise, id="noise"),
    pytest.param(planes.smooth, id="smooth"),
    pytest.param(planes.natural, id="natural"),
    pytest.param(planes.flat, id="flat"),
    pytest.param(planes.stripes, id="stripes"),
    pytest.param(planes.ramp, id="ramp"),
]
VARIANTS = [
    pytest.param(phash.mirrored, lambda plane: plane[:, ::-1], id="mirrored"),
    pytest.param(phash.upside_down, lambda plane: plane[::-1], id="upside down"),
    pytest.param(phash.transposed, lambda plane: plane.T, id="transposed"),
    pytest.param(phash.negative, lambda plane: 255 - plane, id="negative"),
    *(
        pytest.param(
            lambda dct, turns=turns: phash.turned(dct, turns),
            lambda plane, turns=turns: np.rot90(plane, turns),
            id=f"turned {turns}",
        )
        for turns in (-1, 0, 1, 2, 3, 4)
    ),
]


def oracle(plane: Planes) -> NDArray[np.uint8]:
    """imagehash's hash, uint8 (32,), of a plane: uint8 (64, 64)."""
    return bits.from_hex(str(imagehash.phash(Image.fromarray(plane), hash_size=16)))


@pytest.mark.parametrize("picture", PICTURES)
def test_a_batch_is_imagehash_one_by_one(picture: Picture) -> None:
    batch = np.array([picture(seed) for seed in range(40)])
    hashed = phash.hashes(phash.coefficients(batch))
    expected = np.array([oracle(plane) for plane in batch])

    assert bits.distances(hashed, expected).max() <= TIE_BITS


@given(arrays.arrays(np.uint8, (64, 64), elements=st.integers(0, 255)))
def test_any_plane_is_near_imagehash(plane: Planes) -> None:
    """Hypothesis likes nearly flat planes with a few pixels set: where ties are."""
    hashed = phash.hashes(phash.coefficients(plane[None]))

    assert bits.distances(hashed, oracle(plane)[None])[0] <= TIE_BITS


@pytest.mark.parametrize("vector", GOLDEN, ids=lambda vector: f"seed {vector['seed']}")
def test_the_hash_is_what_it_always_was(vector: dict[str, str | int]) -> None:
    plane = planes.checked(int(vector["seed"]))
    hashed = phash.hashes(phash.coefficients(plane[None]))[0]

    assert bits.to_hex(hashed) == vector["phash"]


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize(("vary", "change"), VARIANTS)
def test_variants_are_the_hashes_of_the_changed_picture(
    picture: Picture, vary: Callable[[Dct], Dct], change: Callable[[Planes], Planes]
) -> None:
    batch = np.array([picture(seed) for seed in range(12)])
    changed = np.array([change(plane) for plane in batch])
    expected = phash.hashes(phash.coefficients(changed))

    assert bits.distances(phash.hashes(vary(phash.coefficients(batch))), expected).max() <= TIE_BITS


def test_variants_are_unlike_the_picture_and_each_other() -> None:
    """Or the tests above would pass for variants that change nothing."""
    dct = phash.coefficients(planes.natural(3)[None])
    turned = [phash.turned(dct, turns) for turns in range(4)]
    varied = [*turned, *map(phash.mirrored, turned)]
    varied += [phash.negative(one) for one in varied]
    hashed = np.concatenate([phash.hashes(one) for one in varied])
    distances = bits.distance_matrix(hashed, hashed)

    assert distances[~np.eye(16, dtype=np.bool_)].min() > 72


def test_varying_leaves_the_original_alone() -> None:
    dct = phash.coefficients(planes.natural(3)[None])
    before = dct.copy()
    for vary in (phash.mirrored, phash.upside_down, phash.transposed, phash.negative):
        vary(dct)

    assert (dct == before).all()


def test_nothing_hashes_to_nothing() -> None:
    assert phash.hashes(phash.coefficients(np.zeros((0, 64, 64), np.uint8))).shape == (0, 32)


@pytest.mark.parametrize("height", [1, 63, 64, 65, 480])
@pytest.mark.parametrize("width", [1, 64, 854])
def test_shrinking_averages_areas(height: int, width: int) -> None:
    """Whole blocks of equal pixels keep their brightness; a flat picture of any size is flat."""
    plane = phash.shrink(np.full((height, width), 137, np.uint8))

    assert plane.dtype == np.uint8
    assert plane.shape == (64, 64)
    assert (plane == 137).all()


def test_shrinking_takes_the_mean_of_each_block() -> None:
    luma = planes.noise(5, 64 * 3, 64 * 4)
    means = luma.reshape(64, 3, 64, 4).mean(axis=(1, 3))

    assert np.abs(phash.shrink(luma) - means).max() <= 0.51


@pytest.mark.parametrize("percent", [3, 6, 9, 12])
def test_a_cropped_picture_is_near_when_seen_as_uncropped(percent: int) -> None:
    """Crops of a large picture: seen so they come nearer than as they are, each at its own size."""
    whole = [planes.natural(seed, 400, 400) for seed in range(20)]
    edge = 4 * percent
    cropped = np.stack([phash.shrink(one[edge:-edge, edge:-edge]) for one in whole])
    reference = phash.hashes(phash.coefficients(np.stack([phash.shrink(one) for one in whole])))

    as_is = bits.distances(reference, phash.hashes(phash.coefficients(cropped)))
    wider = phash.uncropped_coefficients(cropped, percent)
    seen = bits.distances(reference, phash.hashes(wider))

    assert np.median(seen) < np.median(as_is) / 1.5
    assert np.median(seen) < 64
