"""Checking: a clip against the lists of a store, from bytes to a verdict with evidence.

One ``Checker`` serves a whole process: it keeps an index a list (``service.loading``), and a change
holds from the next check on.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from hashing import early, matching, verdict
from hashing.coverage import Coverage, Problem
from hashing.errors import MediaError
from hashing.extract import Extract
from hashing.fingerprint import Fingerprint
from hashing.matching import Finding
from hashing.patch_track import PatchTrack
from hashing.patches import leads as leading
from hashing.patches import matching as patch_matching
from hashing.patches.matching import Asking, PatchedList
from hashing.reference import Policy
from hashing.verdict import DEFAULT_POLICY, DecisionPolicy, Verdict
from service import cascade, weighing
from service.cascade import Led, Patches, Placed
from service.errors import DecoderDied, ListNotFound
from service.loading import LoadedList, Loader
from service.media.decoding import Decoding, Taking
from service.results import CheckResult, unscannable
from service.store.base import Store
from service.weighing import Match

__all__ = ["CheckResult", "Checker", "Match", "unscannable"]

# A check against nothing, or not against all that is listed, must not look like "clean".
_NO_REFERENCES: Final = "no_references"
_NOT_COMPARED: Final = "references_not_compared"
_ALLOWED_NEAR_FRAMES: Final = 2  # on one line of an allowed reference: too much for an early end
_OUT_OF_TIME: Final = {Problem.LIMIT_WALL, Problem.LIMIT_CPU}
_EVERY_LINE: Final = 1.0  # as a chance of near matches: no line is too weak to be told


class Checker:
    """Checks clips against the lists of one store. Usable from several threads."""

    def __init__(
        self,
        store: Store,
        decoding: Decoding,
        *,
        snapshots: Path | None = None,
        policy: DecisionPolicy = DEFAULT_POLICY,
        now_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        """``snapshots``: the folder of index files, for lists too long to be indexed each time."""
        self._store = store
        self.decoding = decoding
        self._loader = Loader(store, snapshots)
        self._patches = Patches(store)
        self._policy = policy
        self._now_ms = now_ms

    @property
    def frames(self) -> int:
        """Frame hashes of references in memory, of the lists that were asked for so far."""
        return self._loader.frames

    @property
    def is_loaded(self) -> bool:
        """Whether all lists are in memory as they are now. Raises StoreError."""
        versions = self._store.versions()
        return all(self._loader.has(name, version) for name, version in versions.items())

    def check(
        self,
        media: bytes | BinaryIO,
        *,
        lists: Sequence[str] = (),
        thorough: bool = False,
        decoding: Decoding | None = None,
    ) -> CheckResult:
        """Check a clip against these lists, or all. Bytes that are no media are ``unscannable``.

        Unless ``thorough``, a clip that is clearly a copy as a whole is not decoded in full. Where
        a decoder dies, what its key frames show stands. ``decoding``: by this way of decoding.
        Raises ListNotFound, StoreError, IncompatibleHash, NoCage.
        """
        started_ms = self._now_ms()
        loaded = self.lists(lists)
        keys: Extract | None = None
        try:
            sampling = cascade.sampling(loaded, thorough=thorough)
            with (decoding or self.decoding).opened(media, sampling) as taking:
                keys = taking.key_frames()
                clear = None if thorough else self._early(keys, taking, loaded, started_ms)
                result = clear or self._whole(taking, keys, loaded, started_ms)
        except DecoderDied as error:
            if keys is None:
                result = self._unread(error, loaded, started_ms)
            else:
                result = self._judge(keys, loaded, started_ms, died=error)
        except MediaError as error:
            result = self._unread(error, loaded, started_ms)
        return replace(result, notices=self.decoding.notices)

    def _whole(
        self, taking: Taking, keys: Extract, lists: list[LoadedList], started_ms: int
    ) -> CheckResult:
        """The answer by all of the clip: by whole frames, and by patches where these leave it open.

        A decoder that dies over the patches takes nothing from what was found before, nor does one
        whose time was up from what key frames showed.
        """
        taken = taking.whole()
        result = self._judge(taken, lists, started_ms)
        if not result.matches and _OUT_OF_TIME & set(taken.coverage.problems):
            result = self._judge(replace(keys, coverage=taken.coverage), lists, started_ms)
        if result.verdict is Verdict.MATCH or not cascade.is_wanted(lists):
            return result
        return self._by_patches(taking, taken, lists, result, started_ms)

    def patches(self, lists: list[LoadedList]) -> list[tuple[LoadedList, PatchedList]]:
        """The lists that have patch hashes, with these."""
        return [(one, self._patches.of(one)) for one in lists if one.info.patched]

    def _by_patches(
        self,
        taking: Taking,
        taken: Extract,
        lists: list[LoadedList],
        result: CheckResult,
        started_ms: int,
    ) -> CheckResult:
        """The answer with what patches show, and pictures that were taken out of the clip."""
        clip = taken.fingerprint
        shown: list[PatchTrack] = []
        placed: list[Placed] = []
        blocked: list[Match] = []
        try:
            for looks in cascade.ROUNDS:
                more = taking.patches(looks)
                shown += more
                found, leads = self._patched(clip, more, lists, Policy.BLOCK)
                if _has_match(found) and len(more) < len(shown):
                    # What references of other footage share weighs less, whichever look shows it.
                    found, leads = self._patched(clip, shown, lists, Policy.BLOCK)
                blocked = found if _has_match(found) else weighing.stronger(blocked, found)
                pictures = cascade.taken_out(taking, leads, looks)
                while not _has_match(blocked) and (some := next(pictures, None)) is not None:
                    placed += some
                    blocked = weighing.stronger(
                        blocked, self._placed(clip, some, lists, Policy.BLOCK)
                    )
                if _has_match(blocked):
                    break
            allowed = self._allowed(taking, clip, shown, placed, lists) if blocked else []
        except DecoderDied as error:
            result = self._judge(taken, lists, started_ms, died=error)
            allowed = self._found(clip, lists, Policy.ALLOW) if blocked else []
        return self._merged(result, blocked, allowed, started_ms)

    def _allowed(
        self,
        taking: Taking,
        clip: Fingerprint,
        shown: Sequence[PatchTrack],
        placed: Sequence[Placed],
        lists: list[LoadedList],
    ) -> list[Match]:
        """What allow lists show of the clip, in all the ways in which it was looked at."""
        found, leads = self._patched(clip, shown, lists, Policy.ALLOW)
        every = [*placed, *chain.from_iterable(cascade.taken_out(taking, leads, ()))]
        found += self._placed(clip, every, lists, Policy.ALLOW)
        return found + self._found(clip, lists, Policy.ALLOW)

    def _merged(
        self, result: CheckResult, blocked: list[Match], allowed: list[Match], started_ms: int
    ) -> CheckResult:
        """The result with what else was found, and what allow lists explain of all of it."""
        merged = weighing.stronger([*result.matches, *result.suppressed], blocked)
        weighed = weighing.weighed(merged, allowed)
        return replace(
            result,
            verdict=verdict.of_clip(
                [match.finding.verdict for match in weighed.matches], complete=result.complete
            ),
            matches=weighed.matches,
            suppressed=weighed.suppressed,
            elapsed_ms=self._now_ms() - started_ms,
        )

    def _patched(
        self,
        clip: Fingerprint,
        shown: Sequence[PatchTrack],
        lists: list[LoadedList],
        side: Policy,
    ) -> tuple[list[Match], list[Led]]:
        """What patches show of the lists of one side, and leads to what is not sure."""
        wanted = self.patches(lists)
        tries = patch_matching.tries(shown, sum(patched.key_frames for _, patched in wanted))
        found: list[Match] = []
        leads: list[Led] = []
        for one, patched in wanted:
            if one.info.policy is not side:
                continue
            by = self._policy.accepting(one.info.false_alarms_per_100k)
            seen = patched.shown(Asking(tuple(shown), clip, tries, by))
            strongest = leading.strongest(seen.leads, cascade.MOST_LEADS)
            leads += [Led(one.info.name, lead) for lead in strongest]
            found += [_match(one, finding, by) for finding in seen.findings]
        return found, leads

    def _placed(
        self, clip: Fingerprint, placed: Sequence[Placed], lists: list[LoadedList], side: Policy
    ) -> list[Match]:
        """What the lists of one side show of pictures that were taken out of the clip."""
        best: list[Match] = []
        for one in placed:
            found = self._found(
                one.fingerprint, lists, side, plain_only=True, looks=cascade.PLACED_LOOKS
            )
            seen = (replace(match, finding=one.seen(match.finding)) for match in found)
            best = weighing.stronger(best, [match for match in seen if one.tells(match.finding)])
        return weighing.stronger(best, self._tiled(clip, placed, lists, side))

    def _tiled(
        self, clip: Fingerprint, placed: Sequence[Placed], lists: list[LoadedList], side: Policy
    ) -> list[Match]:
        """What the tiles of these pictures show of the references that led to them."""
        frames = sum(one.index.frames for one in lists)
        found: list[Match] = []
        for one, patched in self.patches(lists) if placed else ():
            if one.info.policy is not side:
                continue
            by = self._policy.accepting(one.info.false_alarms_per_100k)
            findings = cascade.tiled(
                placed, one.info.name, patched, cascade.asking(clip, frames, by)
            )
            found += [_match(one, finding, by) for finding in findings]
        return found

    def _unread(self, error: MediaError, loaded: list[LoadedList], started_ms: int) -> CheckResult:
        elapsed_ms = self._now_ms() - started_ms
        return unscannable(error.code, _versions(loaded), elapsed_ms=elapsed_ms)

    def check_fingerprint(
        self, fingerprint: Fingerprint, coverage: Coverage | None, *, lists: Sequence[str] = ()
    ) -> CheckResult:
        """Check a clip that was hashed elsewhere: the media never leaves its holder.

        Without ``coverage`` its sender vouches that the fingerprint is of the whole clip.
        """
        started_ms = self._now_ms()
        loaded = self.lists(lists)
        if coverage is None:
            coverage = Coverage(
                container_ms=fingerprint.duration_ms,
                decoded_ms=fingerprint.duration_ms,
                sampled_frames=max((len(track) for track in fingerprint.tracks), default=0),
                flat_frames=0,
                decode_errors=0,
                problems=() if fingerprint.frames else (Problem.TOO_DARK,),
            )
        result = self._judge(Extract(fingerprint, coverage), loaded, started_ms)
        return replace(result, notes=cascade.notes(loaded, has_media=False))

    def lists(self, names: Sequence[str] = ()) -> list[LoadedList]:
        """The named lists, or all, as they are in the store now. Raises ListNotFound."""
        versions = self._store.versions()
        for name in names:
            if name not in versions:
                raise ListNotFound(f"there is no list {name!r}; `recirc lists` shows all")
        self._loader.forget_all_but(frozenset(versions))
        self._patches.forget_all_but(frozenset(versions))
        loaded: list[LoadedList] = []
        for name in sorted(set(names) or versions):
            # A list that nobody asked for by name may be deleted meanwhile.
            with nullcontext() if names else suppress(ListNotFound):
                loaded.append(self._loader.load(name, versions[name]))
        return loaded

    def _early(
        self, keys: Extract, taking: Taking, lists: list[LoadedList], started_ms: int
    ) -> CheckResult | None:
        """The answer by key frames and the clip's end; None where all has to be looked at."""
        if not early.worth_comparing(keys):
            return None
        promising = {
            (match.list, match.reference)
            for match in self._found(keys.fingerprint, lists, Policy.BLOCK, plain_only=True)
            if early.promising(match.finding, keys)
        }
        if not promising or self._is_near_allowed(keys.fingerprint, lists):
            return None
        looked = taking.ending()
        result = self._judge(looked, lists, started_ms, plain_only=True)
        is_clear = any(
            (match.list, match.reference) in promising
            and early.certain(match.finding, looked, match.policy)
            for match in result.matches
        )
        if not is_clear or result.problems or self._is_near_allowed(looked.fingerprint, lists):
            return None
        return replace(result, early=True)

    def _is_near_allowed(self, clip: Fingerprint, lists: list[LoadedList]) -> bool:
        """Whether something on an allow list may explain the clip, once all of it is seen."""
        every_line = replace(self._policy, near_chance=_EVERY_LINE)
        return any(
            match.finding.frames_matched >= _ALLOWED_NEAR_FRAMES
            for match in self._found(clip, lists, Policy.ALLOW, every_line)
        )

    def _found(
        self,
        clip: Fingerprint,
        lists: list[LoadedList],
        side: Policy,
        policy: DecisionPolicy | None = None,
        *,
        plain_only: bool = False,
        looks: int = 1,
    ) -> list[Match]:
        """What the lists of one side show, by each list's own policy unless one is given.

        ``looks``: in how many ways like this one the clip is looked at.
        """
        tries = looks * matching.tries(clip, sum(one.index.frames for one in lists))
        found: list[Match] = []
        for one in lists:
            if one.info.policy is not side:
                continue
            by = policy or self._policy.accepting(one.info.false_alarms_per_100k)
            findings = one.index.match(clip, tries, by, plain_only=plain_only)
            found += [_match(one, finding, by) for finding in findings]
        return found

    def _judge(
        self,
        taken: Extract,
        lists: list[LoadedList],
        started_ms: int,
        *,
        plain_only: bool = False,
        died: DecoderDied | None = None,
    ) -> CheckResult:
        """The result by what was taken, which is not all of the clip if a decoder died over it."""
        clip, coverage = taken.fingerprint, taken.coverage
        blocked = self._found(clip, lists, Policy.BLOCK, plain_only=plain_only)
        weighed = weighing.weighed(blocked, self._found(clip, lists, Policy.ALLOW))
        problems = tuple(str(problem) for problem in coverage.problems) + _uncompared(clip, lists)
        if died is not None:
            problems = (died.code, *(one for one in problems if one != died.code))
        return CheckResult(
            verdict=verdict.of_clip(
                [match.finding.verdict for match in weighed.matches], complete=not problems
            ),
            kind=clip.kind,
            duration_ms=coverage.container_ms,
            checked_ms=coverage.decoded_ms,
            frames=coverage.sampled_frames,
            problems=problems,
            matches=weighed.matches,
            suppressed=weighed.suppressed,
            lists=_versions(lists),
            elapsed_ms=self._now_ms() - started_ms,
            notes=cascade.notes(lists),
        )


def _has_match(found: Sequence[Match]) -> bool:
    return any(match.finding.verdict is Verdict.MATCH for match in found)


def _match(one: LoadedList, finding: Finding, by: DecisionPolicy) -> Match:
    """A finding in a list as the match that it is, by this policy."""
    identity, label, incident = one.references[finding.reference]
    return Match(one.info.name, identity, label, incident, finding, by)


def _versions(lists: list[LoadedList]) -> tuple[tuple[str, int], ...]:
    return tuple((one.info.name, one.info.version) for one in lists)


def _uncompared(clip: Fingerprint, lists: list[LoadedList]) -> tuple[str, ...]:
    """A problem where nothing was compared, or not with every reference: PDQ hashes against a list
    of pHashes are no check. A clip without hashes has a problem of its own."""
    blocking = [one.index for one in lists if one.info.policy is Policy.BLOCK]
    if not any(index.frames for index in blocking):
        return (_NO_REFERENCES,)
    if not clip.frames or all(index.compares(clip) for index in blocking):
        return ()
    some = any(index.algorithms & clip.algorithms for index in blocking)
    return (_NOT_COMPARED,) if some else (_NO_REFERENCES,)
