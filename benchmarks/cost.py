"""What a check and an add cost, beside a full decode by PyAV with default settings."""

import sqlite3
import sys
import tempfile
from pathlib import Path

from benchmarks.footage import clip_480p
from benchmarks.processes import Cost, in_turn, median_cpu_s, median_wall_s, run
from benchmarks.report import Report, arguments

_RECIRC = str(Path(sys.executable).with_name("recirc"))
_DECODE = "import av, sys\nfor frame in av.open(sys.argv[1]).decode(video=0): pass"
_MIB = 1024 * 1024


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


def _peak(costs: list[Cost]) -> str:
    return f"{max(cost.peak_bytes for cost in costs) / _MIB:.0f}"


def _blob_bytes(database: str) -> int:
    with sqlite3.connect(database) as connection:
        row = connection.execute("SELECT sum(length(fingerprint)) FROM [references]").fetchone()
    return int(row[0])


if __name__ == "__main__":
    main()
