"""What a check and an add cost, beside a full decode by PyAV with default settings."""

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median

import av
import cv2

from benchmarks import known, longlist
from benchmarks.footage import clip_480p
from benchmarks.processes import Cost, in_turn, median_cpu_s, median_wall_s, run
from benchmarks.report import Report, arguments
from hashing.extract import REFERENCE, extract
from hashing.reference import Policy, Reference
from hashing.verdict import Verdict
from service.checking import Checker, CheckResult
from service.media.decoding import Uncaged
from service.store.sqlite import SqliteStore

_RECIRC = str(Path(sys.executable).with_name("recirc"))
_DECODE = "import av, sys\nfor frame in av.open(sys.argv[1]).decode(video=0): pass"
_MIB = 1024 * 1024
_LIST_HOURS = 10.0
_UNKNOWN_LIMIT, _KNOWN_LIMIT = 1.0, 0.25
UNKNOWN_SKIPS = (40, 62)  # sources that are in no other part of this benchmark
_KNOWN_SKIPS = (32, 54)


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    seconds, runs = (60, 1) if flags.fast else (300, 3)
    report = Report("cost", "Cost of a check and of an add")
    clip, other, short = clip_480p(seconds), clip_480p(30, skip=40), clip_480p(10, skip=20)
    with tempfile.TemporaryDirectory() as folder:
        _measure(
            report,
            Path(folder),
            clip=clip,
            other=other,
            short=short,
            seconds=seconds,
            runs=runs,
        )
        _with_a_long_list(report, Path(folder), fast=flags.fast)
    report.finish(write=flags.write)


def _measure(
    report: Report, folder: Path, *, clip: Path, other: Path, short: Path, seconds: int, runs: int
) -> None:
    database = str(folder / "check.sqlite3")
    assert run([_RECIRC, "add", "other", str(other), "--db", database]).exit_code == 0
    decode = [sys.executable, "-c", _DECODE, str(clip)]
    check = [_RECIRC, "check", str(clip), "--db", database]
    added = str(folder / "add.sqlite3")
    add = [_RECIRC, "add", "a", str(clip), "--db", added]
    decodes, checks, adds = in_turn([decode, check, add], runs)
    assert checks[0].exit_code == 0, f"the clip should match nothing, exit {checks[0].exit_code}"
    full_s = median_cpu_s(decodes)
    report.text(
        f"A {seconds} s clip, 854x480, 30 frames a second, H.264 (x264's defaults), that matches "
        f"nothing; medians of {runs} runs in turn. The limit is a ratio to the decode's CPU time."
    )
    report.table(
        ["command", "CPU s", "ratio to decode", "limit", "peak MiB"],
        [
            ["full decode by PyAV", f"{full_s:.2f}", "1", "", _peak(decodes)],
            _ratio_row(report, "check", checks, full_s, 0.7),
            _ratio_row(report, "add", adds, full_s, 1.5),
        ],
    )
    bytes_a_second = _blob_bytes(added) / seconds
    report.text(f"Stored: {bytes_a_second:.0f} bytes a second of reference (limit 1,200).")
    report.figure("stored_bytes_a_second", bytes_a_second)
    report.figure("check_peak_mib", max(cost.peak_bytes for cost in checks) / _MIB)
    _starts(report, short, database)


def _starts(report: Report, short: Path, database: str) -> None:
    python = [sys.executable, "-c", "pass"]
    commands = [python, [_RECIRC, "--help"], [_RECIRC, "check", str(short), "--db", database]]
    bare, helps, checks = in_turn(commands, 7)
    rows = []
    for name, costs, limit_s in (
        ("python -c pass", bare, None),
        ("recirc --help", helps, 0.3),
        ("recirc check, 10 s clip", checks, 1.5),
    ):
        rows.append([name, f"{median_wall_s(costs):.2f}", limit_s or ""])
    report.text("From a cold start, wall-clock seconds, medians of 7 runs in turn:")
    report.table(["command", "seconds", "limit"], rows)
    report.figure("help_s", median_wall_s(helps))
    report.figure("check_10s_s", median_wall_s(checks))


def _ratio_row(
    report: Report, name: str, costs: list[Cost], full_s: float, limit: float
) -> list[str]:
    ratio = median_cpu_s(costs) / full_s
    report.figure(f"{name}_ratio", ratio)
    cpu_s = f"{median_cpu_s(costs):.2f}"
    return [f"recirc {name}", cpu_s, f"{ratio:.2f}", str(limit), _peak(costs)]


def _with_a_long_list(report: Report, folder: Path, *, fast: bool) -> None:
    """Checks inside one process whose index is there: what a service pays for each clip."""
    cv2.setNumThreads(1)
    originals = known.originals(_KNOWN_SKIPS[:1] if fast else _KNOWN_SKIPS)
    with closing(SqliteStore(folder / "long.sqlite3")) as store:
        repeated = extract(clip_480p(300).read_bytes(), REFERENCE).fingerprint
        store.add("long", list(longlist.references(_LIST_HOURS, repeated)), policy=Policy.BLOCK)
        listed = [
            Reference(path.stem, None, None, extract(path.read_bytes(), REFERENCE).fingerprint)
            for path in originals
        ]
        store.add("known", listed, policy=Policy.BLOCK)
        checker = Checker(store, Uncaged())
        frames = sum(one.index.frames for one in checker.lists())
        report.text(
            f"In one process, with {_LIST_HOURS:.0f} hours of references on the lists "
            f"({frames:,} hashes: a fingerprint of 5 minutes of real footage, each time with "
            f"{longlist.FLIPPED_BITS} other bits flipped) and all views on. Ratios of CPU time to "
            "a full decode in the same run."
        )
        _unknown(report, checker, runs=1 if fast else 3)
        _known(report, checker, originals)


def _unknown(report: Report, checker: Checker, *, runs: int) -> None:
    rows = []
    for skip in UNKNOWN_SKIPS:
        path = clip_480p(60, skip=skip)
        pairs = [decode_ratio(checker, path) for _ in range(runs + 1)][1:]  # the first warms up
        ratio = median(ratio for ratio, _ in pairs)
        assert pairs[0][1].verdict is Verdict.NO_MATCH
        report.figure(f"unknown_{skip}_ratio", ratio)
        rows.append([f"60 s, sources from {skip} on", f"{ratio:.2f}", f"{_UNKNOWN_LIMIT}"])
    report.table(["clip that matches nothing", "ratio to decode", "limit"], rows)


def _known(report: Report, checker: Checker, originals: Sequence[Path]) -> None:
    early: list[float] = []
    full: list[float] = []
    rows = []
    for copy in known.copies(list(originals)):
        ratio, result = decode_ratio(checker, copy.path)
        (early if result.early else full).append(ratio)
        found = copy.original.stem in {match.reference for match in result.matches}
        told = result.verdict.value if found or not result.matches else "other footage"
        if not result.early:
            rows.append([copy.edit, copy.label, copy.original.stem, told, f"{ratio:.2f}"])
    ratio = median(early + full)
    report.figure("known_median_ratio", ratio)
    report.figure("known_early_share", len(early) / len(early + full))
    report.text(
        f"{len(early + full)} mild edits of known clips of 40 s, those of 30 s and more: the "
        f"median costs {ratio:.2f} of a full decode (limit {_KNOWN_LIMIT}). {len(early)} were "
        f"clear by their key frames (median {_median(early)}), {len(full)} were decoded in full "
        f"(median {_median(full)}):"
    )
    report.table(["edit", "mild form", "original", "verdict", "ratio"], rows)


def decode_ratio(checker: Checker, path: Path) -> tuple[float, CheckResult]:
    """CPU time of a check over that of a full decode, right after each other; and the answer."""
    media, answers = path.read_bytes(), list[CheckResult]()
    check_s = _cpu_s(lambda: answers.append(checker.check(media)))
    return check_s / _cpu_s(lambda: _decode_all(path)), answers[0]


def _cpu_s(work: Callable[[], object]) -> float:
    started_s = time.process_time()
    work()
    return time.process_time() - started_s


def _decode_all(path: Path) -> None:
    with av.open(str(path), metadata_errors="ignore") as container:
        for _ in container.decode(video=0):
            pass


def _median(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f}" if ratios else "–"


def _peak(costs: list[Cost]) -> str:
    return f"{max(cost.peak_bytes for cost in costs) / _MIB:.0f}"


def _blob_bytes(database: str) -> int:
    with sqlite3.connect(database) as connection:
        row = connection.execute("SELECT sum(length(fingerprint)) FROM [references]").fetchone()
    return int(row[0])


if __name__ == "__main__":
    if "OPENBLAS_NUM_THREADS" not in os.environ:
        # Its threads would only wait for one another, and that counts as CPU time. It is read when
        # numpy is loaded, so it is too late for this process.
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.cost", *sys.argv[1:]])  # noqa: S606  # this very module
    main()
