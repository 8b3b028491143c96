"""Makes service/media/samples.json: ``python -m tests.samples``."""

import base64
import json
from io import BytesIO
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from PIL import Image

PLACE = Path(__file__).parents[1] / "service" / "media" / "samples.json"
SIDE_PX = 32
PICTURES = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")  # hashing.stills
VIDEOS = {"h264": ("mp4", "libx264", "yuv420p"), "rgb": ("mov", "png", "rgb24")}


def made() -> dict[str, bytes]:
    """Smooth noise, as a picture of each format and as videos of planar and of packed pixels."""
    random = np.random.default_rng(1)
    small = random.integers(0, 256, (4, 4, 3), np.uint8)
    scene = cv2.resize(small, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    image, exif = Image.fromarray(scene), Image.Exif()
    exif[0x0112] = 6  # turned: reading that loads Pillow's reader of tags
    files = {}
    for name in PICTURES:
        written = BytesIO()
        image.save(written, name, exif=exif, quality=50)
        files[name] = written.getvalue()
    for name, (container, codec, pixels) in VIDEOS.items():
        written = BytesIO()
        with av.open(written, "w", format=container) as output:
            stream = output.add_stream(codec, rate=5)
            assert isinstance(stream, VideoStream)
            stream.width = stream.height = SIDE_PX
            stream.pix_fmt = pixels
            for shift in range(3):
                frame = av.VideoFrame.from_ndarray(np.roll(scene, 8 * shift, 0), format="rgb24")
                output.mux(stream.encode(frame))
            output.mux(stream.encode())
        files[name] = written.getvalue()
    return files


if __name__ == "__main__":
    coded = {name: base64.b64encode(data).decode() for name, data in made().items()}
    PLACE.write_text(json.dumps(coded, indent=1) + "\n", encoding="ascii")
