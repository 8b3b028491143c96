"""Scanning: many paths against the lists, one answer a clip, whatever happens to the others."""

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from hashing.errors import RecircError
from service import faults, paths
from service.archives import DEFAULT_LIMITS, ArchiveLimits
from service.checking import Checker, CheckResult, unscannable
from service.skipping import Skipped, Skipping


@dataclass(frozen=True, slots=True)
class Scanned:
    """A clip's answer. ``note``: what a code of a path, archive or fault means, else None."""

    label: str
    result: CheckResult
    note: str | None


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file inside a folder or archive that is no clip, and why."""

    label: str
    why: Skipped


def scan(
    checker: Checker,
    wanted: Sequence[str],
    stdin: BinaryIO,
    *,
    lists: Sequence[str] = (),
    thorough: bool = False,
    archive_limits: ArchiveLimits = DEFAULT_LIMITS,
    stdin_bytes: int | None = None,
    on_start: Callable[[str], None] = lambda label: None,
    debug: bool = False,
) -> Iterator[Scanned | SkippedFile]:
    """An answer for each clip that these paths hold, in the order given, and what was skipped.

    A wrong list or database raises before the first clip: ListNotFound, StoreError. Afterwards
    nothing does; a clip that fails is ``unscannable``. So is a path with nothing but what was
    skipped: its clips may be elsewhere.
    """
    loaded = checker.lists(lists)
    versions = tuple((one.info.name, one.info.version) for one in loaded)
    for path in wanted:
        skipping = Skipping()
        for clip in each([path], stdin, archive_limits, stdin_bytes, debug=debug):
            if isinstance(clip, paths.Unread):
                skipping.why(clip, (clip.code,))
                yield Scanned(clip.label, unscannable(clip.code, versions), clip.text)
                continue
            on_start(clip.label)
            work = partial(checker.check, clip.media, lists=lists, thorough=thorough)
            answer = _answer(work, clip.label, versions, debug=debug)
            why = skipping.why(clip, answer.result.problems)
            yield answer if why is None else SkippedFile(clip.label, why)
        if skipping.nothing_else:
            nothing = paths.no_clips(path)
            yield Scanned(nothing.label, unscannable(nothing.code, versions), nothing.text)


def _answer(
    work: Callable[[], CheckResult],
    label: str,
    versions: tuple[tuple[str, int], ...],
    *,
    debug: bool,
) -> Scanned:
    try:
        return Scanned(label, work(), None)
    except RecircError as error:
        return Scanned(label, unscannable(error.code, versions), str(error))
    except Exception as error:  # noqa: BLE001  # the outermost loop: the other clips go on
        show(error, debug=debug)
        note = faults.describe(error)
        return Scanned(label, unscannable(faults.CODE, versions), note)


def each(
    wanted: Sequence[str],
    stdin: BinaryIO,
    archive_limits: ArchiveLimits = DEFAULT_LIMITS,
    stdin_bytes: int | None = None,
    *,
    debug: bool,
) -> Iterator[paths.Clip | paths.Unread]:
    """As ``paths.clips``, but that a fault in one path is reported in its place."""
    for path in wanted:
        try:
            yield from paths.clips([path], stdin, archive_limits, stdin_bytes)
        except Exception as error:  # noqa: BLE001  # as above: the other paths go on
            show(error, debug=debug)
            yield paths.Unread(path, faults.CODE, faults.describe(error))


def show(error: Exception, *, debug: bool) -> None:
    """With ``debug`` the whole story of a fault, on standard error: it may quote file names."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
