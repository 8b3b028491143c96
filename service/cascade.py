"""The cascade: when patches are asked for, in which looks, and the patch hashes of loaded lists.

Whole frames are cheap and settle nearly all copies. Patches are for what they leave open, and are
read from the store only then.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Final

from hashing.extract import CLIP
from hashing.fingerprint import PDQ, Fingerprint, Kind
from hashing.lanes import Sampling
from hashing.matching import Finding
from hashing.patch_track import Look
from hashing.patches import leads as leading
from hashing.patches.leads import Lead, Placement
from hashing.patches.matching import Asking, Owner, PatchedList, PatchPart
from hashing.reference import Policy
from hashing.tiles import matching as matching_tiles
from hashing.tiles import tiling
from hashing.tiles.comparing import ClipTiles
from hashing.verdict import DecisionPolicy, Verdict
from service.errors import ListNotFound, ReferenceNotFound
from service.loading import LoadedList
from service.media.decoding import Taking
from service.store.base import Store

# The first three share their corners, and find nearly everything; the others follow where these
# found nothing.
ROUNDS: Final = (
    (Look.AS_IS, Look.MIRRORED, Look.NEGATIVE),
    (Look.CLOSER,),
    (Look.WIDENED, Look.HEIGHTENED),
)
MOST_LEADS: Final = 3  # that are followed in a round; each costs as much as a key frame or two
# So many more ways to look at the clip are tried; one is to look for a screen in it.
PLACED_LOOKS: Final = leading.MOST_WHOLE * MOST_LEADS * len(ROUNDS) + 1
TILED_LOOKS: Final = tiling.COUNT * leading.MOST_PLACEMENTS * MOST_LEADS * len(ROUNDS)
HELD_FRAMES: Final = 24  # of each video track: 12 to 24 are left of a long clip
THOROUGH_FRAMES: Final = 96
_MOST_PARTS: Final = 8  # each is one more look-up; then all are joined
# Crops to half, windows, turns and filmed screens of these references are not found.
_WITHOUT_PATCHES: Final = "references_without_patches"
# The same of all references: a fingerprint holds whole frames alone.
_CLIP_WITHOUT: Final = "clip_without_patches"


@dataclass(frozen=True, slots=True)
class Led:
    """A lead, and the name of the list that its reference is on."""

    list: str
    lead: Lead


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture that was taken out of a clip's frames: its whole frames, and its tiles.

    ``led`` is None of a screen, which was found without any reference. ``fingerprint`` has no
    tracks where too little of the picture is there, or it was compared already.
    """

    fingerprint: Fingerprint
    led: Led | None = None
    tiles: ClipTiles | None = None

    def seen(self, finding: Finding) -> Finding:
        """A finding of its whole frames as one of the clip."""
        return finding if self.led is None else replace(finding, view=self.led.lead.window)

    def tells(self, finding: Finding) -> bool:
        """Whether it says something: a picture that was chosen out of a clip is alike by that
        choice, and a possible match needs changes that agree."""
        by_time = bool(finding.reference_ranges_ms) and not finding.only_alike
        return by_time or finding.verdict is Verdict.MATCH


def taken_out(
    taking: Taking, leads: Sequence[Led], looks: Sequence[Look]
) -> Iterator[list[Placed]]:
    """The pictures that a round of these looks gives reason to take out of the clip.

    First those that the strongest leads point to, then, after the first round, a screen's: each
    step is asked of the decoder only when it is wanted. Raises MediaError.
    """
    chosen = sorted(leads, key=lambda one: -one.lead.cells)[:MOST_LEADS]
    yield [_placed(taking, led, one) for led in chosen for one in led.lead.placed()]
    if looks == ROUNDS[0]:
        screen = taking.screen().fingerprint
        yield [Placed(screen)] if screen.tracks else []


def asking(clip: Fingerprint, searched_frames: int, policy: DecisionPolicy) -> Asking:
    """A clip that is asked about by its tiles, where so many reference frames are searched."""
    return Asking((), clip, float(THOROUGH_FRAMES * TILED_LOOKS * searched_frames), policy)


def tiled(
    placed: Sequence[Placed], list_name: str, patched: PatchedList, clip: Asking
) -> list[Finding]:
    """What the tiles of these pictures of a clip show of a list."""
    mine = [
        (one.led.lead, one.tiles)
        for one in placed
        if one.led is not None and one.tiles is not None and one.led.list == list_name
    ]
    return matching_tiles.findings(mine, patched, clip)


def _placed(taking: Taking, led: Led, placement: Placement) -> Placed:
    """A lead's picture, taken out of the clip in one way."""
    taken = taking.straightened(placement.placing)
    fingerprint = taken.fingerprint
    if not placement.as_a_whole:
        fingerprint = replace(fingerprint, tracks=())
    tiles = [ClipTiles.of(track, placement.placing) for track in taken.patches]
    return Placed(fingerprint, led, tiles[0] if tiles else None)


def is_wanted(lists: Sequence[LoadedList]) -> bool:
    """Whether a listed reference can be found by patches."""
    return any(one.info.patched for one in lists if one.info.policy is Policy.BLOCK)


def sampling(lists: Sequence[LoadedList], *, thorough: bool) -> Sampling:
    """How to look at a clip for these lists.

    Without PDQ where no reference is PDQ alone, and with frames held where one has patch hashes.
    """
    needs_pdq = any(PDQ in one.index.algorithms for one in lists)
    chosen = CLIP if needs_pdq else replace(CLIP, pdq_interval_ms=None)
    if not is_wanted(lists):
        return chosen
    return replace(chosen, held_frames=THOROUGH_FRAMES if thorough else HELD_FRAMES)


def notes(lists: Sequence[LoadedList], *, has_media: bool = True) -> tuple[str, ...]:
    """A note where there is a reference that only whole frames can find.

    Without media, of which patches could be taken, that is every one.
    """
    blocking = [one.info for one in lists if one.info.policy is Policy.BLOCK]
    said = []
    if any(info.patched < info.references for info in blocking):
        said.append(_WITHOUT_PATCHES)
    if not has_media and is_wanted(lists):
        said.append(_CLIP_WITHOUT)
    return tuple(said)


class Patches:
    """The patch hashes of one store's lists, read when first needed. Usable from several threads.

    What is read stays, in parts: a changed list costs what is new in it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._lists: dict[str, tuple[LoadedList, PatchedList, tuple[PatchPart, ...]]] = {}

    def of(self, loaded: LoadedList) -> PatchedList:
        """A list's patch hashes. Raises StoreError, ListNotFound."""
        name = loaded.info.name
        with self._lock:
            before = self._lists.get(name)
            if before is None or before[0] is not loaded:
                parts = () if before is None else before[2]
                before = (loaded, *self._read(loaded, parts))
                self._lists[name] = before
            return before[1]

    def forget_all_but(self, names: frozenset[str]) -> None:
        """Let go of lists that are no more."""
        with self._lock:
            for name in self._lists.keys() - names:
                del self._lists[name]

    def _read(
        self, loaded: LoadedList, before: tuple[PatchPart, ...]
    ) -> tuple[PatchedList, tuple[PatchPart, ...]]:
        """The list's patch hashes, and the parts that they are in."""
        known = frozenset(key for part in before for key in part.keys)
        found = list(self._store.patches(loaded.info.name, known=known))
        new = [(one.digest, one.tracks) for one in found if one.tracks is not None]
        parts = _joined((*before, PatchPart.of(new)), frozenset(one.digest for one in found))
        numbers = loaded.numbers
        owners = {
            one.digest: Owner(number, loaded.index.group(number), loaded.index.duration_ms(number))
            for one in found
            for number in [numbers.get(one.id)]
            if number is not None  # else added since, and for the next version
        }
        return PatchedList(parts, owners, partial(self._fingerprint, loaded)), parts

    def _fingerprint(self, loaded: LoadedList, number: int) -> Fingerprint:
        """A reference's; one without hashes where it was removed meanwhile."""
        try:
            return self._store.get_reference(
                loaded.info.name, loaded.references[number][0]
            ).fingerprint
        except (ListNotFound, ReferenceNotFound):
            return Fingerprint(Kind.VIDEO, 0, ())


def _joined(parts: tuple[PatchPart, ...], listed: frozenset[str]) -> tuple[PatchPart, ...]:
    """The same parts, or one of all that is listed, where they are many or mostly not listed."""
    filled = tuple(part for part in parts if part.keys)
    gone = sum(key not in listed for part in filled for key in part.keys)
    if len(filled) <= _MOST_PARTS and gone <= len(listed):
        return filled
    kept = ((key, (track,)) for part in filled for key, track in part.tracks() if key in listed)
    return (PatchPart.of(kept),)
