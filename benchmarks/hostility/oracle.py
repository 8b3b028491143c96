"""How much of the footage a damaged file still shows, by a decoding loop that shares nothing with
recirc's: FFmpeg as it comes, every track, going on after errors, no limits."""

import io
from collections.abc import Iterator
from typing import Final

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from benchmarks.hostility.footage import FPS, Clip
from hashing import bits, phash

_SAME_BITS: Final = 40  # a copy's frames are within 5 to 30 of 256 bits, another scene's at 128
_MOST_FRAMES: Final = 3000


def shown_s(media: bytes, clip: Clip) -> float:
    """Seconds of the clip of which a frame is shown, in any order."""
    originals = _hashes(list(clip.luma))
    seen = np.zeros(len(originals), bool)
    for track in _decoded(media):
        hashes = _hashes(track)
        for first in range(0, len(hashes), 256):
            part = hashes[first : first + 256]
            distances = bits.distances(
                np.repeat(part, len(originals), axis=0), np.tile(originals, (len(part), 1))
            ).reshape(len(part), len(originals))
            nearest = distances.argmin(axis=1)
            seen[nearest[distances.min(axis=1) <= _SAME_BITS]] = True
    return float(seen.sum()) / FPS


def _decoded(media: bytes) -> list[list[NDArray[np.uint8]]]:
    tracks: dict[int, list[NDArray[np.uint8]]] = {}
    try:
        with av.open(io.BytesIO(media), "r", metadata_errors="ignore") as container:
            count = 0
            for packet in _packets(container):
                try:
                    frames = packet.stream.decode(packet)
                except Exception:  # noqa: BLE001, S112  # whatever it is, the next packet may do
                    continue
                for frame in frames:
                    count += 1
                    if count > _MOST_FRAMES:
                        return list(tracks.values())
                    try:
                        grey = frame.to_ndarray(format="gray").astype(np.uint8, copy=False)
                    except Exception:  # noqa: BLE001, S112
                        continue
                    tracks.setdefault(packet.stream.index, []).append(grey)
    except Exception:  # noqa: BLE001  # what cannot be opened shows nothing
        return list(tracks.values())
    return list(tracks.values())


def _packets(container: InputContainer) -> "Iterator[Packet[VideoStream]]":
    for _ in range(8):
        try:
            yield from container.demux(video=tuple(range(len(container.streams.video))))
        except Exception:  # noqa: BLE001, S112
            continue
        return


def _hashes(frames: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    planes = np.stack([phash.shrink(np.ascontiguousarray(frame)) for frame in frames])
    return phash.hashes(phash.coefficients(planes))
