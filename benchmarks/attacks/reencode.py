"""Family A, re-encoding: the pictures are left alone, the codec is not."""

from benchmarks.attacks.drawing import even, sized
from benchmarks.attacks.edit import (
    Apply,
    Edit,
    Encoding,
    Material,
    Recipe,
    graded,
    same,
    x264,
    x264_rate,
)
from benchmarks.attacks.encoding import regenerated
from benchmarks.attacks.footage import Footage

_MESSENGER = x264_rate(500_000)
_HEVC = Encoding(
    "libx265", options={"preset": "ultrafast", "crf": "32", "x265-params": "log-level=none"}
)
_VP9 = Encoding(
    "libvpx-vp9", ".webm", options={"crf": "42", "b": "0", "deadline": "realtime", "cpu-used": "8"}
)


def _quantised(codec: str, quality: int, pixel_format: str) -> Encoding:
    options = {"qmin": str(quality), "qmax": str(quality)}
    return Encoding(codec, ".avi", pixel_format, options=options)


def _messenger(generations: int) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        del material
        for generation in range(generations):
            # Senders' and receivers' apps have different limits, so sizes go down and up again.
            short_px = (480, 400)[generation % 2]
            scale = min(1.0, short_px / min(footage.height, footage.width))
            small = sized(footage, even(footage.height * scale), even(footage.width * scale))
            footage = small.at_rate(24.0)
            if generation < generations - 1:
                footage = regenerated(footage, _MESSENGER)
        return footage

    return edit


def _gif(fps: float, width_px: int) -> Recipe:
    def edit(footage: Footage, material: Material) -> Footage:
        del material
        scale = min(1.0, width_px / footage.width)
        small = sized(footage, even(footage.height * scale), even(footage.width * scale))
        return small.at_rate(fps)

    return Recipe(f"{fps:.0f} fps, {width_px} px", edit, Encoding("gif", ".gif"))


EDITS: tuple[Edit, ...] = (
    graded("a1 h264 crf", *(Recipe(f"crf {crf}", same, x264(crf)) for crf in (28, 36, 45))),
    graded(
        "a2 messenger recode",
        *(Recipe(f"{n} generations", _messenger(n), _MESSENGER) for n in (1, 2, 4)),
    ),
    graded(
        "a3 codec",
        Recipe("hevc", same, _HEVC),
        Recipe("vp9", same, _VP9),
        Recipe("mpeg4 q15", same, _quantised("mpeg4", 15, "yuv420p")),
    ),
    graded("a4 gif", _gif(100 / 7, 480), _gif(10.0, 320), _gif(5.0, 240)),
    graded(
        "a5 mjpeg q",
        *(Recipe(f"q {q}", same, _quantised("mjpeg", q, "yuvj420p")) for q in (10, 20, 31)),
    ),
)
