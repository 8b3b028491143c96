"""The peers on the same clips: vPDQ as it is shipped, and imagehash as people first use it."""

import hashlib
import json
import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import av
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.attacks.clips import PROCESSES
from benchmarks.attacks.sources import CACHE, Source, write
from benchmarks.peers import vpdq
from benchmarks.peers.vpdq import PeerFrame

_NAIVE_BITS = 10  # of 64: the distance that imagededup and many a tutorial start with
_NAIVE_EVERY_S = 1.0

Groups = list[frozenset[str]]


def vpdq_found(paths: Sequence[Path], listed: Sequence[Source]) -> Groups:
    """For each path the groups that vPDQ with its shipped settings finds.

    Raises: vpdq.PeerUnavailable where it cannot be built.
    """
    vpdq.venv_python()
    every = [*paths, *(source.path for source in listed)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        hashes = dict(zip(every, pool.imap(_vpdq_hashes, every, chunksize=4), strict=True))
    return [
        frozenset(s.group for s in listed if vpdq.is_match(hashes[path], hashes[s.path]))
        for path in paths
    ]


def vpdq_unread(listed: Sequence[Source]) -> list[str]:
    """Listed clips from which vPDQ, once it has hashed them, has no usable frame."""
    return [s.name for s in listed if not vpdq.usable(_vpdq_hashes(s.path))]


def naive_found(paths: Sequence[Path], listed: Sequence[Source]) -> Groups:
    """For each path the groups that one near frame finds: 64-bit pHash, one frame a second."""
    every = [*paths, *(source.path for source in listed)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        hashes = dict(zip(every, pool.imap(_naive_hashes, every, chunksize=4), strict=True))
    return [
        frozenset(s.group for s in listed if _any_near(hashes[path], hashes[s.path]))
        for path in paths
    ]


def _any_near(clip: NDArray[np.uint64], reference: NDArray[np.uint64]) -> bool:
    return bool((np.bitwise_count(clip[:, None] ^ reference[None, :]) <= _NAIVE_BITS).any())


def _kept(peer: str, path: Path) -> Path:
    """Where a peer's hashes of a clip are kept: peers do not change while we develop."""
    name = hashlib.sha256(f"{path.name}|{path.stat().st_size}|{path}".encode()).hexdigest()[:24]
    return CACHE / "peers" / peer / f"{name}.json"


def _vpdq_hashes(path: Path) -> list[PeerFrame]:
    kept = _kept(f"vpdq-{vpdq.VERSION}", path)
    if not kept.exists():
        frames = vpdq.hash_videos([path])[str(path)]
        rows = [[f.frame, f.quality, f.hash.hex(), f.timestamp_s] for f in frames]
        write(kept, json.dumps(rows).encode())
    return [
        PeerFrame(frame, quality, bytes.fromhex(pdq_hex), timestamp_s)
        for frame, quality, pdq_hex, timestamp_s in json.loads(kept.read_bytes())
    ]


def _naive_hashes(path: Path) -> NDArray[np.uint64]:
    kept = _kept("imagehash", path)
    if not kept.exists():
        hashes: list[int] = []
        with av.open(str(path), "r", metadata_errors="ignore") as container:
            try:
                for frame in container.decode(video=0):
                    if float(frame.time or 0.0) >= len(hashes) * _NAIVE_EVERY_S:
                        hashes.append(
                            int(
                                str(
                                    imagehash.phash(
                                        Image.fromarray(frame.to_ndarray(format="rgb24"))
                                    )
                                ),
                                16,
                            )
                        )
            except av.FFmpegError:
                pass  # a damaged clip gives what it has
        write(kept, json.dumps(hashes).encode())
    return np.array(json.loads(kept.read_bytes()), np.uint64)
