"""What each command does, given a console and a store: call, and print.

Nothing here knows of options or exit codes; those are in ``cli.py``.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from hashing.errors import RecircError
from hashing.extract import CLIP, REFERENCE
from hashing.formats import document, listfile
from hashing.verdict import Verdict
from service import (
    answers,
    curating,
    explaining,
    faults,
    lists,
    paths,
    reasoning,
    scanning,
    wording,
)
from service.archives import DEFAULT_LIMITS, ArchiveLimits
from service.checking import Checker
from service.console import Console, OutputClosed, Tone
from service.errors import BadSetting, ReferenceNotFound, UnreadablePath
from service.escaping import shown
from service.media.decoding import Decoding, extract
from service.skipping import Skipped, Skipping
from service.store.base import Store
from service.store.sqlite import now_ms

_TONES: Final = {
    Verdict.MATCH: Tone.ALARM,
    Verdict.NEAR_MATCH: Tone.DOUBT,
    Verdict.NO_MATCH: Tone.CALM,
    Verdict.UNSCANNABLE: Tone.DOUBT,
}


@dataclass(frozen=True, slots=True)
class Naming:
    """What a curator says about a reference; None where nothing.

    ``patches``: whether it gets patch hashes; None is as its list has it.
    """

    reference_id: str | None
    label: str | None
    incident: str | None
    patches: bool | None = None


@dataclass(frozen=True, slots=True)
class How:
    """What holds for every path: whether faults tell their story, how far archives go, and how
    much of standard input is held in memory."""

    debug: bool = False
    archive_limits: ArchiveLimits = DEFAULT_LIMITS
    stdin_bytes: int | None = None


def is_found(verdict: Verdict) -> bool:
    """Whether a clip with this verdict needs a person."""
    return verdict in (Verdict.MATCH, Verdict.NEAR_MATCH)


def is_failure(verdict: Verdict) -> bool:
    """Whether a clip with this verdict was not checked."""
    return verdict is Verdict.UNSCANNABLE


def check(
    console: Console,
    store: Store,
    decoding: Decoding,
    wanted: Sequence[str],
    list_names: Sequence[str],
    *,
    json: bool,
    thorough: bool,
    how: How,
    index: Path | None = None,
) -> list[Verdict]:
    """Check clips and print each answer when it is there; the verdicts in the order given."""
    verdicts = []
    skipped: Counter[Skipped] = Counter()
    with console.working():
        for found in scanning.scan(
            Checker(store, decoding, snapshots=index),
            wanted,
            _stdin(),
            lists=list_names,
            thorough=thorough,
            archive_limits=how.archive_limits,
            stdin_bytes=how.stdin_bytes,
            on_start=lambda label: console.at_work_on(f"checking {shown(label)}"),
            debug=how.debug,
        ):
            if isinstance(found, scanning.SkippedFile):
                skipped[found.why] += 1
                continue
            verdicts.append(found.result.verdict)
            if json:
                _json_answer(console, found)
            else:
                _block(console, found)
    if json:
        _note_skipped(console, skipped)
    else:
        _ending(console, verdicts, skipped)
    return verdicts


def _note_skipped(console: Console, skipped: Counter[Skipped]) -> None:
    if skipped:
        console.note(wording.skipped(skipped))


def _json_answer(console: Console, scanned: scanning.Scanned) -> None:
    if scanned.note is not None:
        name = shown(scanned.label)
        console.error(scanned.result.problems[0], f"{name}: {scanned.note}")
    console.json({"path": scanned.label, **answers.of_check(scanned.result)})


def _block(console: Console, scanned: scanning.Scanned) -> None:
    result = scanned.result
    console.line(wording.headline(result, scanned.label), _TONES[result.verdict])
    for line in wording.details(result, scanned.note):
        console.detail(line)
    console.line()


def _ending(console: Console, verdicts: Sequence[Verdict], skipped: Counter[Skipped]) -> None:
    if len(verdicts) > 1:
        console.line(wording.summary(verdicts), Tone.HEADING)
    if skipped:
        console.line(wording.skipped(skipped))
    if Verdict.NO_MATCH in verdicts:
        console.line("No match says only that no listed footage was found, not what a clip shows.")
    steps = wording.next_steps(verdicts)
    if steps:
        console.line()
        console.line(steps[0], Tone.HEADING)
        for step in steps[1:]:
            console.detail(step)


def add(
    console: Console,
    store: Store,
    decoding: Decoding,
    list_name: str,
    wanted: Sequence[str],
    *,
    naming: Naming,
    how: How,
) -> bool:
    """Add media to a list; whether all of it is there now. Raises BadSetting."""
    if naming.reference_id is not None:
        _require_one(wanted, how)

    def work(clip: paths.Clip) -> None:
        added = curating.add_media(
            store,
            decoding,
            list_name,
            clip.media,
            reference_id=naming.reference_id,
            label=naming.label,
            incident=naming.incident,
            patches=naming.patches,
        )
        _report_added(console, list_name, clip.label, added)
        standing = store.get_summary(list_name, added.reference_id).standing
        if not standing.holds(now_ms()):
            console.note(f"{added.reference_id} is {wording.stands(standing, now_ms())}")

    return _each(console, wanted, work, how)


def _require_one(wanted: Sequence[str], how: How) -> None:
    """Counted before the first is added; standard input can only be read once."""
    if len(wanted) == 1 and wanted[0] == paths.STDIN:
        return
    if paths.STDIN in wanted or _count(wanted, how) > 1:
        raise BadSetting("--id names one reference, but there is more than one clip")


def _count(wanted: Sequence[str], how: How) -> int:
    return sum(1 for _ in paths.clips(wanted, _stdin(), how.archive_limits))


def _report_added(console: Console, list_name: str, label: str, added: curating.AddedMedia) -> None:
    name = shown(label)
    if not added.new:
        console.line(f"unchanged: {name} is on {list_name} already, as {added.reference_id}")
        return
    console.line(
        f"added: {name} to {list_name} as {added.reference_id} "
        f"({wording.length(added.duration_ms)}, {added.frames} hashes, {added.size_bytes} bytes"
        f"{_patched(added)})"
    )
    if added.problems:
        told = " ".join(wording.problem(code) for code in added.problems)
        console.note(f"warning: {name}: the reference is not of the whole clip. {told}")


def _patched(added: curating.AddedMedia) -> str:
    return f", {added.patch_bytes} bytes of patch hashes" if added.patch_bytes else ""


def fingerprint(
    console: Console,
    decoding: Decoding,
    wanted: Sequence[str],
    *,
    json: bool,
    reference: bool,
    how: How,
) -> bool:
    """Print fingerprints; whether every clip has one."""

    def work(clip: paths.Clip) -> None:
        taken = extract(decoding, clip.media, REFERENCE if reference else CLIP)
        if json:
            plain = document.to_document(taken.fingerprint, taken.coverage)
            console.json({"path": clip.label, **plain})
            return
        hashed = taken.fingerprint
        console.line(
            f"{shown(clip.label)}: {hashed.kind}, {wording.length(hashed.duration_ms)}, "
            f"{hashed.frames} hashes, digest {hashed.reference_id}"
        )
        for track in hashed.tracks:
            console.detail(f"{track.algorithm}, {track.view}, track {track.stream}: {len(track)}")
        for code in taken.coverage.problems:
            console.detail(wording.problem(str(code)))

    return _each(console, wanted, work, how)


def _each(
    console: Console,
    wanted: Sequence[str],
    work: Callable[[paths.Clip], None],
    how: How,
) -> bool:
    """Do the work on each clip, whatever happens to the others; whether all of it was done."""
    done = True
    skipped: Counter[Skipped] = Counter()
    with console.working():
        for path in wanted:
            skipping = Skipping()
            for clip in scanning.each(
                [path], _stdin(), how.archive_limits, how.stdin_bytes, debug=how.debug
            ):
                problem = _problem_of(console, clip, work, debug=how.debug)
                codes = () if problem is None else (problem.code,)
                if skipping.why(clip, codes) is None and problem is not None:
                    console.error(problem.code, f"{shown(problem.label)}: {problem.text}")
                    done = False
            if skipping.nothing_else:
                nothing = paths.no_clips(path)
                console.error(nothing.code, f"{shown(nothing.label)}: {nothing.text}")
                done = False
            skipped += skipping.skipped
    _note_skipped(console, skipped)
    return done


def _problem_of(
    console: Console,
    clip: paths.Clip | paths.Unread,
    work: Callable[[paths.Clip], None],
    *,
    debug: bool,
) -> paths.Unread | None:
    """Do the work on one clip; what stood in the way, or None."""
    if isinstance(clip, paths.Unread):
        return clip
    console.at_work_on(f"hashing {shown(clip.label)}")
    try:
        work(clip)
    except RecircError as error:
        return paths.Unread(clip.label, error.code, str(error))
    except OutputClosed:
        raise
    except Exception as error:  # noqa: BLE001  # an outermost loop: the other clips go on
        scanning.show(error, debug=debug)
        return paths.Unread(clip.label, faults.CODE, faults.describe(error))
    return None


def remove(console: Console, store: Store, list_name: str, ids: Sequence[str]) -> bool:
    """Take references off a list; whether all of them were there."""
    result = lists.remove(store, list_name, ids)
    for removed in result.removed:
        console.line(f"removed: {removed} from {list_name}")
    for missing in result.missing:
        console.error(ReferenceNotFound.code, f"list {list_name} has no {shown(missing)}")
    return not result.missing


def import_list(console: Console, store: Store, list_name: str, file: str, how: How) -> bool:
    """Add a list file's references; whether no line was bad. Raises UnreadablePath, BadList."""
    try:
        with _stdin() if file == paths.STDIN else open(file, "rb") as stream:
            whole = curating.read_whole(stream, how.stdin_bytes)
            report = lists.import_file(store, list_name, listfile.bounded_lines(whole))
    except OSError as error:
        text = f"{shown(file)}: {error.strerror}; check the name and the permissions"
        raise UnreadablePath(text) from error
    for bad_line in report.bad_lines:
        console.error(bad_line.code, f"line {bad_line.number}: {shown(bad_line.text)}")
    bad = len(report.bad_lines)
    left_out = f", {bad} bad {wording.plural(bad, 'line')} left out" if bad else ""
    console.line(f"{list_name}: {report.added} added, {report.unchanged} unchanged{left_out}")
    return not bad


def export_list(
    console: Console,
    store: Store,
    list_name: str,
    output: str,
    *,
    replace: bool,
    patches: bool,
) -> None:
    """Write a list to a file or standard output. Raises ListNotFound, UnreadablePath."""
    lines = lists.export(store, list_name, patches=patches)
    if output == paths.STDIN:
        for line in lines:
            console.data(line.removesuffix("\n"))
        return
    curating.write_whole(Path(output), lines, replace=replace)
    console.note(f"{list_name} is in {shown(output)}")


def explain(
    console: Console,
    store: Store,
    decoding: Decoding,
    path: str,
    *,
    list_name: str,
    reference_id: str,
    json: bool,
    index: Path | None = None,
) -> None:
    """Print why a clip does or does not match. Raises what the clip's path or media calls for."""
    with closing(paths.clips([path], _stdin())) as found:
        clip = next(found)
        if isinstance(clip, paths.Unread):
            raise UnreadablePath(f"{shown(clip.label)}: {clip.text}")
        if clip.label not in (path, paths.STDIN_LABEL):
            raise BadSetting(f"{shown(path)}: explain takes one clip, no folder or archive")
        checker = Checker(store, decoding, snapshots=index)
        why = explaining.explain(checker, store, clip.media, list_name, reference_id)
    if json:
        console.json({**reasoning.answer(why, path, list_name, reference_id)})
        return
    console.line(
        f"{wording.WORDS[why.verdict]}: {shown(path)} and reference {reference_id} "
        f"of list {list_name}",
        _TONES[why.verdict],
    )
    for line in reasoning.lines(why, list_name, reference_id):
        console.detail(line)
    standing = store.get_summary(list_name, reference_id).standing
    if not standing.holds(now_ms()):
        console.detail(f"the reference is {wording.stands(standing, now_ms())}")


def _stdin() -> BinaryIO:
    """Standard input; empty where the caller has closed it."""
    return BytesIO() if sys.stdin is None else sys.stdin.buffer
