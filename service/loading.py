"""Loading: a store's lists in memory, searchable, as they are now.

A list is held as parts that never change. What the store says has changed since goes into a small
part of its own, and what was removed is no longer kept in its part: no index is made anew, and
whoever searches goes on with what it has. Small parts are joined beside the checks, and a long
list's index is kept in a file (``service.snapshots``), to begin with the next time.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hashing.matching import ListIndex
from hashing.parts import KeptPart, Part
from hashing.reference import Policy, Reference
from service import snapshots
from service.snapshots import BadSnapshot, Entry, Shelf
from service.store.base import Changes, ListInfo, Mark, Store

SNAPSHOT_FRAMES: Final = 200_000  # fewer are read from the store and indexed in about a second
_MOST_SHELVES: Final = 8  # each is one more look-up; nine additions a joining
_SMALL_SHARE: Final = 0.25  # of the big part, beside it or gone from it: then all is made anew
_log = logging.getLogger(__name__)

Run = Callable[[Callable[[], None]], None]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A shelf, and which of its references are listed: bool (references,)."""

    shelf: Shelf
    kept: NDArray[np.bool_]

    @classmethod
    def of(cls, references: Sequence[Reference]) -> "Held":
        """All of these references, on a shelf of their own."""
        part = Part.of([one.fingerprint for one in references])
        entries = tuple((one.id, one.label, one.incident) for one in references)
        return cls(Shelf(part, entries), np.ones(len(references), np.bool_))

    def without(self, ids: frozenset[str]) -> "Held":
        """The same shelf, where these references are no longer kept."""
        gone = [place for place, entry in enumerate(self.shelf.entries) if entry[0] in ids]
        if not self.kept[gone].any():
            return self
        kept = self.kept.copy()
        kept[gone] = False
        return replace(self, kept=kept)


@dataclass(frozen=True, slots=True)
class LoadedList:
    """A list as of one version, with the index over its references, in the index's order.

    ``references`` also holds those that are no longer listed; the index never gives their numbers.
    """

    info: ListInfo
    mark: Mark
    held: tuple[Held, ...]
    references: tuple[Entry, ...]
    index: ListIndex
    next_expiry_ms: int | None = None

    @classmethod
    def of(
        cls,
        info: ListInfo,
        mark: Mark,
        held: Sequence[Held],
        next_expiry_ms: int | None = None,
    ) -> "LoadedList":
        """The list with these references, the next of which expires at that time."""
        references = tuple(entry for one in held for entry in one.shelf.entries)
        parts = [KeptPart(one.shelf.part, one.kept) for one in held]
        index = ListIndex(parts=parts, groups=_groups(info.policy, references))
        return cls(info, mark, tuple(held), references, index, next_expiry_ms)

    @property
    def numbers(self) -> dict[str, int]:
        """The numbers of the references that are listed, by their ids."""
        kept = np.concatenate([np.zeros(0, np.bool_), *(one.kept for one in self.held)])
        return {self.references[number][0]: int(number) for number in np.flatnonzero(kept)}

    def after(self, changes: Changes) -> "LoadedList":
        """The list once these changes are made."""
        added = list(changes.added)
        gone = frozenset([*changes.removed, *(one.id for one in added)])
        held = [one.without(gone) for one in self.held] if gone else list(self.held)
        return LoadedList.of(
            changes.info,
            changes.mark,
            [*held, *([Held.of(added)] if added else [])],
            changes.next_expiry_ms,
        )

    def is_of(self, version: int, now_ms: int) -> bool:
        """Whether it is what that version holds now: with time, references expire.

        When a clock is put back, some hold again.
        """
        expired = self.next_expiry_ms is not None and now_ms >= self.next_expiry_ms
        put_back = now_ms < self.mark.read_at_ms
        return self.info.version == version and not expired and not put_back


def in_background(work: Callable[[], None]) -> None:
    """Run this in a thread that keeps no process from ending."""
    threading.Thread(target=work, name="recirc-index", daemon=True).start()


class Loader:
    """The lists of one store, each loaded when it is first asked for. Usable from several threads.

    ``folder``: where snapshots are; None keeps none, nor do lists with fewer frames than
    ``snapshot_frames``. ``run``: how work beside the checks is begun. ``clock``: milliseconds since
    1970, as the store has them.
    """

    def __init__(
        self,
        store: Store,
        folder: Path | None,
        *,
        run: Run = in_background,
        snapshot_frames: int = SNAPSHOT_FRAMES,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._clock = clock
        self._store = store
        self._folder = folder
        self._run = run
        self._snapshot_frames = snapshot_frames
        self._loaded: dict[str, LoadedList] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()  # of the dictionary of locks, and of what is being joined
        self._joining: set[str] = set()
        self._swept = False

    @property
    def frames(self) -> int:
        """Frame hashes of all lists that are loaded."""
        return sum(one.index.frames for one in list(self._loaded.values()))

    def has(self, name: str, version: int) -> bool:
        """Whether the list is in memory as it is in this version."""
        loaded = self._loaded.get(name)
        return loaded is not None and loaded.is_of(version, self._clock())

    def load(self, name: str, version: int) -> LoadedList:
        """The list in this version or a later one. Raises ListNotFound, StoreError.

        Waits for what changed to be read, never for parts to be joined or written.
        """
        loaded = self._loaded.get(name)
        if loaded is not None and loaded.is_of(version, self._clock()):
            return loaded
        with self._lock_of(name):
            loaded = self._loaded.get(name)
            loaded = self._first(name) if loaded is None else self._newer(name, loaded)
            self._loaded[name] = loaded
        if len(loaded.held) > _MOST_SHELVES or _is_hollow(loaded):
            self._begin_join(name, loaded)
        return loaded

    def forget_all_but(self, names: frozenset[str]) -> None:
        """Let go of lists that are no more, and of their snapshots: also of earlier processes'."""
        gone = self._loaded.keys() - names
        if not self._swept and self._folder is not None:
            self._swept = True
            snapshots.sweep(self._folder)
            gone |= {path.stem for path in self._folder.glob(f"*{snapshots.SUFFIX}")} - names
        for name in gone:
            with self._lock_of(name):
                self._loaded.pop(name, None)
                if self._folder is not None:
                    with _told(name):
                        snapshots.path_of(self._folder, name).unlink(missing_ok=True)

    def _lock_of(self, name: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(name, threading.Lock())

    def _newer(self, name: str, loaded: LoadedList) -> LoadedList:
        with self._store.changes(name, loaded.mark) as changes:
            if changes is not None:
                return loaded.after(changes)
        return self._from_store(name)

    def _first(self, name: str) -> LoadedList:
        """From the snapshot and what changed since; without one, or a sound one, from the store."""
        if self._folder is None:
            return self._from_store(name)
        path = snapshots.path_of(self._folder, name)
        try:
            shelf, mark = snapshots.read(path)
        except FileNotFoundError:
            return self._from_store(name)
        except BadSnapshot as problem:
            _log.warning("index of list %s: %s; made anew from the store", name, problem)
            return self._from_store(name)
        with self._store.changes(name, mark) as changes:
            if changes is not None:
                kept = np.ones(len(shelf.entries), np.bool_)
                loaded = LoadedList.of(changes.info, mark, [Held(shelf, kept)]).after(changes)
                is_due = _is_long(loaded) or _is_hollow(loaded)
                return self._joined(name, loaded) if is_due else loaded
        _log.warning("index of list %s: of another state; made anew from the store", name)
        return self._from_store(name)

    def _from_store(self, name: str) -> LoadedList:
        with self._store.changes(name, None) as changes:
            if changes is None:  # no store says so where nothing was known
                raise LookupError(name)
            held = [Held.of(list(changes.added))]
            loaded = LoadedList.of(changes.info, changes.mark, held, changes.next_expiry_ms)
        self._write(name, loaded)
        return loaded

    def _joined(self, name: str, loaded: LoadedList) -> LoadedList:
        """The same list with fewer shelves: one, or a big one and one of what came since."""
        first = 0 if _is_long(loaded) or _is_hollow(loaded) else 1
        made = LoadedList.of(
            loaded.info,
            loaded.mark,
            [*loaded.held[:first], _joined(loaded.held[first:])],
            loaded.next_expiry_ms,
        )
        if first == 0:
            self._write(name, made)
        return made

    def _begin_join(self, name: str, loaded: LoadedList) -> None:
        """Once at a time: a long list takes a minute and its memory again, and goes on growing."""
        with self._lock:
            if name in self._joining:
                return
            self._joining.add(name)
        self._run(lambda: self._join(name, loaded))

    def _join(self, name: str, before: LoadedList) -> None:
        """Join shelves, and put them where the old ones are, with what happened meanwhile."""
        try:
            self._replace(name, before)
        finally:
            with self._lock:
                self._joining.discard(name)

    def _replace(self, name: str, before: LoadedList) -> None:
        now = self._loaded.get(name)
        if now is None or not _continues(now, before):
            return  # it was deleted, or read anew
        made = self._joined(name, before)
        with self._lock_of(name):
            now = self._loaded.get(name)
            if now is not None and _continues(now, before):
                held = _carried(made.held, before.held, now.held)
                self._loaded[name] = LoadedList.of(now.info, now.mark, held, now.next_expiry_ms)

    def _write(self, name: str, loaded: LoadedList) -> None:
        (held,) = loaded.held
        if self._folder is None:
            return
        path = snapshots.path_of(self._folder, name)
        with _told(name):
            if held.shelf.part.frames >= self._snapshot_frames:
                snapshots.write(path, held.shelf, loaded.mark)
            elif path.exists():  # of what the list was
                path.unlink()


@contextmanager
def _told(name: str) -> Iterator[None]:
    """A file that cannot be written is no reason to stop, but one to be told."""
    try:
        yield
    except OSError as problem:
        _log.warning("index of list %s: not kept in a file: %s", name, problem.strerror)


def _is_long(loaded: LoadedList) -> bool:
    """Whether what came since the big part is no longer little."""
    frames = [one.shelf.part.frames for one in loaded.held]
    return sum(frames[1:]) > _SMALL_SHARE * frames[0]


def _is_hollow(loaded: LoadedList) -> bool:
    """Whether much of the big part is no longer listed: memory, and hashes that should be gone."""
    big = loaded.held[0]
    frames = big.shelf.part.frames
    kept = sum(segment.frames(big.kept) for segment in big.shelf.part.segments)
    return frames - kept > _SMALL_SHARE * frames


def _joined(held: Sequence[Held]) -> Held:
    part = Part.joined([KeptPart(one.shelf.part, one.kept) for one in held])
    entries = tuple(
        entry
        for one in held
        for entry, kept in zip(one.shelf.entries, one.kept, strict=True)
        if kept
    )
    return Held(Shelf(part, entries), np.ones(len(entries), np.bool_))


def _continues(now: LoadedList, before: LoadedList) -> bool:
    """Whether all shelves from before are there, first and in their order."""
    return len(now.held) >= len(before.held) and all(
        one.shelf is other.shelf for one, other in zip(now.held, before.held, strict=False)
    )


def _carried(made: Sequence[Held], before: Sequence[Held], now: Sequence[Held]) -> list[Held]:
    """The shelves that were made of those before, without what was removed meanwhile."""
    first = len(made) - 1  # those that were not joined
    still = [
        one.kept[other.kept]
        for one, other in zip(now[first : len(before)], before[first:], strict=True)
    ]
    joined = Held(made[first].shelf, np.concatenate(still))
    return [*now[:first], joined, *now[len(before) :]]


def _groups(policy: Policy, references: Sequence[Entry]) -> list[str | None]:
    """What footage each reference belongs to: its incident. What is allowed belongs together:
    an intro that harmless clips share is harmless too."""
    return [policy.value if policy is Policy.ALLOW else incident for _, _, incident in references]
