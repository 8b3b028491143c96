"""Upright brightness of a decoded video frame, without colour conversion where that can be had."""

from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np
from av.sidedata.sidedata import SideData, SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from numpy.typing import NDArray

_FULL_RANGE: Final = 2  # AVCOL_RANGE_JPEG
_TOP_ALIGNED: Final = ("p010le", "p012le", "p016le", "p210le", "p212le", "p216le", "p410le")
_MOST_LOOKED_AT: Final = 4  # frames of a track whose side data is read


@dataclass(frozen=True, slots=True)
class Turn:
    """How a stored picture becomes upright: transposed first, then flipped."""

    transposed: bool = False
    upside_down: bool = False
    mirrored: bool = False

    @classmethod
    def counter_clockwise(cls, degrees: int) -> Self:
        """The nearest of the four rotations."""
        quarters = round(degrees / 90) % 4
        return cls(quarters % 2 == 1, quarters in (1, 2), quarters in (2, 3))

    @classmethod
    def by_matrix(cls, a: int, b: int, c: int, d: int) -> Self:
        """FFmpeg's libavutil/display.h: a pixel at x, y is shown at (a x + c y, b x + d y)."""
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(True, b < 0, c < 0)
        return cls(False, d < 0, a < 0)

    def applied(self, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The upright picture; the same array where nothing is to do."""
        if self == Turn():
            return luma
        luma = luma.T if self.transposed else luma
        rows, columns = -1 if self.upside_down else 1, -1 if self.mirrored else 1
        return np.ascontiguousarray(luma[::rows, ::columns])


class Upright:
    """Gives the luma of one track's frames as a viewer sees them.

    The display matrix is read once for each angle that PyAV tells, because the angle alone takes a
    mirrored picture for a half turn. It is not read for every frame: looking at a frame's side data
    ties the frame into a reference cycle, and memory grows by a frame a look until the collector
    runs. Nor at all after the decoders of ``named_side_data``, whose names PyAV 18.1 frees twice.
    """

    named_side_data: Final = frozenset({"png"})  # the name of an ICC profile, libavcodec/pngdec.c

    def __init__(self, decoder: str) -> None:
        self._looks = 0 if decoder in self.named_side_data else _MOST_LOOKED_AT
        self._turns: dict[int, Turn] = {}

    def luma(self, frame: VideoFrame) -> tuple[NDArray[np.uint8], bool]:
        """The upright luma, uint8 (height, width), and whether its range is full.

        8-bit planes are looked at in the decoder's memory where nothing has to be turned.
        """
        luma = _luma_plane(frame)
        full_range = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
        if luma is None:
            rgb = frame.to_ndarray(format="rgb24", threads=1).astype(np.uint8, copy=False)
            luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
            full_range = True
        return self._turn(frame).applied(luma), full_range

    def _turn(self, frame: VideoFrame) -> Turn:
        angle = frame.rotation
        if angle not in self._turns:
            turn = None
            if self._looks:
                self._looks -= 1
                turn = _by_side_data(frame)
            self._turns[angle] = turn or Turn.counter_clockwise(angle)
        return self._turns[angle]


def _by_side_data(frame: VideoFrame) -> Turn | None:
    """The display matrix's turn; None where there is none, or side data that PyAV cannot name."""
    try:
        attached: object = frame.side_data
    except ValueError:
        return None
    entries = attached if isinstance(attached, SideDataContainer) else {}
    entry: SideData | None = entries.get(SideDataType.DISPLAYMATRIX)
    if entry is None or entry.buffer_size != 9 * 4:
        return None
    a, b, _, c, d = np.frombuffer(memoryview(entry), "<i4", count=5).tolist()
    return Turn.by_matrix(a, b, c, d)


def _luma_plane(frame: VideoFrame) -> NDArray[np.uint8] | None:
    """The first plane as 8-bit luma; None for RGB, palettes, packed and other odd formats."""
    shape = frame.format
    if shape.is_rgb or shape.has_palette or shape.is_bit_stream or shape.is_big_endian:
        return None
    if not (shape.is_planar or shape.name.startswith("gray")):
        return None
    plane, depth = frame.planes[0], shape.components[0].bits
    sample_bytes = 1 if depth == 8 else 2
    if not 8 <= depth <= 16 or plane.line_size < frame.width * sample_bytes:
        return None
    stored = np.frombuffer(memoryview(plane), np.uint8)[: plane.line_size * frame.height]
    rows = stored.reshape(frame.height, plane.line_size)
    lines: NDArray[np.uint8] = rows[:, : frame.width * sample_bytes]
    if depth == 8:
        return lines
    shift = 8 if shape.name in _TOP_ALIGNED else depth - 8
    samples = lines.copy().view(np.dtype("<u2")) >> shift
    luma: NDArray[np.uint8] = np.minimum(samples, 255).astype(np.uint8)
    return luma
