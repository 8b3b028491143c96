"""Fuzzes one parser for so many seconds: guided by coverage with atheris, else by lot.

``python -m benchmarks.hostility.fuzz PARSER SECONDS``; prints how many inputs were tried.
atheris is no part of the lock file (`pip install atheris` beside it): nothing else needs it.
"""

import importlib
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random
from typing import Any


def main() -> None:
    """Fuzz; the exit code is not 0 where anything but our own errors came out."""
    name, seconds = sys.argv[1], int(sys.argv[2])
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError:
        _by_lot(name, seconds)
        return
    with atheris.instrument_imports(include=["hashing", "service", "zipfile"]):
        parsers: Any = importlib.import_module("benchmarks.hostility.parsers")

    def try_one(data: bytes) -> None:
        parsers.accepts(name, data)

    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder)
        for number, seed in enumerate(parsers.seeds()[name]):
            (corpus / str(number)).write_bytes(seed)
        sys.stdout.write("guided by coverage\n")
        sys.stdout.flush()
        # It ends this process itself, after printing how many it ran.
        atheris.Setup(
            [
                sys.argv[0],
                f"-max_total_time={seconds}",
                "-max_len=65536",
                "-timeout=10",
                str(corpus),
            ],
            try_one,
        )
        atheris.Fuzz()


def _by_lot(name: str, seconds: int) -> None:
    from benchmarks.hostility import parsers  # noqa: PLC0415  # atheris wants to import it itself

    seeds, random, tried = parsers.seeds()[name], Random(1), 0  # noqa: S311  # damage, no secret
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = parsers.damaged(random.choice(seeds), random)
        tried += 1
        try:
            parsers.accepts(name, data)
        except Exception:
            traceback.print_exc()
            sys.stderr.write(f"input: {data!r}\n")
            raise
    sys.stdout.write(f"by lot\nDone {tried} runs\n")


if __name__ == "__main__":
    main()
