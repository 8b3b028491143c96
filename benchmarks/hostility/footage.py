"""The listed footage that hostile copies are made from: short, small, and kept between runs."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks import sources
from benchmarks.procedural import scene

FPS: Final = 25
SECONDS: Final = 5
WIDTH, HEIGHT = 320, 180
_CACHE: Final = Path(__file__).resolve().parents[2] / ".bench" / "hostility"
_LOUD: Final = 9.0  # mean step of luma from one second to the next: not a slide, not a black start

Pictures = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Clip:
    """Footage as it is listed. ``pictures``: BGR, uint8, (frames, height, width, 3)."""

    name: str
    pictures: Pictures

    @property
    def rate(self) -> Fraction:
        """Frames a second."""
        return Fraction(FPS)

    @property
    def luma(self) -> NDArray[np.uint8]:
        """uint8, (frames, height, width)."""
        return np.stack([cv2.cvtColor(one, cv2.COLOR_BGR2GRAY) for one in self.pictures]).astype(
            np.uint8
        )


def listed(count: int) -> list[Clip]:
    """So many clips of different footage: real ones where they are, else procedural."""
    chosen = [source for source in sources.load().listed if source.kind == sources.REAL]
    clips: list[Clip] = []
    for source in chosen:
        if len(clips) == count:
            break
        pictures = _kept(source)
        if pictures is not None:
            clips.append(Clip(source.name, pictures))
    return clips


def procedural(
    seed: int, seconds: float = SECONDS, width: int = WIDTH, height: int = HEIGHT
) -> Clip:
    """A made-up scene, the same for the same arguments."""
    frames = [
        cv2.cvtColor(
            cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_GRAY2BGR
        )
        for luma in islice(scene(seed, 3 * round(seconds * FPS)), 0, None, 3)
    ]
    return Clip(f"scene-{seed}", np.stack(frames).astype(np.uint8))


def decoy(clip: Clip, grey: int = 0) -> Pictures:
    """As many frames of nothing."""
    return np.full_like(clip.pictures, grey)


def resized(pictures: Pictures, width: int, height: int) -> Pictures:
    """The pictures at another size."""
    return np.stack([cv2.resize(one, (width, height)) for one in pictures]).astype(np.uint8)


def _kept(source: sources.Source) -> Pictures | None:
    """The footage's pictures, or None where too little moves in it to be told apart."""
    path = _CACHE / f"{source.name}-{WIDTH}x{HEIGHT}-{SECONDS}s.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, _made(source))
        partial.replace(path)
    pictures: Pictures = np.load(path)
    seconds = pictures[::FPS].astype(np.int16)
    steps = np.abs(np.diff(seconds, axis=0)).mean(axis=(1, 2, 3))
    return pictures if len(pictures) == SECONDS * FPS and steps.min() >= _LOUD else None


def _made(source: sources.Source) -> Pictures:
    footage = sources.read(source, longest_px=2 * WIDTH, most_s=SECONDS + 2.0).at_rate(float(FPS))
    count = min(len(footage), SECONDS * FPS)
    return np.stack(
        [
            cv2.resize(footage.shown(number), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
            for number in range(count)
        ]
    ).astype(np.uint8)
