"""How near frames of different footage are, and how far their changes agree: the source of the
background table in ``hashing.chance`` and of what ``hashing.alignment`` says about agreement."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from benchmarks.footage import dev_rows
from benchmarks.peers.sample_set import videos_folder
from benchmarks.report import Report, arguments
from hashing import bits, chance
from hashing.errors import MediaError
from hashing.extract import CLIP, extract
from hashing.fingerprint import PDQ, PHASH, Algorithm, Fingerprint
from hashing.views import View

_DISTANCES = (20, 24, 28, 32, 36, 40, 48, 56, 64, 72, 80, 92, 100, 108, 116, 128)
_PLAIN = (View.AS_IS, View.BORDERLESS)


@dataclass(frozen=True, slots=True)
class Clip:
    """One development clip: its footage, its scene, its fingerprint as a clip."""

    file: str
    group: str
    scene: str
    fingerprint: Fingerprint


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    report = Report("background", "Background: distances between frames of different footage")
    clips = load(limit=20 if flags.fast else None)
    if not clips:
        raise SystemExit("no development clips; set RECIRC_BENCH_VIDEOS")
    for algorithm in (PHASH, PDQ):
        _distances(report, clips, algorithm)
    report.finish(write=flags.write)


def load(limit: int | None) -> list[Clip]:
    """The development clips, hashed as clips are for a check; the unreadable left out."""
    clips = []
    for row in dev_rows()[:limit]:
        try:
            taken = extract((videos_folder() / "dev" / row["file"]).read_bytes(), CLIP)
        except MediaError as error:
            print(f"{row['file']}: {error.line()}")
            continue
        clips.append(Clip(row["file"], row["group"], row["scene"], taken.fingerprint))
    return clips


def _distances(report: Report, clips: list[Clip], algorithm: Algorithm) -> None:
    scenes_apart = np.zeros(bits.HASH_BITS + 1, np.int64)
    same_scene = np.zeros(bits.HASH_BITS + 1, np.int64)
    for left, right in permutations(clips, 2):
        if left.group != right.group:
            counts = scenes_apart if left.scene != right.scene else same_scene
            counts += _histogram(left.fingerprint, right.fingerprint, algorithm)
    everything = scenes_apart + same_scene
    places = np.arange(bits.HASH_BITS + 1)
    mean = float((everything * places).sum() / everything.sum())
    sd = float(np.sqrt((everything * (places - mean) ** 2).sum() / everything.sum()))
    report.text(
        f"**{algorithm.name}**: {everything.sum():,} pairs of sampled frames of different footage "
        f"({len(clips)} development clips, views as is and without borders), of which "
        f"{same_scene.sum() / everything.sum():.1%} show the same scene; mean {mean:.0f} bits, "
        f"standard deviation {sd:.1f}. Share of pairs within a distance:"
    )
    report.table(
        ["bits", "all", "different scenes", "same scene", "table in hashing.chance"],
        [
            [
                distance,
                _share(everything, distance),
                _share(scenes_apart, distance),
                _share(same_scene, distance),
                f"{chance.share_within(distance):.1e}",
            ]
            for distance in _DISTANCES
        ],
    )
    report.figure(f"{algorithm.name}_pairs", int(everything.sum()))
    report.figure(f"{algorithm.name}_share_72", float(everything[:73].sum() / everything.sum()))


def _histogram(left: Fingerprint, right: Fingerprint, algorithm: Algorithm) -> NDArray[np.int64]:
    counts = np.zeros(bits.HASH_BITS + 1, np.int64)
    for one in left.of(algorithm):
        for other in right.of(algorithm):
            if one.view in _PLAIN and other.view in _PLAIN:
                near = bits.distance_matrix(one.hashes, other.hashes)
                counts += np.bincount(near.ravel(), minlength=bits.HASH_BITS + 1)
    return counts


def _share(counts: NDArray[np.int64], distance: int) -> str:
    within = int(counts[: distance + 1].sum())
    return f"{within / counts.sum():.1e}" if within else f"0 (≤ {3 / counts.sum():.0e})"


if __name__ == "__main__":
    main()
