"""How clearly changes stand out in copies, in other takes of one scene, and in other parts of one
footage: the table that chose the two limits of ``hashing.agreement``."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmarks.footage import dev_rows
from benchmarks.peers import sample_set as peer
from benchmarks.report import Report, arguments
from hashing import chance
from hashing.alignment import Alignment, align
from hashing.errors import MediaError
from hashing.extract import CLIP, REFERENCE, extract
from hashing.fingerprint import PHASH, Fingerprint, Kind, Track
from hashing.index import Index

_WINDOWS_MS = (2000, 4000, 8000)  # short pieces of clips are the hard ones
_MOST_WINDOWS = 6  # of one length in one clip, evenly spread
_APART_MS = 1500  # between a piece and what counts as another part of its footage
_LEAST_HITS = 3  # distinct ones: what a match needs
_SHARES = (1, 5, 10, 50, 90, 95, 99)
_KINDS = ("copies", "other takes of the scene", "other parts of the footage")


@dataclass(frozen=True, slots=True)
class _Clip:
    """One file: what it shows, and its track as a clip and as a reference."""

    file: str
    footage: str
    scene: str
    clip: Track
    reference: Track


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    report = Report("agreement", "Agreement")
    found: dict[str, list[Alignment]] = {kind: [] for kind in _KINDS}
    for kind, best in _alignments(list(_clips())):
        found[kind].append(best)
    report.text(
        "Pieces of 2, 4 and 8 s of every clip (natural variants and the peer's sample set among "
        "them) against references, the strongest alignment of each that has 3 distinct hits or "
        "more. Agreement at these percentiles:"
    )
    report.table(
        ["strongest alignment with", "pairs", *(f"{share} %" for share in _SHARES)],
        [
            [kind, len(lines), *(f"{one:.2f}" for one in _percentiles(lines))]
            for kind, lines in found.items()
        ],
    )
    copies, *others = (np.array([one.agreement for one in found[kind]]) for kind in _KINDS)
    negatives = np.concatenate(others)
    report.figure("copies_of_0.5_and_more", round(float(np.mean(copies >= 0.5)), 4))
    report.figure("others_of_0.5_and_more", round(float(np.mean(negatives >= 0.5)), 4))
    report.finish(write=flags.write)


def _percentiles(lines: list[Alignment]) -> list[float]:
    values = [one.agreement for one in lines]
    return [float(one) for one in np.percentile(values, _SHARES)] if values else []


def _clips() -> Iterator[_Clip]:
    folder = peer.videos_folder()
    files = [(folder / "dev" / row["file"], row["group"], row["scene"]) for row in dev_rows()]
    for name, paths in peer.families(folder / "tmk").items():
        files += [(path, name, name) for path in paths]
    for path, footage, scene in files:
        try:
            tracks = [extract(path.read_bytes(), how).fingerprint for how in (CLIP, REFERENCE)]
        except MediaError:
            continue
        clip, reference = (one.of(PHASH)[:1] for one in tracks)
        if clip and reference:
            yield _Clip(path.name, footage, scene, clip[0], reference[0])


def _alignments(clips: list[_Clip]) -> Iterator[tuple[str, Alignment]]:
    """The strongest alignment of each piece with each reference of its scene, by kind."""
    for one, other in product(clips, clips):
        if one.footage != other.footage and one.scene != other.scene:
            continue
        for start_ms, end_ms in _windows(one.clip):
            piece = _cut(one.clip, start_ms, end_ms)
            for kind, reference in _references(one, other, start_ms, end_ms):
                best = _strongest(piece, reference)
                if best is not None and best.distinct_hits >= _LEAST_HITS:
                    yield kind, best


def _windows(track: Track) -> Iterator[tuple[int, int]]:
    whole_ms = int(track.times_ms[-1] + track.spans_ms[-1])
    for length_ms in _WINDOWS_MS:
        if whole_ms >= length_ms:
            count = min(_MOST_WINDOWS, 1 + (whole_ms - length_ms) // 1000)
            for start_ms in np.linspace(0, whole_ms - length_ms, count).astype(int).tolist():
                yield start_ms, start_ms + length_ms


def _references(
    one: _Clip, other: _Clip, start_ms: int, end_ms: int
) -> Iterator[tuple[str, Track]]:
    if one is other:
        yield _KINDS[2], _cut(one.reference, 0, start_ms - _APART_MS)
        yield _KINDS[2], _cut(one.reference, end_ms + _APART_MS, None)
    else:
        yield _KINDS[0] if one.footage == other.footage else _KINDS[1], other.reference


def _cut(track: Track, start_ms: int, end_ms: int | None) -> Track:
    within = track.times_ms >= start_ms
    return track.select(within if end_ms is None else within & (track.times_ms < end_ms))


def _strongest(clip: Track, reference: Track) -> Alignment | None:
    if not len(clip) or not len(reference):
        return None
    listed = Fingerprint(Kind.VIDEO, 0, (reference,))
    found = [
        alignment
        for hits in Index(PHASH, [listed]).search(clip, chance.LOOSE_BITS)
        for alignment in align(clip, hits)
    ]
    return max(found, key=lambda one: one.evidence_nats, default=None)


if __name__ == "__main__":
    main()
