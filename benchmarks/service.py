"""The service under load, attack and accident: a real server, real sockets, loopback alone."""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.report import Report, arguments
from benchmarks.serving import chaos, clips, endurance, lookups, overload
from benchmarks.serving.hosting import Others
from benchmarks.serving.targets import Target, table

Part = Callable[..., list[Target]]
PARTS: Final[dict[str, tuple[str, Part]]] = {
    "lookups": ("Look-ups of fingerprints", lookups.measure),
    "clips": ("Clips", clips.measure),
    "overload": ("Overload", overload.overloaded),
    "slow": ("Slow clients", overload.slow_clients),
    "decoders": ("Decoders killed", chaos.decoders),
    "imports": ("The server killed during imports", chaos.imports),
    "restarts": ("Restarts", endurance.restarts),
    "soak": ("Soak", endurance.soak),
}


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "", parts=tuple(PARTS))
    report = Report("service", "The service under load")
    report.text(
        f"A real server in processes of its own, loopback, {os.cpu_count()} cores that server, "
        "decoders and load share. An event loop is blocked by itself for as long as a heartbeat "
        "is late while there is a core for it."
    )
    for name, (title, measure) in PARTS.items():
        if flags.only and name not in flags.only:
            continue
        report.text(f"{title}:")
        began_s, others = time.monotonic(), Others()
        with tempfile.TemporaryDirectory() as folder:
            table(report, measure(Path(folder), fast=flags.fast))
        report.text(f"Meanwhile other programs took {others.cores():.1f} of the cores.")
        print(f"{title}: {time.monotonic() - began_s:.0f} s", file=sys.stderr)
    report.finish(write=flags.write)


if __name__ == "__main__":
    if "OPENBLAS_NUM_THREADS" not in os.environ:
        # Read when numpy is loaded, so too late for this process.
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.service", *sys.argv[1:]])  # noqa: S606  # this very module
    main()
