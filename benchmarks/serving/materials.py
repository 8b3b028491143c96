"""What is sent and what it is checked against: databases, fingerprints, clips. Made once, kept."""

import json
import shutil
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.video.stream import VideoStream

from benchmarks import trajectories
from benchmarks.footage import clip_480p
from hashing.coverage import Coverage
from hashing.extract import CLIP, REFERENCE, extract
from hashing.fingerprint import Fingerprint
from hashing.formats import document
from hashing.reference import Reference
from service.store.sqlite import SqliteStore

FRAMES: Final = 30  # of a clip that is looked up
LIST: Final = "incident"
_CACHE: Final = Path(__file__).resolve().parents[2] / ".bench" / "serving"
_UNKNOWN_SKIPS: Final = (0, 40)
_KNOWN_SKIP: Final = 62
_ONE_KNOWN_IN: Final = 20  # of the clips that are sent; a platform has far fewer


def database(folder: Path, frames: int) -> Path:
    """A copy of a database with one list of so many frames and those of the known clip."""
    kept = _CACHE / f"{frames}-frames.sqlite3"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        store = SqliteStore(partial)
        try:
            made = enumerate(trajectories.references(frames))
            references = (Reference(f"r{number}", None, None, one) for number, one in made)
            store.add(LIST, chain(references, [_known()]))
        finally:
            store.close()
        partial.replace(kept)
    return Path(shutil.copy(kept, folder / kept.name))


def known_database(folder: Path) -> Path:
    """A database with the known clip and nothing else."""
    path = folder / "known.sqlite3"
    store = SqliteStore(path)
    try:
        store.add(LIST, [_known()])
    finally:
        store.close()
    return path


def _known() -> Reference:
    return Reference("known", None, None, _hashed(_KNOWN_SKIP, listed=True))


def fingerprints(folder: Path, *, plain: bool = False) -> list[Path]:
    """Fingerprints of clips of ``FRAMES`` frames, as `recirc hash --json` prints them: all views.

    Of real footage that is on no list, but for one in ``_ONE_KNOWN_IN``. ``plain``: with one
    track alone, as others' tools make them.
    """
    unknown = [one for skip in _UNKNOWN_SKIPS for one in _windows(_hashed(skip, listed=False))]
    known = _windows(_hashed(_KNOWN_SKIP, listed=False))
    every = _ONE_KNOWN_IN - 1
    paths = []
    for number, one in enumerate(unknown[: every * len(known)]):
        paths.append(_written(folder, one, plain=plain))
        if number % every == 0:
            paths.append(_written(folder, known[number // every], plain=plain))
    return paths


def clips(seconds: int, count: int) -> list[Path]:
    """Clips of so many seconds of 480p footage that is on no list, each of other footage."""
    return [_cut(clip_480p(60), seconds, number) for number in range(count)]


def known_clip(seconds: int) -> Path:
    """The beginning of the known clip."""
    return _cut(clip_480p(60, skip=_KNOWN_SKIP), seconds, 0)


def long_clip(minutes: int) -> Path:
    """A clip of so many minutes: one of five minutes, again and again, without encoding it anew."""
    path = _CACHE / f"480p-{minutes}min.mp4"
    if not path.exists():
        _repeat(clip_480p(300), path, times=minutes // 5)
    return path


@cache
def _hashed(skip: int, *, listed: bool) -> Fingerprint:
    return extract(clip_480p(60, skip=skip).read_bytes(), REFERENCE if listed else CLIP).fingerprint


def _windows(whole: Fingerprint) -> list[Fingerprint]:
    """The fingerprint in pieces of ``FRAMES`` sampled frames, each from time 0 on."""
    times_ms = whole.tracks[0].times_ms
    starts_ms = times_ms[: len(times_ms) - FRAMES : FRAMES]
    ends_ms = times_ms[FRAMES::FRAMES]
    return [
        _piece(whole, int(start_ms), int(end_ms))
        for start_ms, end_ms in zip(starts_ms, ends_ms, strict=True)
    ]


def _piece(whole: Fingerprint, start_ms: int, end_ms: int) -> Fingerprint:
    tracks = []
    for track in whole.tracks:
        rows = np.flatnonzero((track.times_ms >= start_ms) & (track.times_ms < end_ms))
        piece = track.select(rows)
        tracks.append(replace(piece, times_ms=piece.times_ms - start_ms))
    return Fingerprint(whole.kind, end_ms - start_ms, tuple(tracks))


def _written(folder: Path, one: Fingerprint, *, plain: bool) -> Path:
    if plain:
        one = replace(one, tracks=one.tracks[:1])
    whole_ms = one.duration_ms
    coverage = Coverage(
        container_ms=whole_ms,
        decoded_ms=whole_ms,
        sampled_frames=FRAMES,
        flat_frames=0,
        decode_errors=0,
        problems=(),
    )
    path = folder / f"{one.digest[:16]}.json"
    path.write_text(json.dumps(document.to_document(one, coverage)))
    return path


def _cut(source: Path, seconds: int, number: int) -> Path:
    """The ``number``-th piece of so many seconds, with a key frame at its start."""
    path = _CACHE / f"{source.stem}-{seconds}s-{number}.mp4"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.mp4")
    with av.open(str(source)) as taken, av.open(str(partial), "w") as out:
        video = taken.streams.video[0]
        rate = video.average_rate
        stream = out.add_stream("libx264", rate=rate)
        assert isinstance(stream, VideoStream)
        assert rate is not None
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        frames = round(seconds * rate)
        for place, frame in enumerate(taken.decode(video)):
            if place >= (number + 1) * frames:
                break
            if place >= number * frames:
                frame.pts, frame.time_base = place - number * frames, 1 / rate
                out.mux(stream.encode(frame))
        out.mux(stream.encode())
    partial.replace(path)
    return path


def _repeat(source: Path, path: Path, times: int) -> None:
    partial = path.with_suffix(".partial.mp4")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(partial), "w") as out:
        stream, shift = None, 0
        for _ in range(times):
            with av.open(str(source)) as taken:
                video = taken.streams.video[0]
                stream = stream or out.add_stream_from_template(video)
                end = shift
                for packet in taken.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    end = max(end, packet.pts + (packet.duration or 0))
                    packet.stream = stream
                    out.mux(packet)
                shift = end
    partial.replace(path)
