"""What the cage costs: its set-up for each clip, and decoding inside it beside decoding without."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from statistics import median

import cv2

from benchmarks.footage import clip_480p
from benchmarks.report import Report, arguments
from hashing.errors import MediaError
from hashing.extract import CLIP
from service.media import starting, warming
from service.media.cage import Cage
from service.media.confinement import MIB, Confinement
from service.media.decoding import Decoding, Uncaged, extract
from service.media.starting import Start

_SETUP_LIMIT_MS, _THROUGHPUT_LIMIT = 2.0, 0.95
_PAUSE_S = 0.05  # less than decoding the shortest clip takes
_STARTS: dict[str, Start] = {"a fork": starting.forked, "an interpreter": starting.spawned}


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    report = Report("cage", "Cost of the cage")
    cv2.setNumThreads(1)
    _starts(report, runs=3 if flags.fast else 9)
    with closing(Cage(Confinement())) as cage:
        cage.require()
        _setup(report, cage, runs=50 if flags.fast else 400)
        clips = [clip_480p(10, skip=20), clip_480p(30, skip=40)]
        if not flags.fast:
            clips.append(clip_480p(60, skip=62))
        _throughput(report, cage, clips, runs=3 if flags.fast else 7)
    report.finish(write=flags.write)


def _starts(report: Report, *, runs: int) -> None:
    rows = []
    warming.warm()  # as a command has by its imports; a fork inherits it
    for name, start in _STARTS.items():
        taken_ms, held_mib = [], 0.0
        for _ in range(runs):
            began_s = time.perf_counter()
            with closing(Cage(Confinement(), start)) as cage:
                cage.require()
                taken_ms.append(1000 * (time.perf_counter() - began_s))
                held_mib = _private_bytes(cage.zygote_pid) / MIB
        key = name.split()[-1]
        report.figure(f"start_{key}_ms", median(taken_ms))
        report.figure(f"zygote_{key}_mib", held_mib)
        rows.append([name, f"{median(taken_ms):.0f}", f"{held_mib:.0f}"])
    report.text(
        f"Start of a zygote until its self-test is through, medians of {runs}, and the memory that "
        "it holds for itself:"
    )
    report.table(["a zygote as", "ms", "MiB"], rows)


def _setup(report: Report, cage: Cage, *, runs: int) -> None:
    """By a clip without a byte: all that is left is the child, its lock, and its answer.

    One child is always ready; the next is made while a clip is decoded, as the pause stands for.
    Without it each clip waits for a fork as well: the worst case, that of clips without a byte.
    """
    caged_ms = _each_ms(lambda: _refused(cage), runs, pause_s=_PAUSE_S)
    bare_ms = _each_ms(lambda: _refused(Uncaged()), runs, pause_s=_PAUSE_S)
    setup_ms = median(caged_ms) - median(bare_ms)
    pressed_ms = median(_each_ms(lambda: _refused(cage), runs)) - median(bare_ms)
    tenth = sorted(caged_ms)[len(caged_ms) * 9 // 10]
    cpu_ms = _processor_ms(cage, runs)
    report.figure("child_cpu_ms", cpu_ms)
    report.figure("setup_ms_p50", setup_ms)
    report.figure("setup_ms_p90", tenth)
    report.figure("setup_pressed_ms_p50", pressed_ms)
    report.text(
        f"Set-up for a clip, from its bytes to the first answer of a locked-up child, {runs} times "
        f"with {1000 * _PAUSE_S:.0f} ms between: p50 {setup_ms:.2f} ms (limit "
        f"{_SETUP_LIMIT_MS:g}), p90 {tenth:.2f}. Without a pause, which no clip with a frame in it "
        f"allows: p50 {pressed_ms:.2f} ms. A clip's child takes {cpu_ms:.1f} ms of processor time "
        "from its fork to its end, most of it before its clip comes and after the last answer."
    )


def _processor_ms(cage: Cage, runs: int) -> float:
    """Processor time of zygote and child for one clip: what a busy machine does not blur."""
    schedule = Path(f"/proc/{cage.zygote_pid}/schedstat")
    began_ns = int(schedule.read_text().split()[0])
    children_us = 0
    for _ in range(runs):
        with cage.opened(b"", CLIP) as asking:
            with suppress(MediaError):
                asking.whole()
            children_us += asking.finished().cpu_us
    zygote_ns = int(schedule.read_text().split()[0]) - began_ns
    return (zygote_ns / 1e6 + children_us / 1e3) / runs


def _throughput(report: Report, cage: Cage, clips: Sequence[Path], *, runs: int) -> None:
    rows, ratios = [], []
    for path in clips:
        media = path.read_bytes()
        extract(cage, media, CLIP), extract(Uncaged(), media, CLIP)
        pairs = [
            (_taken_s(Uncaged(), media), _taken_s(cage, media)) for _ in range(runs)
        ]  # in turn: a machine's moods fall on both
        ratio = median(plain_s / caged_s for plain_s, caged_s in pairs)
        ratios.append(ratio)
        plain_s, caged_s = (median(pair[side] for pair in pairs) for side in (0, 1))
        with cage.opened(media, CLIP) as asking:
            asking.whole()
            peak_bytes = asking.finished().peak_bytes
        rows.append(
            [path.stem, f"{plain_s:.2f}", f"{caged_s:.2f}", f"{ratio:.2f}", peak_bytes // MIB]
        )
        report.figure(f"throughput_{path.stem}", ratio)
    report.figure("throughput_ratio", median(ratios))
    report.text(
        f"Hashing whole clips inside the cage and without, medians of {runs} pairs in turn; limit "
        f"of the ratio {_THROUGHPUT_LIMIT}:"
    )
    report.table(["clip", "uncaged s", "caged s", "throughput ratio", "peak MiB of a child"], rows)


def _refused(decoding: Decoding) -> None:
    try:
        extract(decoding, b"", CLIP)
    except MediaError:
        return
    raise AssertionError("a clip without bytes has no hashes")


def _taken_s(decoding: Decoding, media: bytes) -> float:
    began_s = time.perf_counter()
    extract(decoding, media, CLIP)
    return time.perf_counter() - began_s


def _each_ms(work: Callable[[], None], runs: int, *, pause_s: float = 0.0) -> list[float]:
    taken = []
    for _ in range(runs):
        time.sleep(pause_s)
        began_s = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - began_s))
    return taken


def _private_bytes(pid: int) -> int:
    """Memory of a process that it shares with no other."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(one.split()[1]) for one in lines if one.startswith("Private_"))


if __name__ == "__main__":
    if "OPENBLAS_NUM_THREADS" not in os.environ:
        # Read when numpy is loaded, so too late for this process; with more threads no fork.
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.cage", *sys.argv[1:]])  # noqa: S606  # this very module
    main()
