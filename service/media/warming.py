"""Warming a zygote: whatever a decoder loads or computes once is there before any child is forked.

A child cannot load anything: what is missing here fails there.
"""

import base64
import json
from importlib import resources

import cv2
from PIL import AvifImagePlugin

from hashing.extract import CLIP, extract


def warm() -> None:
    """Decode a tiny sample of each kind of media that loads something of its own, in one thread."""
    cv2.setNumThreads(1)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a child gets no thread, and libavif fails without
    for media in samples().values():
        extract(media, CLIP)


def samples() -> dict[str, bytes]:
    """Tiny pictures and videos of noise, by name; ``tests/samples.py`` makes them."""
    text = (resources.files("service.media") / "samples.json").read_text(encoding="ascii")
    return {name: base64.b64decode(coded) for name, coded in json.loads(text).items()}
