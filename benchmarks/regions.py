"""How exactly the picture's rectangle is found in copies with borders or a surround.

The truth comes from the edits themselves: each is applied to two opposite chessboards, and the
picture is where the two copies differ. Copies are as the detection benchmark makes them.
"""

import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.attacks import clips, sources
from benchmarks.attacks.clips import Copy
from benchmarks.attacks.edit import Edit, Material, Recipe, Severity
from benchmarks.attacks.footage import Footage
from benchmarks.attacks.sources import LEAST_S, REAL, Source
from benchmarks.report import Report, arguments
from hashing.decode import Limits, open_media
from hashing.rectangle import Rectangle
from hashing.regions import RegionFinder

_EDITS: Final = ("e3", "e3p", "e4", "e4p", "e4f", "e5b", "e10", "g1", "g3")
_FAST_SOURCES: Final = 8  # and medium severity only
_MOST_S: Final = 20.0
_WITHIN: Final = (0.005, 0.01, 0.02)  # of the picture's side, at the worst of its four edges
_CHECK_PX: Final = 8  # a blurred fill of a chessboard this fine is an even grey


@dataclass(frozen=True, slots=True)
class _Found:
    """What the finder gave for one clip, and what it cost."""

    size: tuple[int, int]
    regions: tuple[Rectangle, ...]
    frame_ms: float


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    report = Report("regions", "Regions")
    every = sources.load()
    real = [s for s in every.listed if s.kind == REAL and LEAST_S <= s.duration_s <= _MOST_S]
    chosen = clips.spread(real, _FAST_SOURCES if flags.fast else len(real))
    severities = [Severity.MEDIUM] if flags.fast else list(Severity)
    edits = [clips.by_key()[key] for key in _EDITS]
    whole = {source: _find(source.path) for source in chosen}
    listed = {source: _find(source.path, surround=False) for source in chosen}
    errors: dict[tuple[str, Severity], list[float]] = defaultdict(list)
    costs_ms = []
    for copy in clips.ready(clips.tasks_of(chosen, edits, severities), (), every.unlisted):
        found = _find(copy.path)
        costs_ms.append(found.frame_ms)
        truths = _truths(copy, clips.by_key()[copy.task.edit], listed[copy.task.source])
        errors[clips.by_key()[copy.task.edit].name, copy.task.severity].append(
            min(_error(one, truth) for one in found.regions for truth in truths)
        )
    _tell(report, errors, len(chosen))
    _tell_rest(report, whole, costs_ms)
    report.finish(write=flags.write)


def _tell(
    report: Report, errors: dict[tuple[str, Severity], list[float]], source_count: int
) -> None:
    report.text(
        f"Copies of {source_count} development clips: share whose best region (the whole frame "
        "counts as one) has all four edges within so much of the picture's side. Where a source "
        "has borders of its own, the picture inside these is right as well: its reference holds it."
    )
    rows = []
    for (name, severity), worst in errors.items():
        shares = [float(np.mean(np.array(worst) <= limit)) for limit in _WITHIN]
        rows.append([name, severity, len(worst), *(f"{share:.0%}" for share in shares)])
        report.figure(f"{name.split()[0]}_{severity}_within_1_percent", shares[1])
    report.table(["edit", "severity", "copies", *(f"{limit:.1%}" for limit in _WITHIN)], rows)


def _tell_rest(report: Report, whole: dict[Source, _Found], costs_ms: list[float]) -> None:
    regions = [found for found in whole.values() if len(found.regions) > 1]
    cost_ms = float(np.median(costs_ms))
    report.text(
        f"{len(regions)} of the {len(whole)} clips as they are get a region beside the whole frame "
        "(some have borders), which costs time and no more. The finder takes "
        f"{cost_ms:.1f} ms for each frame it sees, the search at the end included."
    )
    report.figure("clips_as_they_are_with_region", len(regions))
    report.figure("finder_frame_ms", cost_ms)


def _find(path: Path, *, surround: bool = True) -> _Found:
    finders: dict[tuple[int, int], RegionFinder] = {}
    media, frames, took_s = open_media(path.read_bytes(), Limits()), 0, 0.0
    for source in (media.key_frames, media.first_frames):
        for frame in source():
            size = (frame.luma.shape[0], frame.luma.shape[1])
            finder = finders.setdefault(size, RegionFinder(surround=surround))
            started_s = time.process_time()
            finder.add(frame.luma)
            took_s += time.process_time() - started_s
            frames += 1
    size = next(iter(finders))
    started_s = time.process_time()
    regions = finders[size].find(*size).values()
    took_s += time.process_time() - started_s
    return _Found(size, (Rectangle(0, 0, *size), *regions), 1000 * took_s / frames)


def _truths(copy: Copy, edit: Edit, listed: _Found) -> list[Rectangle]:
    """The picture's rectangle in a copy, and where its source has borders, that inside them."""
    true = _true(copy, edit.recipes[copy.task.severity])
    truths = [true]
    for own in listed.regions[1:]:
        down = (true.bottom - true.top) / listed.size[0]
        across = (true.right - true.left) / listed.size[1]
        truths.append(
            Rectangle(
                round(true.top + own.top * down),
                round(true.left + own.left * across),
                round(true.top + own.bottom * down),
                round(true.left + own.right * across),
            )
        )
    return truths


def _true(copy: Copy, recipe: Recipe) -> Rectangle:
    footage = sources.read(copy.task.source, most_s=1.0)
    shown = [
        recipe.apply(_chessboard(footage, phase), _material(footage)).shown(0).astype(np.int16)
        for phase in (0, 1)
    ]
    differs = np.abs(shown[0] - shown[1]).max(axis=2) > 100
    rows = np.flatnonzero(differs.mean(axis=1) > 0.1)
    columns = np.flatnonzero(differs.mean(axis=0) > 0.1)
    return Rectangle(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _chessboard(footage: Footage, phase: int) -> Footage:
    rows, columns = np.indices((footage.height, footage.width)) // _CHECK_PX
    board = (255 * ((rows + columns + phase) % 2)).astype(np.uint8)
    return footage.each(lambda frame, _: np.repeat(board[:, :, None], 3, axis=2))


def _material(footage: Footage) -> Material:
    """What is drawn by lot (colours, texts, photos) leaves the rectangle as it is."""
    return Material(np.random.default_rng(1), footage, ())


def _error(found: Rectangle, true: Rectangle) -> float:
    """How far the worst edge is away, as a share of the picture's side."""
    down = max(abs(found.top - true.top), abs(found.bottom - true.bottom))
    across = max(abs(found.left - true.left), abs(found.right - true.right))
    return max(down / (true.bottom - true.top), across / (true.right - true.left))


if __name__ == "__main__":
    main()
