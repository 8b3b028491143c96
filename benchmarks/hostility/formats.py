"""Tricks of containers and codecs: the same pictures in everything that a phone or a site plays."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from benchmarks.hostility.footage import Clip
from benchmarks.hostility.trick import Trick
from benchmarks.hostility.writing import Box, Coding, Track, write

NOT_READ: Final = "not read"

_H264 = Coding()
_HEVC = Coding(codec="libx265")
_VP8 = Coding(codec="libvpx")
_VP9 = Coding(codec="libvpx-vp9")
_AV1 = Coding(codec="libsvtav1")
_MPEG4 = Coding(codec="mpeg4")
_MPEG2 = Coding(codec="mpeg2video")
_MPEG1 = Coding(codec="mpeg1video")
_MJPEG = Coding(codec="mjpeg", pixels="yuvj420p")
_CODECS: Final[Mapping[str, Coding]] = {
    "h264": _H264,
    "hevc": _HEVC,
    "vp8": _VP8,
    "vp9": _VP9,
    "av1": _AV1,
    "mpeg4": _MPEG4,
    "mpeg2": _MPEG2,
    "mpeg1": _MPEG1,
    "mjpeg": _MJPEG,
    "prores": Coding(codec="prores_ks", pixels="yuv422p10le"),
    "png": Coding(codec="png", pixels="rgb24"),
    "wmv2": Coding(codec="wmv2"),
    "msmpeg4": Coding(codec="msmpeg4"),
    "flv1": Coding(codec="flv"),
    "h263": Coding(codec="h263"),
}
_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
_BOXES: Final[Mapping[str, Box]] = {
    "mp4": Box(),
    "fragmented mp4": Box(options=_FRAGMENTED),
    "fragmented mp4, every frame": Box(options={"movflags": "frag_every_frame+empty_moov"}),
    "mkv": Box(format="matroska"),
    "mkv, live": Box(format="matroska", options={"live": "1"}),
    "webm": Box(format="webm"),
    "avi": Box(format="avi"),
    "ts": Box(format="mpegts"),
    "flv": Box(format="flv"),
    "ogg": Box(format="ogg"),
    "mov": Box(format="mov"),
    "asf": Box(format="asf"),
    "mpeg": Box(format="mpeg"),
    "vob": Box(format="vob"),
    "3gp": Box(format="3gp"),
    "f4v": Box(format="f4v"),
    "ivf": Box(format="ivf"),
    "raw h264": Box(format="h264"),
    "raw hevc": Box(format="hevc"),
    "raw mjpeg": Box(format="mjpeg"),
    "raw mpeg2": Box(format="mpeg2video"),
    "raw mpeg1": Box(format="mpeg1video"),
    "raw mpeg4": Box(format="m4v"),
    "raw av1": Box(format="obu"),
    "mxf": Box(format="mxf"),
    "nut": Box(format="nut"),
}
_PAIRS: Final[Mapping[str, str]] = {
    "mp4": "h264 hevc vp9 av1 mpeg4 mpeg2 mjpeg",
    "fragmented mp4": "h264 hevc vp9 av1 mpeg4",
    "fragmented mp4, every frame": "h264",
    "mkv": "h264 hevc vp8 vp9 av1 mpeg4 mpeg2 mpeg1 mjpeg prores msmpeg4",
    "mkv, live": "h264 vp8",
    "webm": "vp8 vp9 av1",
    "avi": "h264 mpeg4 mpeg2 mjpeg vp8 msmpeg4",
    "ts": "h264 hevc mpeg4 mpeg2 mpeg1",
    "flv": "h264 hevc vp9 av1 flv1",
    "ogg": "vp8",
    "mov": "h264 hevc mpeg4 mpeg2 mjpeg prores png",
    "asf": "wmv2 h264 mpeg4",
    "mpeg": "mpeg1 mpeg2 h264",
    "vob": "mpeg2",
    "3gp": "h264 mpeg4",
    "f4v": "h264",
    "ivf": "vp8 vp9 av1",
    "raw h264": "h264",
    "raw hevc": "hevc",
    "raw mjpeg": "mjpeg",
    "raw mpeg2": "mpeg2",
    "raw mpeg1": "mpeg1",
    "raw mpeg4": "mpeg4",
    "raw av1": "av1",
}
_UNREAD: Final = (("nut", _MPEG4), ("mxf", _MPEG2))
_UNREAD_CODECS: Final = (
    ("mkv", Coding(codec="ffv1")),
    ("avi", Coding(codec="huffyuv", pixels="yuv422p")),
    ("mov", Coding(codec="qtrle", pixels="rgb24")),
)
# What a codec may do to its pictures: depth, colours, range, order, and what is cut or hidden.
_KINDS: Final[Mapping[str, tuple[Coding, str]]] = {
    "10 bits, hevc": (Coding(codec="libx265", pixels="yuv420p10le"), "mp4"),
    "10 bits, h264": (Coding(pixels="yuv420p10le"), "mp4"),
    "10 bits, av1": (Coding(codec="libsvtav1", pixels="yuv420p10le"), "mp4"),
    "12 bits, hevc": (Coding(codec="libx265", pixels="yuv420p12le"), "mkv"),
    "4:2:2": (Coding(pixels="yuv422p"), "mp4"),
    "4:2:2 in 10 bits": (Coding(pixels="yuv422p10le"), "mp4"),
    "4:4:4": (Coding(pixels="yuv444p"), "mp4"),
    "4:4:4, vp9": (Coding(codec="libvpx-vp9", pixels="yuv444p"), "webm"),
    "grey": (Coding(pixels="gray"), "mp4"),
    "RGB in h264": (Coding(codec="libx264rgb", pixels="rgb24"), "mp4"),
    "RGB in vp9": (Coding(codec="libvpx-vp9", pixels="gbrp"), "webm"),
    "alpha, vp8": (
        Coding(codec="libvpx", pixels="yuva420p", options={"auto-alt-ref": "0"}),
        "webm",
    ),
    "alpha, png": (Coding(codec="png", pixels="rgba"), "mov"),
    "alpha, prores": (Coding(codec="prores_ks", pixels="yuva444p10le"), "mov"),
    "full range": (Coding(pixels="yuvj420p"), "mp4"),
    "full range claimed of studio range": (
        Coding(options={"x264-params": "fullrange=on"}),
        "mp4",
    ),
    "interlaced": (Coding(options={"x264-params": "tff=1"}), "mp4"),
    "interlaced, mpeg2": (
        Coding(codec="mpeg2video", options={"flags": "+ildct+ilme", "alternate_scan": "1"}),
        "ts",
    ),
    "16 B frames": (
        Coding(options={"preset": "medium", "bf": "16", "b_strategy": "0", "b-pyramid": "normal"}),
        "mp4",
    ),
    "open groups": (Coding(options={"x264-params": "open-gop=1:keyint=25:bframes=3"}), "mkv"),
    "one key frame": (Coding(options={"g": "9999", "keyint_min": "9999"}), "mp4"),
    "key frames alone": (Coding(options={"g": "1"}), "mp4"),
    "intra refresh, no key frames": (Coding(options={"intra-refresh": "1", "g": "25"}), "ts"),
    "hidden frames, vp9": (
        Coding(codec="libvpx-vp9", options={"auto-alt-ref": "1", "lag-in-frames": "16"}),
        "webm",
    ),
    "hidden frames, vp8": (
        Coding(codec="libvpx", options={"auto-alt-ref": "1", "lag-in-frames": "16"}),
        "webm",
    ),
    "hidden frames, av1": (Coding(codec="libsvtav1", options={"preset": "10"}), "webm"),
    "film grain, av1": (
        Coding(codec="libsvtav1", options={"svtav1-params": "film-grain=30"}),
        "mp4",
    ),
    "no loss": (Coding(options={"qp": "0"}), "mp4"),
    "slices of a line": (Coding(options={"slices": "11"}), "mp4"),
    "hardly any bits": (Coding(options={"crf": "40"}), "mp4"),
    "pixels four times as wide as high": (Coding(options={"aspect": "4:1"}), "mp4"),
}


def tricks() -> list[Trick]:
    """All of them, in the order of the tables."""
    return [
        *(
            Trick("codec in container", f"{codec} in {box}", partial(_plain, _CODECS[codec], box))
            for box, codecs in _PAIRS.items()
            for codec in codecs.split()
        ),
        *(
            Trick("kind of picture", name, partial(_plain, coding, box))
            for name, (coding, box) in _KINDS.items()
        ),
        *(
            Trick(NOT_READ, f"{coding.codec} in {box}", partial(_plain, coding, box), False)
            for box, coding in (*_UNREAD, *_UNREAD_CODECS)
        ),
    ]


def _plain(coding: Coding, box: str, clip: Clip) -> bytes:
    return write(Track(pictures=clip.pictures, coding=coding), _BOXES[box])
