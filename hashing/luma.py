"""Upright brightness of a decoded video frame, without colour conversion where that can be had."""

from typing import Final

import cv2
import numpy as np
from av.sidedata.sidedata import SideData, SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from numpy.typing import NDArray

_FULL_RANGE: Final = 2  # AVCOL_RANGE_JPEG
_TOP_ALIGNED: Final = ("p010le", "p012le", "p016le", "p210le", "p212le", "p216le", "p410le")


def upright(frame: VideoFrame) -> tuple[NDArray[np.uint8], bool]:
    """The luma as a viewer sees it, uint8 (height, width), and whether its range is full.

    The container's display matrix is applied. 8-bit planes are looked at in the decoder's memory.
    """
    luma = _luma_plane(frame)
    if luma is None:
        rgb = frame.to_ndarray(format="rgb24", threads=1).astype(np.uint8, copy=False)
        luma, full_range = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False), True
    else:
        full_range = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
    return _turned(luma, frame), full_range


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
    return np.minimum(samples, 255).astype(np.uint8)


def _turned(luma: NDArray[np.uint8], frame: VideoFrame) -> NDArray[np.uint8]:
    """``luma`` by the display matrix: FFmpeg libavutil/display.h, x' = a x + c y, y' = b x + d y.

    The whole matrix is read, not only its angle: a mirrored one has the angle of a half turn.
    """
    attached: object = frame.side_data
    if not isinstance(attached, SideDataContainer):
        return luma
    entry: SideData | None = attached.get(SideDataType.DISPLAYMATRIX)
    if entry is None or entry.buffer_size != 9 * 4:
        return luma
    a, b, _, c, d = np.frombuffer(memoryview(entry), "<i4", count=5).tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        luma, a, d = luma.T, c, b
    luma = luma[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    return np.ascontiguousarray(luma)
