"""What an edit is: a name, and for each severity a recipe from footage to footage and encoding."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np

from benchmarks.attacks.footage import Footage


class Severity(StrEnum):
    """How far an edit goes."""

    MILD = "mild"
    MEDIUM = "medium"
    SEVERE = "severe"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a copy is written. ``options`` go to the encoder; ``bit_rate`` 0 leaves it to them."""

    codec: str = "libx264"
    suffix: str = ".mp4"
    pixel_format: str = "yuv420p"
    bit_rate: int = 0
    options: Mapping[str, str] = field(default_factory=lambda: {"preset": "ultrafast", "crf": "23"})


# x264's macroblock tree gives other bits on other runs (15 encodes of one clip gave 3 files).
_SAME_EVERY_TIME: Final = {"x264-params": "mbtree=0"}
PLAIN: Final = Encoding()  # where the codec is not the point: quick, and good


def x264(crf: int) -> Encoding:
    """H.264 at this constant rate factor."""
    return Encoding(options={"preset": "veryfast", "crf": str(crf), **_SAME_EVERY_TIME})


def x264_rate(bit_rate: int) -> Encoding:
    """H.264 at this average bit rate."""
    return Encoding(bit_rate=bit_rate, options={"preset": "veryfast", **_SAME_EVERY_TIME})


@dataclass(frozen=True, slots=True)
class Material:
    """What an edit may use beside the footage.

    ``random`` is seeded by source, edit and severity; ``other`` is a minute of footage that is on
    no list, small and at 15 frames a second; ``known`` are seconds of other listed footage.
    """

    random: np.random.Generator
    other: Footage
    known: tuple[Footage, ...]


Apply = Callable[[Footage, Material], Footage]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One severity of an edit. ``label`` is its parameter as people read it."""

    label: str
    apply: Apply
    encoding: Encoding = PLAIN


@dataclass(frozen=True, slots=True)
class Edit:
    """A named edit of the suite; its first letter is its family's, as in the suite's table."""

    name: str
    recipes: Mapping[Severity, Recipe]

    @property
    def key(self) -> str:
        """The short name: "e3" of "e3 letterbox"."""
        return self.name.split()[0]

    @property
    def family(self) -> str:
        """A to J."""
        return self.name[0].upper()


def graded(name: str, mild: Recipe, medium: Recipe, severe: Recipe) -> Edit:
    """An edit in three severities."""
    order = (Severity.MILD, Severity.MEDIUM, Severity.SEVERE)
    return Edit(name, dict(zip(order, (mild, medium, severe), strict=True)))


def single(name: str, recipe: Recipe) -> Edit:
    """An edit that has one form only; it counts as medium."""
    return Edit(name, {Severity.MEDIUM: recipe})


def same(footage: Footage, material: Material) -> Footage:
    """No edit of the pictures: the encoding is the point."""
    del material
    return footage
