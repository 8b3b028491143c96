"""The peer's own sample set: which clips show the same footage, and what vPDQ finds in it.

The clips are tmk/sample-videos of facebook/ThreatExchange: a chair, a pattern (each in several
cuts, sizes, colours and overlays), a door knob and a padded test picture. They are not part of
this project; RECIRC_BENCH_VIDEOS names the folder whose ``tmk`` folder holds them.

``python -m benchmarks.peers.sample_set`` prints what the peer finds with its shipped settings.
"""

import os
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path

from benchmarks.peers.vpdq import REPOSITORY, VERSION, PeerFrame, hash_videos, is_match

# The file names tell the footage; families as in tmk/README.md of the peer.
FAMILIES = ("chair", "pattern", "doorknob", "test-padded-dimensions")

Pair = tuple[Path, Path]


def videos_folder() -> Path:
    """The folder of benchmark footage: RECIRC_BENCH_VIDEOS, else ../shared/videos of the repo."""
    named = os.environ.get("RECIRC_BENCH_VIDEOS")
    return Path(named) if named else REPOSITORY.parent / "shared" / "videos"


def families(folder: Path, pattern: str = "*.mp4") -> dict[str, list[Path]]:
    """Group the files of `folder` by the footage they show, each group sorted by name.

    With ``pattern="*.txt"`` it groups the peer's published hashes, named like the videos.

    Raises: FileNotFoundError when nothing fits `pattern`; ValueError for a file of no family.
    """
    groups: dict[str, list[Path]] = {name: [] for name in FAMILIES}
    for path in sorted(folder.glob(pattern)):
        groups[_family(path)].append(path)
    if not any(groups.values()):
        raise FileNotFoundError(f"no {pattern} in {folder}; set RECIRC_BENCH_VIDEOS")
    return groups


def directed_pairs(groups: Mapping[str, Sequence[Path]]) -> tuple[list[Pair], list[Pair]]:
    """All ordered pairs (query, reference) of different files: of one family, of two families.

    The 14 public files make 62 true pairs and 120 false ones; all 16 make 92 and 148.
    """
    family = {path: name for name, paths in groups.items() for path in paths}
    pairs = list(permutations(family, 2))
    true = [pair for pair in pairs if family[pair[0]] == family[pair[1]]]
    false = [pair for pair in pairs if family[pair[0]] != family[pair[1]]]
    return true, false


def published_hashes(path: Path) -> list[PeerFrame]:
    """Read the peer's frame hashes of one video, from vpdq/sample-hashes (every frame is there).

    Each line is ``frame,quality,hash,timestamp``: the hash in hex, the timestamp in seconds.

    Raises: ValueError for a line of another form.
    """
    frames = []
    for line in path.read_text(encoding="ascii").splitlines():
        frame, quality, pdq_hex, timestamp_s = line.split(",")
        frames.append(
            PeerFrame(int(frame), int(quality), bytes.fromhex(pdq_hex), float(timestamp_s))
        )
    return frames


def found(pairs: Sequence[Pair], hashes: Mapping[str, Sequence[PeerFrame]]) -> list[Pair]:
    """The pairs that vPDQ with its shipped settings calls a match; `hashes` is by ``str(path)``."""
    return [
        (query, reference)
        for query, reference in pairs
        if is_match(hashes[str(query)], hashes[str(reference)])
    ]


def _family(path: Path) -> str:
    for name in FAMILIES:
        if path.name.startswith(name):
            return name
    raise ValueError(f"{path.name} belongs to no family of the peer's sample set")


def main() -> None:
    """Hash the clips with vPDQ and print what it finds, on one line."""
    groups = families(videos_folder() / "tmk")
    true, false = directed_pairs(groups)
    hashes = hash_videos([path for paths in groups.values() for path in paths])
    print(
        f"vPDQ {VERSION}, {len(hashes)} clips: {len(found(true, hashes))} of {len(true)} "
        f"true pairs found, {len(found(false, hashes))} of {len(false)} false ones"
    )


if __name__ == "__main__":
    main()
