"""Still pictures and picture animations, read by Pillow with one named format at a time.

Pillow alone guesses among more than forty formats, some of which start other programs; here the
first bytes name the only one that is tried.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import SEEK_END
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFile, ImageOps

from hashing.clock import Sampler
from hashing.coverage import Coverage, Problem
from hashing.errors import UnreadableMedia
from hashing.fingerprint import Kind
from hashing.media import (
    LOOKED_AHEAD_FRAMES,
    LOOKED_AHEAD_STRIDE,
    Budget,
    Limits,
    LumaFrame,
)

_ANIMATED: Final = ("GIF", "PNG", "WEBP", "AVIF")  # a JPEG's further pictures are previews
_AVIF_BRANDS: Final = (b"avif", b"avis")
_UNHURRIED_MS: Final = 100  # browsers show a frame with a duration of 10 ms or less for 100
_SHORTEST_MS: Final = 10
_LONGEST_MS: Final = 120_000  # a longer claim is noise
_BOMBS: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_FOREIGN_ERRORS: Final = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,  # with Pillow's UnidentifiedImageError
    RuntimeError,
    SyntaxError,  # Pillow's word for a damaged PNG
    TypeError,  # likewise for some damaged tags
    ValueError,
)


def picture_format(head: bytes) -> str | None:
    """Pillow's name of the picture format that begins so; None for anything else."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp" and head[8:12] in _AVIF_BRANDS:
        return "AVIF"
    return None


class Stills:
    """A still picture, or an animation of a picture format; see ``hashing.media.Media``."""

    def __init__(self, stream: BinaryIO, format_name: str, limits: Limits) -> None:
        """Raises UnreadableMedia where Pillow cannot read even the head."""
        self._stream = stream
        self._format = format_name
        self._limits = limits
        self._still: NDArray[np.uint8] | None = None
        self._still_tally: _Tally | None = None
        self._coverage = Coverage(0, 0, 0, 0, 0, ())
        self._animated, self._too_large = False, True
        self._too_long = stream.seek(0, SEEK_END) > limits.picture_bytes
        if self._too_long:
            return
        try:
            with _open(stream, format_name) as image:
                self._animated = format_name in _ANIMATED and _frames_follow(image)
                limit = limits.frame_pixels if self._animated else limits.still_pixels
                self._too_large = image.width * image.height > limit
        except _BOMBS:
            return  # refused by Pillow for its size
        except _FOREIGN_ERRORS as error:
            raise UnreadableMedia(f"this {format_name} is damaged; copy it again") from error

    @property
    def kind(self) -> Kind:
        """Several frames are a video, whatever the format calls itself."""
        return Kind.VIDEO if self._animated else Kind.IMAGE

    def key_frames(self) -> Iterator[LumaFrame]:
        """None: each frame of an animation builds on the one before."""
        return iter(())

    def ending(self, interval_ms: int) -> Iterator[LumaFrame]:
        """None: there is no last key frame."""
        del interval_ms
        return iter(())

    def first_frames(self) -> Iterator[LumaFrame]:
        """The picture; of an animation the first frames, one in eight of the later ones."""
        for number, frame in enumerate(self._decoded(self._budget(), _Tally()), 1):
            if number <= LOOKED_AHEAD_STRIDE or number % LOOKED_AHEAD_STRIDE == 0:
                yield frame
            if number >= LOOKED_AHEAD_FRAMES:
                return

    def frames(
        self, interval_ms: int, *, economical: bool, dense_ms: int = 0
    ) -> Iterator[LumaFrame]:
        """See ``Media.frames``; there is nothing to economise on."""
        budget, tally = self._budget(), _Tally()
        sampler = Sampler(interval_ms, dense_ms=dense_ms)
        for frame in self._decoded(budget, tally):
            if sampler.due(frame.time_ms):
                yield frame
        found = set(tally.problems)
        if self._too_long:
            found.add(Problem.LIMIT_PICTURE_BYTES)
        elif self._too_large:
            large = Problem.LIMIT_FRAME_PIXELS if self._animated else Problem.LIMIT_STILL_PIXELS
            found.add(large)
        if budget.reached is Problem.LIMIT_PIXELS and self._has_own_limit:
            found.add(Problem.LIMIT_ANIMATION_PIXELS)
        elif budget.reached is not None:
            found.add(budget.reached)
        problems = tuple(sorted(found))
        self._coverage = Coverage(tally.end_ms, tally.end_ms, 0, 0, tally.errors, problems)

    def coverage(self) -> Coverage:
        """See ``Media.coverage``."""
        return self._coverage

    def _budget(self) -> Budget:
        most = min(self._limits.total_pixels, self._limits.animation_pixels)
        return Budget(replace(self._limits, total_pixels=most))

    @property
    def _has_own_limit(self) -> bool:
        return self._limits.animation_pixels <= self._limits.total_pixels

    def _decoded(self, budget: Budget, tally: "_Tally") -> Iterator[LumaFrame]:
        if self._too_large:
            return
        if self._animated:
            with _open(self._stream, self._format) as image:
                yield from _animation(image, budget, tally)
            return
        if self._still_tally is None:
            self._still_tally = _Tally()
            with _open(self._stream, self._format) as image:
                self._still = _still(image, self._still_tally)
        tally.errors, tally.problems = self._still_tally.errors, self._still_tally.problems
        if self._still is not None:
            yield LumaFrame(0, 0, self._still, full_range=True)


class _Tally:
    """What one pass met."""

    def __init__(self) -> None:
        self.end_ms = 0
        self.errors = 0
        self.problems: set[Problem] = set()

    def failed(self, problem: Problem = Problem.DECODER_ERROR) -> None:
        self.errors += 1
        self.problems.add(problem)


@contextmanager
def _bomb_warnings_raised() -> Iterator[None]:
    """Pillow warns of small damage, which is no matter, and of bombs, which is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _open(stream: BinaryIO, format_name: str) -> Image.Image:
    stream.seek(0)
    with _bomb_warnings_raised():
        return Image.open(stream, formats=(format_name,))


def _frames_follow(image: Image.Image) -> bool:
    with _bomb_warnings_raised():
        return bool(getattr(image, "is_animated", False))


def _still(image: Image.Image, tally: _Tally) -> NDArray[np.uint8] | None:
    """The upright picture; of a damaged one what can be had, which is a problem."""
    if image.mode == "RGB":
        image.draft("L", None)  # a JPEG gives its brightness without its colours: a quarter memory
    try:
        return _luma(image)
    except MemoryError:
        tally.failed(Problem.LIMIT_MEMORY)
        return None
    except _FOREIGN_ERRORS:
        tally.failed(Problem.TRUNCATED)
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # Pillow has this as a global only
    try:
        return _luma(image)
    except _FOREIGN_ERRORS:
        return None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _animation(image: Image.Image, budget: Budget, tally: _Tally) -> Iterator[LumaFrame]:
    number = 0
    while True:
        try:
            with _bomb_warnings_raised():
                image.seek(number)
            luma = _luma(image)
        except EOFError:
            return
        except (*_FOREIGN_ERRORS, *_BOMBS) as error:
            is_memory = isinstance(error, MemoryError)
            tally.failed(Problem.LIMIT_MEMORY if is_memory else Problem.DECODER_ERROR)
            return  # each frame of an animation builds on the one before
        if not budget.frame(image.width, image.height, tally.end_ms):
            return
        start_ms, number = tally.end_ms, number + 1
        tally.end_ms += _duration_ms(image)
        yield LumaFrame(0, start_ms, luma, full_range=True)


def _duration_ms(image: Image.Image) -> int:
    claimed = image.info.get("duration")
    if not isinstance(claimed, int | float) or not _SHORTEST_MS < claimed < _LONGEST_MS:
        return _UNHURRIED_MS
    return int(claimed)


def _luma(image: Image.Image) -> NDArray[np.uint8]:
    """The current frame's luma, upright, on black where it is transparent: uint8, (h, w)."""
    with _bomb_warnings_raised():
        image.load()
        if image.mode.startswith("I"):  # 16-bit grey; Pillow's own conversion clips it
            eight_bits = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
            grey = Image.fromarray(eight_bits)
            grey.info = image.info
        elif "A" in image.mode or "transparency" in image.info:
            colours = image.convert("RGBA")
            grey = ImageChops.multiply(colours.convert("L"), colours.getchannel("A"))
        else:
            grey = image.convert("L")
        return np.asarray(ImageOps.exif_transpose(grey), np.uint8)
