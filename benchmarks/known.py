"""Known copies as long as those that people pass on: mild edits of clips of 40 s.

Encoded as messengers do it: x264 with its default group of 250 pictures. The suite's own copies
are shorter, and most of them encoded in a hurry, which makes a decode cheaper than that of a real
clip.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.attacks import catalogue, sources
from benchmarks.attacks.edit import PLAIN, Edit, Material, Severity, x264
from benchmarks.attacks.encoding import encoded
from benchmarks.attacks.footage import Footage, NotApplicable
from benchmarks.attacks.sources import REAL, Source
from benchmarks.footage import clip_480p

LEAST_S = 30.0
_LENGTH_S = 40
_CACHE = sources.CACHE.parent / "known"
_USUAL = x264(23)  # x264's own default quality
# Whole edits that show less than the copy itself belong to other questions than that of cost.
_LEFT_OUT = {"f1", "f1s"}


@dataclass(frozen=True, slots=True)
class Known:
    """A copy, and the listed clip that it is one of."""

    edit: str
    label: str
    path: Path
    original: Path


def originals(skips: tuple[int, ...]) -> list[Path]:
    """The listed clips, from the development sources with these numbers on."""
    return [clip_480p(_LENGTH_S, skip=skip) for skip in skips]


def copies(listed: list[Path]) -> Iterator[Known]:
    """A copy of each of these by each mild edit that leaves 30 s of it or more."""
    other = sources.elsewhere(sources.load().unlisted)
    for place, original in enumerate(listed):
        footage = _read(original)
        beside = _read(listed[place - 1], longest_px=426)
        for edit in catalogue.edits(catalogue.WHOLE_FRAME):
            if Severity.MILD in edit.recipes and edit.key not in _LEFT_OUT:
                made = _copy(edit, original, footage, other, beside)
                if made is not None:
                    yield made


def _read(path: Path, longest_px: int = sources.LONGEST_PX) -> Footage:
    source = Source(path.stem, path, path.stem, REAL, float(_LENGTH_S))
    return sources.read(source, longest_px=longest_px, most_s=_LENGTH_S)


def _copy(
    edit: Edit, original: Path, footage: Footage, other: Footage, beside: Footage
) -> Known | None:
    recipe = edit.recipes[Severity.MILD]
    encoding = _USUAL if recipe.encoding is PLAIN else recipe.encoding
    name = f"{original.stem}-{edit.key}-{catalogue.version(edit.family)}{encoding.suffix}"
    path = _CACHE / name
    if not path.exists():
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
        try:
            copy = recipe.apply(
                footage, Material(np.random.default_rng(seed), other, (beside,) * 7)
            )
        except NotApplicable:
            return None
        if copy.duration_s < LEAST_S:
            return None
        sources.write(path, encoded(copy, encoding))
    return Known(edit.name, recipe.label, path, original)
