"""Family P, beyond: small insets, short crops, stylised pictures; to see where the method ends."""

import cv2
import numpy as np

from benchmarks.attacks.company import framed_inset
from benchmarks.attacks.drawing import u8
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded
from benchmarks.attacks.footage import Footage, Frame
from benchmarks.attacks.framing import off_centre
from benchmarks.attacks.timing import length


def _short_crop(seconds: float) -> Apply:
    """So long a part, and 65 % of each side of it."""

    def edit(footage: Footage, material: Material) -> Footage:
        return off_centre(0.65)(length(seconds)(footage, material), material)

    return edit


def _drawn(footage: Footage, material: Material) -> Footage:
    """As a cartoon: even areas in a few colours, dark outlines."""
    del material

    def drawn(frame: Frame, _: int) -> Frame:
        even_areas = cv2.bilateralFilter(cv2.bilateralFilter(frame, 9, 60, 9), 9, 60, 9)
        colours = np.round(even_areas.astype(np.float32) / 42) * 42
        grey = cv2.medianBlur(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), 5)
        lines = cv2.adaptiveThreshold(
            grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, 4
        )
        return u8(colours * (lines[:, :, None] > 0))

    return footage.each(drawn)


def _sketched(footage: Footage, material: Material) -> Footage:
    """As a pencil sketch: the picture over its own blur."""
    del material

    def sketched(frame: Frame, _: int) -> Frame:
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        paper = cv2.divide(grey, cv2.GaussianBlur(grey, (0, 0), 6), scale=235)
        return u8(cv2.cvtColor(paper, cv2.COLOR_GRAY2BGR))

    return footage.each(sketched)


def _painted(footage: Footage, material: Material) -> Footage:
    """As an old game: 120 pixels across in sixteen colours."""
    del material

    def painted(frame: Frame, _: int) -> Frame:
        rows = max(1, 120 * frame.shape[0] // frame.shape[1])
        small = cv2.resize(frame, (120, rows), interpolation=cv2.INTER_AREA)
        blocks = np.round(small.astype(np.float32) / 85) * 85
        size = frame.shape[1], frame.shape[0]
        return u8(cv2.resize(u8(blocks), size, interpolation=cv2.INTER_NEAREST))

    return footage.each(painted)


EDITS: tuple[Edit, ...] = (
    graded("p1 small inset", *(Recipe(f"{a:.0%}", framed_inset(a)) for a in (0.10, 0.07, 0.04))),
    graded("p2 short crop", *(Recipe(f"65 %, {s} s", _short_crop(s)) for s in (2, 1, 0.5))),
    graded(
        "p3 stylised",
        Recipe("pencil", _sketched),
        Recipe("cartoon", _drawn),
        Recipe("old game", _painted),
    ),
)
