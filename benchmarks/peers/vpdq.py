"""The peer, vPDQ 0.2.5, run on the same clips as recirc, from a venv of its own.

vPDQ (https://github.com/facebook/ThreatExchange/tree/main/vpdq) is published as source only and
links the system's FFmpeg libraries, so it never enters recirc's own environment: this module
builds it once (`venv_python`), runs it by subprocess (`hash_videos`) and re-states the decision
its users get by default (`is_match`).
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VERSION = "0.2.5"
REPOSITORY = Path(__file__).resolve().parents[2]
BUILD_FOLDER = REPOSITORY / ".bench" / "vpdq"

HASH_BYTES = 32  # PDQ: 256 bits
MAX_QUALITY = 100  # PDQ's gradient score runs from 0 to 100
QUALITY = 50  # a frame below it is left out by default

# vpdq/apt-requirements.txt of the peer, without the ffmpeg command (0.2.5 calls the libraries,
# and `ffmpeg_path` is unused), with the compiler and the venv module it takes for granted.
APT_PACKAGES = (
    "cmake",
    "g++",
    "pkg-config",
    "python3-dev",
    "python3-venv",
    "libavcodec-dev",
    "libavdevice-dev",
    "libavfilter-dev",
    "libavformat-dev",
    "libavutil-dev",
    "libswresample-dev",
    "libswscale-dev",
)
APT_LINE = "apt-get update && apt-get install -y --no-install-recommends " + " ".join(APT_PACKAGES)
_TOOLS = ("cmake", "g++", "pkg-config")
_LIBRARIES = tuple(
    package.removesuffix("-dev") for package in APT_PACKAGES if package.startswith("lib")
)

# No clip of the benchmark's development set took 8 s; this only stops a decoder that hangs.
_TIMEOUT_S = 600.0

# What runs inside the peer's venv. The one exception it swallows is the one the peer raises for
# media it cannot decode; anything else is a broken installation and must be seen.
_HASH_ONE = """
import json, sys
import vpdq
try:
    features = vpdq.computeHash(sys.argv[1], seconds_per_hash=float(sys.argv[2]))
except Exception as error:
    if str(error) != "Fail to create VPDQ hash":
        raise
    features = []
print(json.dumps([[f.frame_number, f.quality, f.hex, f.timestamp] for f in features]))
"""


class PeerUnavailable(RuntimeError):
    """vPDQ cannot be built or run here; the message says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class PeerFrame:
    """One frame as vPDQ hashed it.

    ``frame`` counts decoded frames from 0; ``quality`` is PDQ's 0-100 gradient score; ``hash`` is
    32 bytes in the order of the published hex; ``timestamp_s`` is ``frame`` over the average
    frame rate, not the frame's own time stamp.
    """

    frame: int
    quality: int
    hash: bytes
    timestamp_s: float

    def __post_init__(self) -> None:
        """Raises: ValueError when the hash or the quality is not PDQ's."""
        if len(self.hash) != HASH_BYTES or not 0 <= self.quality <= MAX_QUALITY:
            raise ValueError(f"not a PDQ frame: {len(self.hash)} bytes, quality {self.quality}")


def venv_python(build_folder: Path = BUILD_FOLDER) -> Path:
    """Return the Python of a venv under `build_folder` that has vPDQ 0.2.5, building it once.

    A marker file, written last, says that the build succeeded; without it the venv is made anew.

    Raises: PeerUnavailable when a build tool or an FFmpeg header is missing, or the build fails.
    """
    venv = build_folder.absolute() / "venv"
    python = venv / "bin" / "python"
    marker = venv / f"vpdq-{VERSION}.built"
    if marker.exists() and python.exists():
        return python
    _require_build_tools()
    build_folder.mkdir(parents=True, exist_ok=True)
    (build_folder / ".gitignore").write_text("*\n", encoding="utf-8")
    _run([sys.executable, "-m", "venv", "--clear", str(venv)])
    # No cache: a wheel cached earlier may link FFmpeg libraries that have since been upgraded.
    install = ["install", "--no-cache-dir", "--no-binary", "vpdq", f"vpdq=={VERSION}"]
    _run([str(python), "-I", "-m", "pip", *install])
    _run([str(python), "-I", "-c", "import vpdq"])
    marker.touch()
    return python


def hash_videos(paths: Sequence[Path], seconds_per_hash: float = 1.0) -> dict[str, list[PeerFrame]]:
    """Hash every video with vPDQ; keys are ``str(path)``, frames come in the order of the video.

    `seconds_per_hash` is the peer's own parameter (1.0 is its default, 0.0 hashes every frame).
    A video gets the empty list when vPDQ refuses it, crashes on it or takes over ten minutes:
    each runs in a process of its own, so that one bad file cannot take the others along.

    Raises: FileNotFoundError for a path that is no file, before anything is hashed;
    PeerUnavailable when vPDQ cannot be built or started.
    """
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(path)
    python = venv_python()
    return {str(path): _hash_one(python, path, seconds_per_hash) for path in paths}


def is_match(
    query: Sequence[PeerFrame],
    compared: Sequence[PeerFrame],
    *,
    distance_bits: int = 31,
    quality: int = QUALITY,
    query_match_percent: float = 80.0,
    compared_match_percent: float = 0.0,
) -> bool:
    """Say whether the peer, with its shipped settings, reports `query` as a copy of `compared`.

    Re-states ``VPDQIndex.query`` of facebook/ThreatExchange,
    python-threatexchange/threatexchange/extensions/vpdq/vpdq_index.py (as of c85e5366), with the
    thresholds and ``prepare_vpdq_feature`` of vpdq_util.py beside it (as of 04d8070c): drop frames
    below `quality`, then exact duplicates; a frame is matched when any frame of the other side is
    within `distance_bits` (inclusive), whatever its time; both shares of matched frames must reach
    their percentage. As there, nothing matches without at least one matched frame. A side with no
    usable frame is no match here; the peer answers so for a query, and refuses such a reference.
    (Its ``compare_hash``, for two videos without an index, drops duplicates first: it differs only
    where one hash comes with two qualities, and divides by zero when no frame is left.)

    Time and memory grow with the product of the two frame counts.
    """
    left, right = _usable(query, quality), _usable(compared, quality)
    if not len(left) or not len(right):
        return False
    near = _distances_bits(left, right) <= distance_bits
    query_hits = int(near.any(axis=1).sum())
    compared_hits = int(near.any(axis=0).sum())
    return (
        query_hits > 0
        and query_hits * 100 / len(left) >= query_match_percent
        and compared_hits * 100 / len(right) >= compared_match_percent
    )


def usable(frames: Sequence[PeerFrame]) -> bool:
    """Whether there is a frame good enough for the shipped settings."""
    return len(_usable(frames, QUALITY)) > 0


def _usable(frames: Sequence[PeerFrame], quality: int) -> NDArray[np.uint64]:
    """The distinct hashes of good enough frames: uint64, (frames, 4), first seen first."""
    hashes = dict.fromkeys(frame.hash for frame in frames if frame.quality >= quality)
    return np.frombuffer(b"".join(hashes), dtype=np.uint64).reshape(-1, HASH_BYTES // 8)


def _distances_bits(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Hamming distances in bits: uint16, (frames of left, frames of right)."""
    distances = np.zeros((len(left), len(right)), dtype=np.uint16)
    for word in range(left.shape[1]):
        distances += np.bitwise_count(left[:, word, None] ^ right[None, :, word])
    return distances


def _hash_one(python: Path, path: Path, seconds_per_hash: float) -> list[PeerFrame]:
    """The frames vPDQ finds in one video; empty when the video defeats it."""
    # -I keeps this folder off sys.path, where `import vpdq` would find this very module.
    command = [str(python), "-I", "-c", _HASH_ONE, str(path), repr(seconds_per_hash)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return []
    if done.returncode < 0:  # killed by a signal: the decoder crashed on this file
        return []
    if done.returncode > 0:
        raise PeerUnavailable(f"vPDQ does not run: {done.stderr.decode(errors='replace')[-2000:]}")
    rows: list[tuple[int, int, str, float]] = json.loads(done.stdout.splitlines()[-1])
    return [
        PeerFrame(frame, quality, bytes.fromhex(pdq_hex), timestamp_s)
        for frame, quality, pdq_hex, timestamp_s in rows
    ]


def _require_build_tools() -> None:
    """Raises: PeerUnavailable, with the line that installs them, when a tool or header is missing.

    Each is looked up alone, so that the message can name it.
    """
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    pkg_config = shutil.which("pkg-config")
    if pkg_config is not None:
        missing += [library for library in _LIBRARIES if not _has_headers(pkg_config, library)]
    if missing:
        raise PeerUnavailable(
            f"vPDQ {VERSION} is compiled from source and needs {', '.join(missing)}; as root:\n"
            f"  {APT_LINE}\nor run benchmarks/peers/install-vpdq.sh"
        )


def _has_headers(pkg_config: str, library: str) -> bool:
    return subprocess.run([pkg_config, "--exists", library], check=False).returncode == 0


def _run(command: Sequence[str]) -> None:
    """Run one build step. Raises: PeerUnavailable with the end of its output when it fails."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise PeerUnavailable(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")
