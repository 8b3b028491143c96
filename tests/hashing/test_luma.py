"""Brightness of every pixel format."""

import numpy as np
import pytest
from av.video.frame import VideoFrame

from hashing.luma import Upright
from tests import clips

SCENE = clips.moving_scene(1)


PIXELS = """gray nv12 yuv420p yuv422p10le gray16le p010le p016le yuyv422 uyvy422 gbrp bgra rgb48le
gray16be yuv420p10be grayf32le"""


@pytest.mark.parametrize("pixels", PIXELS.split())
def test_reads_the_brightness_of_every_pixel_format(pixels: str) -> None:
    grey = VideoFrame.from_ndarray(SCENE[0][:, :157].copy(), format="gray")
    frame = grey.reformat(format="yuv444p", threads=1).reformat(format=pixels, threads=1)
    if pixels.startswith("gray"):
        frame.color_range = 2  # as the decoders of JPEG and PNG say

    luma, full_range = Upright("h264").luma(frame)

    shown = luma.astype(float) if full_range else (luma.astype(float) - 16) * 255 / 219
    assert np.abs(shown - SCENE[0][:, :157]).mean() < 3
