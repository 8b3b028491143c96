"""The views that follow from hashes alone, against hashing the picture that was really turned."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hashing import bits, pdq, phash, turns
from hashing.fingerprint import PDQ, PHASH, Track
from hashing.views import View
from tests import planes
from tests.tracks import track

PLANES = np.stack([planes.natural(seed) for seed in range(40)])


def hashed(pictures: NDArray[np.uint8], algorithm: object) -> NDArray[np.uint8]:
    if algorithm == PHASH:
        return phash.hashes(phash.coefficients(pictures))
    return pdq.hashes(pdq.coefficients(pictures.astype(np.float32)))


def seen(pictures: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """The pictures mirrored, turned counter-clockwise and inverted as the view says."""
    shown = pictures[:, :, ::-1] if view.mirrored else pictures
    shown = np.rot90(shown, view.turned_deg // 90, axes=(1, 2))
    return np.ascontiguousarray(255 - shown if view.negative else shown)


def base(algorithm: object, *, mirrored: bool) -> Track:
    view = View(mirrored=mirrored)
    hashes = hashed(seen(PLANES, view), algorithm)
    made = track(np.arange(len(hashes)) * 250, hashes)
    return replace(made, algorithm=PHASH if algorithm == PHASH else PDQ, view=view)


@pytest.mark.parametrize("algorithm", [PHASH, PDQ], ids=lambda one: one.name)
@pytest.mark.parametrize("mirrored", [False, True])
def test_each_view_is_about_that_of_the_turned_picture(algorithm: object, mirrored: bool) -> None:
    for view in turns.of(base(algorithm, mirrored=mirrored)):
        really = hashed(seen(PLANES, view.view), algorithm)

        assert np.median(bits.distances(view.hashes, really)) <= 12, str(view.view)


@pytest.mark.parametrize("algorithm", [PHASH, PDQ], ids=lambda one: one.name)
def test_a_mirrored_view_is_about_that_of_the_mirrored_picture(algorithm: object) -> None:
    view = turns.mirrored(base(algorithm, mirrored=False))
    really = hashed(seen(PLANES, view.view), algorithm)

    assert view.view == View(mirrored=True)
    assert np.median(bits.distances(view.hashes, really)) <= 12


@pytest.mark.parametrize("algorithm", [PHASH, PDQ], ids=lambda one: one.name)
def test_a_track_and_its_mirrored_one_give_all_sixteen_views(algorithm: object) -> None:
    plain, mirrored = base(algorithm, mirrored=False), base(algorithm, mirrored=True)

    views = {one.view for one in (plain, mirrored, *turns.of(plain), *turns.of(mirrored))}

    assert len(views) == 16
    assert len(list(turns.of(plain))) == 7
