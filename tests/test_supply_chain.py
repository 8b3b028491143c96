"""What the wheels bring along: decoders old enough to be known as broken are refused here."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

import av
import cv2
import pytest
from PIL import features

# What both wheels carry; to be raised with each point release. Before 8.1 the mp4 demuxer writes
# out of bounds (CVE-2026-40962), and 21 more defects of 2026 are known (CVE-2026-39210 and on).
# Wheels have shipped 5.1.x under a newer name (opencv-python's issue 1212): so each file is asked.
LEAST_FFMPEG: Final = (8, 1, 2)
# The same release by the versions of its libraries; both wheels carry libraries, not a version.
LEAST_LIBRARIES: Final = {
    "libavcodec": (62, 28, 102),
    "libavformat": (62, 12, 102),
    "libavutil": (60, 26, 102),
}


def test_pyav_carries_an_ffmpeg_with_the_fixes() -> None:
    version = tuple(int(part) for part in re.findall(r"\d+", av.ffmpeg_version_info)[:3])

    assert version >= LEAST_FFMPEG
    for name, least in LEAST_LIBRARIES.items():
        assert av.library_versions[name] >= least, name


@pytest.mark.parametrize("package", ["av", "opencv-python-headless"])
@pytest.mark.parametrize("name", LEAST_LIBRARIES)
def test_the_wheels_own_files_are_of_that_version(package: str, name: str) -> None:
    """Asked of the shared library itself: a wheel's metadata has been wrong before."""
    found = _shared_libraries(package, name)

    assert found, f"{package} no longer has a {name} of its own: mend this test"
    for path in found:
        assert _version(path, name) >= LEAST_LIBRARIES[name], path.name


def test_opencv_says_that_it_was_built_with_them() -> None:
    said = {
        f"lib{name}": tuple(int(part) for part in version.split("."))
        for name, version in re.findall(r"(av\w+):\s+YES \(([\d.]+)\)", cv2.getBuildInformation())
    }

    assert {name: said[name] >= least for name, least in LEAST_LIBRARIES.items()} == dict.fromkeys(
        LEAST_LIBRARIES, True
    )


# Each with the first version without a known defect in what recirc reads.
@pytest.mark.parametrize(
    ("module", "least"),
    [
        pytest.param("webp", (1, 3, 2), id="libwebp: CVE-2023-4863, exploited in the wild"),
        pytest.param("avif", (1, 3, 0), id="libavif: CVE-2025-48174"),
    ],
)
def test_pillow_carries_picture_decoders_with_the_fixes(
    module: str, least: tuple[int, ...]
) -> None:
    said = features.version(module)

    assert said is not None
    assert tuple(int(part) for part in re.findall(r"\d+", said)[:3]) >= least


def _shared_libraries(package: str, name: str) -> list[Path]:
    files = metadata.files(package) or []
    return [
        Path(str(one.locate()))
        for one in files
        if one.name.startswith(f"{name}-") or one.name.startswith(f"{name}.")
    ]


def _version(path: Path, name: str) -> tuple[int, int, int]:
    """What ``avcodec_version()`` and its like answer: a byte each for minor and micro.

    In a process of its own: two FFmpegs in one would answer for each other.
    """
    function = f"{name.removeprefix('lib')}_version"
    code = f"import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).{function}())"
    said = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True
    ).stdout
    packed = int(said)
    return packed >> 16, packed >> 8 & 0xFF, packed & 0xFF
