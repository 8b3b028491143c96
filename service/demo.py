"""The demo: proof of an installation with a harmless clip, as EICAR's file is for virus scanners.

It goes the whole way, through encoder, decoder, hashes, a database of its own and the verdict;
the user's database is never touched, and nothing is downloaded.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing.ranges import Range
from hashing.verdict import Verdict
from hashing.views import View
from service import curating, scenery
from service.checking import Checker, CheckResult
from service.media.decoding import Decoding
from service.store.sqlite import SqliteStore

LIST: Final = "demo"
REFERENCE: Final = "harmless"
_SECONDS: Final = 10
_WIDTH_PX: Final = 320
_HEIGHT_PX: Final = 240
_CUT_S: Final = (3, 8)
_ORIGINAL_SEED: Final = 1
_OTHER_SEED: Final = 2
_TOLERANCE_MS: Final = 600  # two sampling steps of a clip, and rounding
_LEAST_SHARE: Final = 0.8  # of the expected range that has to be found


@dataclass(frozen=True, slots=True)
class Expectation:
    """What has to come out for one copy; ``view`` and ``reference_ms`` None for no match."""

    verdict: Verdict
    view: View | None
    reference_ms: Range | None


@dataclass(frozen=True, slots=True)
class Trial:
    """One clip of the demo, what came out, and what had to."""

    name: str
    result: CheckResult
    expected: Expectation

    @property
    def right(self) -> bool:
        """Whether all came out as it had to."""
        if self.result.verdict is not self.expected.verdict or self.result.problems:
            return False
        if self.expected.reference_ms is None:
            return not self.result.matches
        finding = self.result.matches[0].finding
        return finding.view == self.expected.view and _covers(
            finding.reference_ranges_ms, self.expected.reference_ms
        )


def run(decoding: Decoding, on_start: Callable[[str], None] = lambda name: None) -> Iterator[Trial]:
    """Make the clips, list the first, check the others; one trial a clip, when it is done."""
    on_start("a harmless clip")
    scene = _scene(_ORIGINAL_SEED)
    with TemporaryDirectory(prefix="recirc-demo-") as folder:
        store = SqliteStore(Path(folder) / "demo.sqlite3")
        try:
            curating.add_media(
                store,
                decoding,
                LIST,
                scenery.encode(scene),
                reference_id=REFERENCE,
                label="harmless demo clip",
                incident=None,
            )
            checker = Checker(store, decoding)
            for name, expected, media in _copies(scene):
                on_start(name)
                yield Trial(name, checker.check(media()), expected)
        finally:
            store.close()


def _copies(
    scene: NDArray[np.uint8],
) -> Iterator[tuple[str, Expectation, Callable[[], bytes]]]:
    """Each copy with what has to come out; its media is made when it is asked for."""
    whole = (0, _SECONDS * 1000)
    first, last = (second * scenery.FRAMES_A_SECOND for second in _CUT_S)
    cut = (_CUT_S[0] * 1000, _CUT_S[1] * 1000)
    yield (
        "re-encoded small",
        Expectation(Verdict.MATCH, View.AS_IS, whole),
        lambda: scenery.encode(scenery.shrunk(scene, 160, 120), quality=35),
    )
    yield (
        "mirrored",
        Expectation(Verdict.MATCH, View.MIRRORED, whole),
        lambda: scenery.encode(scene[:, :, ::-1]),
    )
    yield (
        "letterboxed",
        Expectation(Verdict.MATCH, View.BORDERLESS, whole),
        lambda: scenery.encode(scenery.letterboxed(scene, 60)),
    )
    yield (
        "cut out of the middle",
        Expectation(Verdict.MATCH, View.AS_IS, cut),
        lambda: scenery.encode(scene[first:last], quality=28),
    )
    yield (
        "an unrelated clip",
        Expectation(Verdict.NO_MATCH, None, None),
        lambda: scenery.encode(_scene(_OTHER_SEED)),
    )


def _scene(seed: int) -> NDArray[np.uint8]:
    return scenery.frames(seed, seconds=_SECONDS, width_px=_WIDTH_PX, height_px=_HEIGHT_PX)


def _covers(found: tuple[Range, ...], expected: Range) -> bool:
    """Whether most of the expected range was found, and nothing beyond it."""
    inside_ms = sum(max(0, min(end, expected[1]) - max(start, expected[0])) for start, end in found)
    beyond = any(
        start < expected[0] - _TOLERANCE_MS or end > expected[1] + _TOLERANCE_MS
        for start, end in found
    )
    return inside_ms >= _LEAST_SHARE * (expected[1] - expected[0]) and not beyond
