"""Negatives that fool local features, on the list and beside it: templates and drawn screens.

Each kind is on the list, and clips of the same kind with other content are checked and must find
nothing; so must the listed ones, each with itself left out.
"""

import hashlib
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from benchmarks.attacks import generated, screens, sources, templates
from benchmarks.attacks.clips import PROCESSES
from benchmarks.attacks.drawing import u8
from benchmarks.attacks.edit import x264
from benchmarks.attacks.encoding import encoded
from benchmarks.attacks.footage import Footage, Frame
from benchmarks.attacks.screens import SCREENS
from benchmarks.attacks.sources import CACHE, Source
from benchmarks.attacks.templates import HEIGHT, TEMPLATES, WIDTH

_FPS: Final = 20.0
_SECONDS: Final = 6.0
_ENCODING: Final = x264(26)
# Each template is on the list once, which is the hardest: what one reference alone has cannot be
# known to be common. Screens are on it twice.
_LISTED_TEMPLATES, _LISTED_SCREENS, _CHECKED = (1,), (1, 4), (2, 3)
_CLOUDS: Final = 3  # the seed whose world has hardly a corner of its own: the template has them all


@dataclass(frozen=True, slots=True)
class _Plan:
    """A decoy to be made: ``around`` is the real footage in it, None where it is drawn."""

    kind: str
    seed: int
    around: Source | None = None

    @property
    def group(self) -> str:
        """Whose footage it shows: its own, or that of the real clip in it."""
        return self.around.group if self.around else f"{self.kind} {self.seed}"

    @property
    def path(self) -> Path:
        """Where it is kept."""
        what = self.around.name if self.around else str(self.seed)
        return CACHE / "decoys" / f"{self.kind.replace(' ', '-')}-{what}-{_version()}.mp4"

    @property
    def source(self) -> Source:
        """As a clip to be listed or checked, under a name that changes with its code."""
        return Source(self.path.stem, self.path, self.group, self.kind, _SECONDS)


def load(unlisted: tuple[Source, ...]) -> tuple[tuple[Source, ...], tuple[Source, ...]]:
    """Those on the list, and those that are on none; made where they are missing.

    Some of the latter are of ``unlisted``: real footage that is on no list, in a listed template.
    """
    listed = [
        *(_Plan(kind, seed) for kind in TEMPLATES for seed in _LISTED_TEMPLATES),
        *(_Plan(kind, seed) for kind in SCREENS for seed in _LISTED_SCREENS),
    ]
    checked = [_Plan(kind, seed) for kind in (*TEMPLATES, *SCREENS) for seed in _CHECKED]
    for place, kind in enumerate(TEMPLATES):
        checked += [_Plan(kind, 0, unlisted[(2 * place + n) % len(unlisted)]) for n in range(2)]
    missing = [plan for plan in (*listed, *checked) if not plan.path.exists()]
    if missing:
        with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
            for done, _ in enumerate(pool.imap_unordered(_make, missing), 1):
                if done % 20 == 0:
                    print(f"{done} of {len(missing)} decoys made", flush=True)
    return tuple(one.source for one in listed), tuple(one.source for one in checked)


@cache
def _version() -> str:
    modules = (templates.__file__, screens.__file__, __file__)
    return hashlib.sha256(b"".join(Path(name).read_bytes() for name in modules)).hexdigest()[:8]


def _make(plan: _Plan) -> None:
    sources.write(plan.path, encoded(footage_of(plan.kind, plan.seed, plan.around), _ENCODING))


def footage_of(kind: str, seed: int, around: Source | None = None) -> Footage:
    """A decoy's footage; drawn from its kind and seed alone, or around a real clip's."""
    number = int.from_bytes(hashlib.sha256(f"{kind}|{seed}".encode()).digest()[:4])
    if kind in SCREENS:
        shown = SCREENS[kind](np.random.default_rng(number))
        return _footage(f"{kind} {seed}", lambda frame: shown(frame / _FPS))
    if around is not None:
        return TEMPLATES[kind](sources.read(around, most_s=_SECONDS))
    if seed == _CLOUDS:
        clouds = generated.scenery(number, _SECONDS)
        return TEMPLATES[kind](replace(clouds, owners=(f"{kind} {seed}",) * len(clouds)))
    return TEMPLATES[kind](_world(f"{kind} {seed}", number))


def _world(group: str, seed: int) -> Footage:
    """A window that wanders over shapes on smooth shades; unrelated for different seeds."""
    random = np.random.default_rng(seed)
    canvas = u8(cv2.resize(random.uniform(30, 220, (9, 12, 3)), (1200, 900)))
    for _ in range(90):
        blue, green, red = (int(value) for value in random.integers(0, 256, 3))
        x, y = (int(value) for value in random.uniform(0, 1, 2) * (1200, 900))
        size = int(random.integers(12, 90))
        if random.random() < 0.5:
            corners = random.normal(0, size, (int(random.integers(3, 7)), 2)) + np.array([x, y])
            cv2.fillPoly(canvas, [corners.astype(np.int32)], (blue, green, red), cv2.LINE_AA)
        else:
            thickness = -1 if size < 50 else 6
            cv2.circle(canvas, (x, y), size, (blue, green, red), thickness, cv2.LINE_AA)
    grained = u8(canvas + random.normal(0, 8, (900, 1200, 1)))
    phases = random.uniform(0, 2 * np.pi, 2)
    room = np.array([900 - HEIGHT, 1200 - WIDTH]) / 2

    def shown(number: int) -> Frame:
        angles = number / _FPS * np.array([0.5, 0.8]) + phases
        top, left = (room * (1 + np.sin(angles))).astype(int)
        return grained[top : top + HEIGHT, left : left + WIDTH]

    return _footage(group, shown)


def _footage(group: str, shown: Callable[[int], Frame]) -> Footage:
    count = round(_SECONDS * _FPS)
    times_ms = (np.arange(count) * 1000.0 / _FPS).astype(np.float64)
    return Footage(_FPS, HEIGHT, WIDTH, (group,) * count, times_ms, shown)
