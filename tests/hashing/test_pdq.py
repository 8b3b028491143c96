"""PDQ against a slow re-implementation of the reference, in plain Python loops.

After facebook/ThreatExchange ``pdq/cpp/downscaling/downscaling.cpp`` and
``pdq/cpp/hashing/pdqhashing.cpp``; ``benchmarks/pdq.py`` compares with its published hashes.
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hashing import bits, pdq
from tests import planes

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "pdq.json").read_text())
TIE_BITS = 2  # float32 sums differ in their last digit, which decides between equals
SIZES = [
    pytest.param(64, 64, id="as large as the plane"),
    pytest.param(90, 160, id="small and wide"),
    pytest.param(161, 91, id="odd and upright"),
    pytest.param(256, 200, id="windows of two and more"),
    pytest.param(129, 383, id="just over a window"),
    pytest.param(40, 50, id="smaller than the plane"),
    pytest.param(5, 7, id="as small as the reference takes"),
]


def boxed(values: list[float], window: int) -> list[float]:
    """``box1DFloat``: a running mean over ``window`` values, fewer at the ends."""
    half = (window + 2) // 2
    total, size, left, right, out = 0.0, 0, 0, 0, []
    for _ in range(half - 1):
        total, size, right = total + values[right], size + 1, right + 1
    for _ in range(window - half + 1):
        total, size, right = total + values[right], size + 1, right + 1
        out.append(total / size)
    for _ in range(len(values) - window):
        total += values[right] - values[left]
        left, right = left + 1, right + 1
        out.append(total / size)
    for _ in range(half - 1):
        total, size, left = total - values[left], size - 1, left + 1
        out.append(total / size)
    return out


def slow_plane(luma: NDArray[np.uint8]) -> list[list[float]]:
    """``jaroszFilterFloat`` with two passes, then ``decimateFloat``."""
    rows = [[float(value) for value in row] for row in luma]
    height, width = luma.shape
    for _ in range(2):
        rows = [boxed(row, (width + 127) // 128) for row in rows]
        columns = [boxed(list(column), (height + 127) // 128) for column in zip(*rows, strict=True)]
        rows = [list(row) for row in zip(*columns, strict=True)]
    return [
        [rows[int((i + 0.5) * height / 64)][int((j + 0.5) * width / 64)] for j in range(64)]
        for i in range(64)
    ]


def slow_hash(plane: list[list[float]]) -> str:
    """``dct64To16`` and ``pdqBuffer16x16ToBits``; the text form starts with the highest bit."""
    matrix = np.array(
        [
            [math.sqrt(2 / 64) * math.cos(math.pi / 128 * (i + 1) * (2 * j + 1)) for j in range(64)]
            for i in range(16)
        ]
    )
    values = (matrix @ np.array(plane) @ matrix.T).ravel().tolist()
    lower_median = sorted(values)[127]
    number = sum(1 << place for place, value in enumerate(values) if value > lower_median)
    return f"{number:064x}"


def slow_quality(plane: list[list[float]]) -> int:
    """``pdqImageDomainQualityMetric``."""
    neighbours = [(i, j, i + 1, j) for i in range(63) for j in range(64)]
    neighbours += [(i, j, i, j + 1) for i in range(64) for j in range(63)]
    total = sum(abs(int((plane[i][j] - plane[k][m]) * 100 / 255)) for i, j, k, m in neighbours)
    return min(100, total // 90)


def fast(luma: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.uint8], int]:
    """Plane, hash and quality as recirc makes them."""
    plane = pdq.shrink(luma)
    hashed = pdq.hashes(pdq.coefficients(plane[None]))[0]
    return plane, hashed, int(pdq.qualities(plane[None])[0])


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_filter_and_decimation_are_the_references(height: int, width: int) -> None:
    luma = planes.noise(height, height, width)

    assert np.abs(pdq.shrink(luma) - np.array(slow_plane(luma))).max() < 1e-3


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("picture", [planes.noise, planes.natural, planes.smooth])
def test_hash_and_quality_are_the_references(
    height: int, width: int, picture: planes.Maker
) -> None:
    luma = picture(7, height, width)
    slow = slow_plane(luma)
    _, hashed, quality = fast(luma)

    assert bits.distances(hashed[None], bits.from_hex(slow_hash(slow))[None])[0] <= TIE_BITS
    assert abs(quality - slow_quality(slow)) <= 1


@pytest.mark.parametrize("vector", GOLDEN, ids=lambda vector: f"seed {vector['seed']}")
def test_the_hash_is_what_it_always_was(vector: dict[str, int | str]) -> None:
    """Vectors of the slow implementation above."""
    luma = planes.checked(int(vector["seed"]), int(vector["height"]), int(vector["width"]))
    _, hashed, quality = fast(luma)
    expected = bits.from_hex(str(vector["pdq"]))

    assert bits.distances(hashed[None], expected[None])[0] <= TIE_BITS
    assert quality == vector["quality"]


@pytest.mark.parametrize(
    ("height", "width", "most_bits"),
    [
        pytest.param(64, 64, 0, id="no decimation"),
        pytest.param(240, 320, 0, id="windows and blocks of odd width"),
        pytest.param(480, 854, 4, id="480p"),
        pytest.param(360, 640, 16, id="360p"),
        pytest.param(90, 160, 40, id="thumbnail"),
    ],
)
def test_mirrored_is_the_hash_of_the_mirrored_picture(
    height: int, width: int, most_bits: int
) -> None:
    """Up to half a pixel: windows and blocks of even width have no pixel in the middle.

    The reference takes one beside it, the other one in a mirrored picture; the smaller the picture
    the more it shows.
    """
    luma = planes.natural(3, height, width)
    dct = pdq.coefficients(pdq.shrink(luma)[None])
    expected = pdq.hashes(pdq.coefficients(pdq.shrink(luma[:, ::-1])[None]))

    assert bits.distances(pdq.hashes(pdq.mirrored(dct)), expected)[0] <= most_bits
    assert bits.distances(pdq.hashes(dct), expected)[0] > 72


@pytest.mark.parametrize(
    ("picture", "quality"),
    [
        pytest.param(planes.flat(0), 0, id="black"),
        pytest.param(planes.flat(255), 0, id="white"),
        pytest.param(planes.noise(1), 100, id="noise is capped"),
        pytest.param(np.tile(np.arange(64, dtype=np.uint8) * 2, (64, 1)), 0, id="steps below 1 %"),
        pytest.param(np.tile(np.arange(64, dtype=np.uint8) * 3, (64, 1)), 44, id="steps over 1 %"),
    ],
)
def test_quality_counts_steps_of_a_whole_percent(picture: NDArray[np.uint8], quality: int) -> None:
    assert pdq.qualities(picture[None]).tolist() == [quality]
    assert slow_quality(picture.astype(np.float64).tolist()) == quality


def test_a_batch_is_its_planes_one_by_one() -> None:
    batch = np.array([planes.natural(seed) for seed in range(5)])
    hashed = pdq.hashes(pdq.coefficients(batch.astype(np.float32)))

    for plane, row, quality in zip(batch, hashed, pdq.qualities(batch), strict=True):
        _, alone, alone_quality = fast(plane)
        assert row.tolist() == alone.tolist()
        assert quality == alone_quality


def test_nothing_hashes_to_nothing() -> None:
    nothing = np.zeros((0, 64, 64), np.float32)

    assert pdq.hashes(pdq.coefficients(nothing)).shape == (0, 32)
    assert pdq.qualities(nothing).shape == (0,)


def test_a_picture_of_one_pixel_has_no_quality() -> None:
    assert fast(np.full((1, 1), 99, np.uint8))[2] == 0
