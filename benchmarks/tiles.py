"""What tiles of placed pictures say of copies and of other footage: the table that chose the limits
in ``hashing.tiles.matching``.

Each clip's patches are taken in every look, whatever they find. What they lead to is taken out of
the clip in each way in which it may lie there, and its tiles are compared with the reference's,
true or not. Decoys share a ticker, captions, a logo or a layout with what is listed, and are
cropped as copies are, to little else.
"""

import multiprocessing
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from benchmarks.attacks import cases, choice, clips, decoys, kept, sources
from benchmarks.attacks.cases import Case
from benchmarks.attacks.clips import PROCESSES, Task
from benchmarks.attacks.edit import Severity
from benchmarks.attacks.sources import LEAST_S, REAL, Source
from benchmarks.report import Report, arguments
from hashing.extract import CLIP, Extraction
from hashing.formats import packed_patches
from hashing.patches import leads as leading
from hashing.patches.leads import Lead
from hashing.patches.matching import Asking, Owner, PatchedList, PatchPart
from hashing.tiles.comparing import ClipTiles, Tiled, compare
from hashing.verdict import DEFAULT_POLICY
from hashing.views import View
from service import cascade

# Copies of which parts are there, or something lies over the picture, and how decoys are cropped.
_COPIED: Final = {
    "e1": Severity.SEVERE,
    "k1": Severity.MEDIUM,
    "k2": Severity.MEDIUM,
    "k4": Severity.MEDIUM,
    "l1": Severity.MEDIUM,
    "l1m": Severity.MEDIUM,
    "l4": Severity.MEDIUM,
    "m1": Severity.MEDIUM,
    "o1": Severity.MEDIUM,
}
_CROPPED: Final = ("e1", "k1", "k2")
_LEAST_NATS: Final = 38.0  # a line with less is no match whatever the others say
_KINDS: Final = ("copies", "decoys and other footage")
_STEPS: Final = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.38, 0.45, 1.01)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the tiles of one clip say of one reference, placed as it says most."""

    is_copy: bool
    clip: str
    is_a_part: bool
    is_a_stripe: bool
    common_change: float
    alike: float


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    every = sources.load()
    decoys_listed, decoys_checked = decoys.load(every.unlisted)
    real = [one for one in every.listed if one.duration_s <= cases.FAST_MOST_S]
    listed = [*real, *decoys_listed]
    chosen = list(_cases(every, real, decoys_checked[:: 4 if flags.fast else 1]))
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        pool.map(kept.patches, listed)
    with context.Pool(PROCESSES, _start, (tuple(listed),)) as pool:
        found = [one for some in pool.imap(_seen, chosen, chunksize=4) for one in some]
    report = Report("tiles", "Tiles of copies and of what is laid over other footage")
    _tables(report, found, len(chosen))
    report.finish(write=flags.write)


def _cases(
    every: sources.Sources, real: Sequence[Source], negatives: Sequence[Source]
) -> Iterator[Case]:
    copied = [one for one in real if one.kind == REAL and one.duration_s >= LEAST_S]
    tasks = [
        Task(source, edit, severity)
        for source in clips.spread(copied, choice.FAST_SOURCES)
        for edit, severity in _COPIED.items()
    ]
    tasks += [Task(source, edit, _COPIED[edit]) for source in negatives for edit in _CROPPED]
    yield from map(cases.of_copy, clips.ready(tasks, cases.known(every), every.unlisted))
    yield from map(cases.as_it_is, (*every.unlisted, *every.negatives, *negatives))


_LISTED: list[tuple[PatchedList, tuple[str, ...]]] = []  # one to a process, with groups


def _start(listed: tuple[Source, ...]) -> None:
    packed = {one.group: kept.patches(one) for one in listed}
    part = PatchPart.of((group, packed_patches.unpack(one)) for group, one in packed.items() if one)
    owners = {
        one.group: Owner(number, one.group, round(one.duration_s * 1000))
        for number, one in enumerate(listed)
    }
    patched = PatchedList([part], owners, lambda number: kept.reference(listed[number]))
    _LISTED.append((patched, tuple(one.group for one in listed)))


def _seen(case: Case) -> list[_Seen]:
    """What the clip's leads say, one for each reference."""
    patched, groups = _LISTED[0]
    sampling = replace(CLIP, pdq_interval_ms=None, held_frames=cascade.HELD_FRAMES)
    extraction = Extraction(case.path.read_bytes(), sampling)
    clip = extraction.whole().fingerprint
    best: dict[int, Tiled] = {}
    for looks in cascade.ROUNDS:
        shown = patched.shown(Asking(extraction.patches(looks), clip, 1.0, DEFAULT_POLICY))
        for lead in leading.strongest(shown.leads, cascade.MOST_LEADS):
            for one in _compared(extraction, lead):
                before = best.get(lead.reference)
                if before is None or one.common_change > before.common_change:
                    best[lead.reference] = one
    name = f"{case.edit or 'as it is'} of {case.source.name}"
    return [
        _Seen(
            groups[number] in case.shown,
            name,
            one.is_a_part,
            one.is_a_stripe,
            one.common_change,
            one.alike,
        )
        for number, one in best.items()
    ]


def _compared(extraction: Extraction, lead: Lead) -> Iterator[Tiled]:
    for placement in lead.placed():
        for track in extraction.straightened(placement.placing).patches:
            tiles = ClipTiles.of(track, placement.placing)
            for reference in lead.tiles:
                one = compare(tiles, reference, View())
                if one is not None and one.alignment.evidence_nats >= _LEAST_NATS:
                    yield one


def _tables(report: Report, found: Sequence[_Seen], clips_looked_at: int) -> None:
    report.text(
        f"{clips_looked_at} clips. What patches lead to, true or not, where the strongest tile's "
        f"line has {_LEAST_NATS:.0f} nats and more: how much of all change is common to clip and "
        "reference. Most of the picture: tiles in three rows and three columns at least are whole; "
        "a stripe: all tiles that agree lie in one row or one column."
    )
    groups: dict[tuple[bool, bool, bool], list[_Seen]] = defaultdict(list)
    for one in found:
        groups[one.is_a_part, one.is_a_stripe, one.is_copy].append(one)
    limits = list(zip((-1.0, *_STEPS[:-1]), _STEPS, strict=True))
    report.table(
        ["picture", "agreeing", "of", "pairs", *(f"< {high:g}" for _, high in limits[:-1]), "more"],
        [
            [
                "a part" if part else "most of it",
                "in a stripe" if stripe else "elsewhere",
                _KINDS[not copy],
                len(mine),
                *(sum(low <= one.common_change < high for one in mine) for low, high in limits),
            ]
            for (part, stripe, copy), mine in sorted(groups.items())
        ],
    )
    others = sorted((one for one in found if not one.is_copy), key=lambda one: -one.common_change)
    report.text("Of other footage those with most in common:")
    report.table(
        ["clip", "picture", "agreeing", "common change", "tiles alike"],
        [
            [
                one.clip,
                "a part" if one.is_a_part else "most of it",
                "in a stripe" if one.is_a_stripe else "elsewhere",
                f"{one.common_change:.2f}",
                f"{one.alike:.2f}",
            ]
            for one in others[:12]
        ],
    )
    copies = [one.common_change for one in found if one.is_copy]
    report.figure("pairs_of_copies", len(copies))
    report.figure("median_common_change_of_copies", float(np.median(copies)) if copies else 0.0)
    report.figure("pairs_of_others", len(others))


if __name__ == "__main__":
    main()
