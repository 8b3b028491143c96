"""Hostile files: the malformed set, mutations of listed clips, the evasion corpus, fuzzed parsers.

Every file is answered in a process of its own kind, so that a crash is counted and ends nothing.
What counts as a miss is a mutated copy answered ``no_match`` while FFmpeg as it comes still shows
three seconds of the listed footage.
"""

import csv
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeVar

from benchmarks.hostility import evasion, footage, mutations, oracle
from benchmarks.hostility.answering import Answer, make_database
from benchmarks.hostility.footage import Clip
from benchmarks.hostility.parsers import PARSERS
from benchmarks.hostility.trick import Trick
from benchmarks.hostility.worker import Asked, Worker
from benchmarks.peers.sample_set import videos_folder
from benchmarks.report import Report, arguments, percent
from hashing.verdict import Verdict

_PROCESSES: Final = 2
_LISTED: Final = 4
_MUTATIONS, _MUTATIONS_FAST = 6000, 416
_FUZZ_S, _FUZZ_FAST_S = 130, 5  # of each parser
_ENOUGH_S: Final = 3.0  # so much of the footage must not be passed over
_MIB: Final = 1024 * 1024
_VERDICTS: Final = (*map(str, Verdict), "crash", "hang")
_RUNS: Final = re.compile(r"Done (\d+) runs")

Task = TypeVar("Task")
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file and what became of it."""

    group: str
    name: str
    asked: Asked
    right: bool


class Workers:
    """As many processes that answer as the machine has cores."""

    def __init__(self, database: Path) -> None:
        self._free: SimpleQueue[Worker] = SimpleQueue()
        for _ in range(_PROCESSES):
            self._free.put(Worker(database))

    def ask(self, media: bytes) -> Asked:
        """The answer to one file, from whoever is free."""
        worker = self._free.get()
        try:
            return worker.ask(media)
        finally:
            self._free.put(worker)

    def close(self) -> None:
        """End them."""
        while not self._free.empty():
            self._free.get().close()


@contextmanager
def _workers(clips: list[Clip]) -> Iterator[Workers]:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "recirc.sqlite3"
        make_database(database, clips)
        workers = Workers(database)
        try:
            yield workers
        finally:
            workers.close()


def _malformed(workers: Workers) -> list[Outcome]:
    folder = videos_folder() / "malformed"
    manifest = folder / "manifest.csv"
    if not manifest.exists():
        return []
    with manifest.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [
        Outcome("malformed", row["why"], workers.ask((folder / row["file"]).read_bytes()), True)
        for row in rows
    ]


def _mutations(workers: Workers, clips: list[Clip], count: int) -> list[Outcome]:
    names = list(mutations.SOURCES)
    listed = clips[:2]
    files = {(name, clip.name): mutations.source(name, clip) for name in names for clip in listed}

    def work(number: int) -> Outcome:
        name = names[number % len(names)]
        clip = listed[number // len(names) % len(listed)]
        kind, media = mutations.mutated(files[name, clip.name], number)
        asked = workers.ask(media)
        missed = asked.verdict == Verdict.NO_MATCH and oracle.shown_s(media, clip) >= _ENOUGH_S
        wrong = asked.verdict == Verdict.MATCH and asked.reference != clip.name
        return Outcome(kind, f"{number}: {name}", asked, not missed and not wrong)

    return list(_each(work, range(count)))


def _evasion(workers: Workers, clips: list[Clip]) -> list[tuple[Trick, Outcome]]:
    def work(task: tuple[Trick, Clip]) -> tuple[Trick, Outcome]:
        trick, clip = task
        asked = workers.ask(trick.make(clip))
        right = asked.verdict in _VERDICTS[:4] and evasion.is_right(
            trick, clip, Answer(Verdict(asked.verdict), asked.problems, asked.reference)
        )
        return trick, Outcome(trick.family, f"{trick.name} of {clip.name}", asked, right)

    return list(_each(work, [(trick, clip) for trick in evasion.tricks() for clip in clips]))


def _fuzzed(seconds: int) -> dict[str, tuple[int, int]]:
    """For each parser how many inputs were tried, and the exit code: 0 where all was well."""

    def work(name: str) -> tuple[str, int, int]:
        command = [sys.executable, "-m", "benchmarks.hostility.fuzz", name, str(seconds)]
        ran = subprocess.run(command, check=False, capture_output=True, text=True)
        runs = _RUNS.findall(ran.stdout + ran.stderr)
        if ran.returncode:
            print(ran.stderr[-3000:])
        return name, int(runs[-1]) if runs else 0, ran.returncode

    return {name: (runs, code) for name, runs, code in _each(work, PARSERS)}


def _each(work: Callable[[Task], Done], tasks: Iterable[Task]) -> Iterator[Done]:
    with ThreadPoolExecutor(_PROCESSES) as pool:
        yield from pool.map(work, tasks)


def _table(report: Report, outcomes: Iterable[Outcome]) -> None:
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(one.group, []).append(one)
    rows = []
    for group, members in sorted(groups.items()):
        counts = Counter(one.asked.verdict for one in members)
        slowest = max(one.asked.seconds for one in members)
        rows.append([group, len(members), *(counts[name] for name in _VERDICTS), f"{slowest:.1f}"])
    report.table(["", "files", *_VERDICTS, "slowest, s"], rows)


def _figures(report: Report, part: str, outcomes: list[Outcome]) -> None:
    counts = Counter(one.asked.verdict for one in outcomes)
    report.figure(f"{part}_files", len(outcomes))
    for name in _VERDICTS:
        report.figure(f"{part}_{name}", counts[name])
    peak = max((one.asked.peak_bytes for one in outcomes), default=0)
    report.figure(f"{part}_peak_mib", peak // _MIB)


def main() -> None:
    """Measure, print, and write if asked."""
    chosen = arguments("Hostile files against the checker.")
    report = Report("hostile", "Hostile files")
    clips = footage.listed(_LISTED)
    with _workers(clips) as workers:
        tricks = _evasion(workers, clips[:1] if chosen.fast else clips[:2])
        malformed = _malformed(workers)
    with _workers(clips) as workers:  # their peak is the mutations' alone
        count = _MUTATIONS_FAST if chosen.fast else _MUTATIONS
        mutants = _mutations(workers, clips, count)
    _say_evasion(report, tricks)
    _say_mutations(report, mutants)
    report.text("### The malformed set")
    _table(report, malformed)
    _figures(report, "malformed", malformed)
    _say_fuzzed(report, _fuzzed(_FUZZ_FAST_S if chosen.fast else _FUZZ_S))
    report.finish(write=chosen.write)


def _say_evasion(report: Report, tricks: list[tuple[Trick, Outcome]]) -> None:
    outcomes = [outcome for _, outcome in tricks]
    readable = [outcome for trick, outcome in tricks if trick.readable]
    found = sum(one.right for one in readable) / len(readable)
    report.text(
        f"### Evasion\n\n{len(evasion.tricks())} ways to send listed footage. What recirc cannot "
        "read (a format or codec that is not allowed, a file without its index) has to be "
        f"`unscannable`; of all else {percent(found)} % were found, none of it was `no_match`."
        if not any(one.asked.verdict == Verdict.NO_MATCH for one in outcomes)
        else "### Evasion\n\nSome of these are answered `no_match`: a defect."
    )
    _table(report, outcomes)
    wrong = [[one.group, one.name, one.asked.verdict] for one in outcomes if not one.right]
    if wrong:
        report.table(["not as it has to be", "", "answer"], wrong)
    _figures(report, "evasion", outcomes)
    report.figure("evasion_tricks", len(evasion.tricks()))
    report.figure("evasion_found_of_readable", found)
    meant = [one for one in outcomes if one.group != evasion.NOT_READ]
    matched = sum(one.asked.verdict == Verdict.MATCH for one in meant)
    report.figure("evasion_found", matched / len(meant))


def _say_mutations(report: Report, mutants: list[Outcome]) -> None:
    missed = [one for one in mutants if not one.right]
    report.text(
        f"### Mutations\n\n{len(mutants)} seeded mutations of {len(mutations.SOURCES)} kinds of "
        f"files. Answered `no_match` while FFmpeg still shows {_ENOUGH_S:g} s of the footage: "
        f"{len(missed)}."
    )
    _table(report, mutants)
    if missed:
        report.table(["missed", ""], [[one.group, one.name] for one in missed])
    _figures(report, "mutations", mutants)
    report.figure("mutations_missed", len(missed))


def _say_fuzzed(report: Report, fuzzed: dict[str, tuple[int, int]]) -> None:
    report.text("### Parsers\n\nFuzzed; anything but an error of recirc's own tree is a failure.")
    rows = [[name, f"{runs:,}", "yes" if code else "no"] for name, (runs, code) in fuzzed.items()]
    report.table(["parser", "inputs", "failed"], rows)
    report.figure("fuzzed_inputs", sum(runs for runs, _ in fuzzed.values()))
    report.figure("fuzzed_failures", sum(code != 0 for _, code in fuzzed.values()))


if __name__ == "__main__":
    main()
