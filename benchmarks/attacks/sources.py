"""What is listed, what is copied, what is never listed: real clips where they are, else scenes."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.attacks import generated
from benchmarks.attacks.drawing import covering
from benchmarks.attacks.edit import PLAIN
from benchmarks.attacks.encoding import decoded, encoded, to_bgr
from benchmarks.attacks.footage import Footage, joined
from benchmarks.footage import dev_rows
from benchmarks.peers.sample_set import videos_folder

CACHE: Final = Path(__file__).resolve().parents[2] / ".bench" / "attacks"
REAL: Final = "footage"  # the kind of real clips, and of what stands in for them
LONGEST_PX: Final = 640
MOST_S: Final = 24.0  # of a source are copied: enough to cut 20 s from a random place
LEAST_S: Final = 4.0
_MOST_FPS: Final = 30.0
_UNLISTED_SHARE: Final = 8  # one real clip in so many is on no list
_PROCEDURAL_SCENES: Final = 16  # where there are no real clips


@dataclass(frozen=True, slots=True)
class Source:
    """A clip to be listed, copied or checked.

    ``group``: clips of one group show one footage; ``kind``: ``REAL`` or a procedural kind.
    """

    name: str
    path: Path
    group: str
    kind: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class Sources:
    """``listed`` are references, ``unlisted`` are copied as well and must not be found; ``extra``
    are real transcodes of listed clips; ``negatives`` are procedural and checked as they are and
    edited."""

    listed: tuple[Source, ...]
    unlisted: tuple[Source, ...]
    extra: tuple[Source, ...]
    negatives: tuple[Source, ...]


def load() -> Sources:
    """All sources, the same on every run; procedural ones are made where they are missing."""
    rows = [_of_row(row) for row in dev_rows("source")]
    real = rows or [_scene(seed) for seed in range(100, 100 + _PROCEDURAL_SCENES)]
    by_lot = sorted(real, key=lambda source: hashlib.sha256(source.group.encode()).digest())
    long = [source for source in by_lot if LEAST_S <= source.duration_s <= 60]
    unlisted = long[: max(4, len(real) // _UNLISTED_SHARE)]
    groups = {source.group for source in unlisted}
    kinds = generated.KINDS.items()
    templates = [_generated(kind, make, 1) for kind, make in kinds]
    # A channel's intro is common: on the list three times over, with other shows.
    shows = [_generated("shared intro", generated.KINDS["shared intro"], seed) for seed in (3, 4)]
    return Sources(
        listed=tuple([one for one in real if one.group not in groups] + templates + shows),
        unlisted=tuple(unlisted),
        extra=tuple(
            variant for variant in map(_of_row, dev_rows("variant")) if variant.group not in groups
        ),
        negatives=tuple(_generated(kind, make, 2) for kind, make in kinds),
    )


def read(source: Source, *, longest_px: int = LONGEST_PX, most_s: float = MOST_S) -> Footage:
    """A source's footage at a constant rate of at most 30, with the file's own times as truth."""
    planes, times_ms = decoded(str(source.path), longest_px, most_s)
    stamps = np.maximum.accumulate(np.array(times_ms))
    step_ms = float(np.median(np.diff(stamps))) if len(stamps) > 1 else 40.0
    length_ms = float(stamps[-1]) + step_ms
    fps = round(min(_MOST_FPS, 1000.0 * len(stamps) / length_ms), 3)
    instants = np.arange(max(1, int(length_ms * fps / 1000.0))) * 1000.0 / fps
    rows = np.clip(np.searchsorted(stamps, instants + 1e-3, side="right") - 1, 0, None)
    size = (planes[0].shape[0] * 2 // 3, planes[0].shape[1])
    return Footage(
        fps,
        *size,
        (source.group,) * len(rows),
        stamps[rows],
        lambda number: to_bgr(planes[int(rows[number])]),
    )


def elsewhere(unlisted: tuple[Source, ...], seconds: float = 62.0) -> Footage:
    """A minute of footage that is on no list: small, 15 frames a second, cut after cut."""
    parts: list[Footage] = []
    gathered_s = 0.0
    while gathered_s < seconds:
        for source in unlisted:
            part = read(source, longest_px=426, most_s=15.0).at_rate(15.0)
            parts.append(covering(part, 240, 426).nobodys())
            gathered_s += part.duration_s
            if gathered_s >= seconds:
                break
    return joined(parts)


def _of_row(row: dict[str, str]) -> Source:
    return Source(
        name=row["file"].split("_")[0],
        path=videos_folder() / "dev" / row["file"],
        group=row["group"],
        kind=REAL,
        duration_s=float(row["duration_s"]),
    )


def _scene(seed: int) -> Source:
    made = _generated("long scenery", lambda seed: generated.scenery(seed, 10.0), seed)
    return replace(made, kind=REAL)


def _generated(kind: str, make: Callable[[int], Footage], seed: int) -> Source:
    code = Path(generated.__file__).read_bytes()
    name = f"{kind.replace(' ', '-')}-{seed}"
    path = CACHE / "generated" / f"{name}-{hashlib.sha256(code).hexdigest()[:8]}.mp4"
    footage = make(seed)
    if not path.exists():
        write(path, encoded(footage, PLAIN))
    group = next(owner for owner in reversed(footage.owners) if owner is not None)
    return Source(name, path, group, kind, footage.duration_s)


def write(path: Path, content: bytes) -> None:
    """All of it or nothing, so that a stopped run leaves no half clip in the cache."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f"{path.suffix}.partial")
    partial.write_bytes(content)
    partial.replace(path)
