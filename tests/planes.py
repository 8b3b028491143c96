"""Pictures for tests: brightness planes of several characters, uint8 (height, width)."""

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray


class Maker(Protocol):
    """Makes a picture of this size, another one for each seed."""

    def __call__(self, seed: int, height: int = 64, width: int = 64) -> NDArray[np.uint8]:
        """uint8 (height, width)."""
        ...


def noise(seed: int, height: int = 64, width: int = 64) -> NDArray[np.uint8]:
    """Every pixel at random."""
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def smooth(seed: int, height: int = 64, width: int = 64) -> NDArray[np.uint8]:
    """A few soft blobs."""
    resized = cv2.resize(noise(seed, 5, 7), (width, height), interpolation=cv2.INTER_CUBIC)
    return resized.astype(np.uint8, copy=False)


def natural(seed: int, height: int = 64, width: int = 64) -> NDArray[np.uint8]:
    """Noise with the spectrum of photographs: amplitude falls as frequency to the 1.2."""
    spectrum = np.fft.fft2(np.random.default_rng(seed).standard_normal((height, width)))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    frequency[0, 0] = 1.0
    picture = np.fft.ifft2(spectrum / frequency**1.2).real
    scaled: NDArray[np.float64] = (picture - picture.min()) / np.ptp(picture) * 255
    return scaled.astype(np.uint8)


def flat(level: int) -> NDArray[np.uint8]:
    """One brightness."""
    return np.full((64, 64), level % 256, np.uint8)


def stripes(width_px: int) -> NDArray[np.uint8]:
    """Upright stripes: all coefficients but one row are 0 on paper."""
    return np.tile(((np.arange(64) // (3 + width_px % 9)) % 2 * 200).astype(np.uint8), (64, 1))


def ramp(step: int) -> NDArray[np.uint8]:
    """Brightness rises from top to bottom."""
    return np.repeat((np.arange(64) * (1 + step % 4) % 256).astype(np.uint8)[:, None], 64, axis=1)


def checked(seed: int, height: int = 64, width: int = 64) -> NDArray[np.uint8]:
    """Integer arithmetic alone, so that no version of any library changes it: golden vectors."""
    row, column = np.arange(height)[:, None], np.arange(width)[None, :]
    mixed = (row * row * (3 + seed) + column * (7 + 2 * seed) + row * column * (1 + seed)) >> 3
    blocks = ((row // (5 + seed) + column // (9 - seed)) % 5) * 31
    return ((mixed % 97) + blocks).astype(np.uint8)
