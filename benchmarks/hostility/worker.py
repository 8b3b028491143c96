"""Asks for answers in a process of their own, so that a crash is counted and ends nothing else.

``python -m benchmarks.hostility.worker DATABASE``: files on standard input, each behind its length
in four bytes; for each a line of JSON on standard output.
"""

import json
import os
import resource
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# What a check may take before it counts as hung: recirc's own limit for one clip.
HUNG_S: Final = 30.0
_KIBI: Final = 1024 if sys.platform != "darwin" else 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one file. ``verdict`` is "crash" or "hang" where there was no answer.

    ``peak_bytes``: the most that any decoder has had in memory so far.
    """

    verdict: str
    problems: tuple[str, ...]
    reference: str | None
    seconds: float
    peak_bytes: int


class Worker:
    """One process that answers, replaced when it dies."""

    def __init__(self, database: Path) -> None:
        self._command = [sys.executable, "-m", __spec__.name, str(database)]
        self._process = self._started()
        self._peak_bytes = 0

    def ask(self, media: bytes) -> Asked:
        """The answer to one file."""
        started = time.monotonic()
        try:
            line = self._exchange(media)
        except (BrokenPipeError, EOFError):
            return self._lost("crash", started)
        except TimeoutError:
            return self._lost("hang", started)
        answer = json.loads(line)
        self._peak_bytes = answer["peak_bytes"]
        return Asked(
            answer["verdict"],
            tuple(answer["problems"]),
            answer["reference"],
            time.monotonic() - started,
            self._peak_bytes,
        )

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _started(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )

    def _exchange(self, media: bytes) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        view = memoryview(len(media).to_bytes(4) + media)
        while view:
            view = view[self._process.stdin.write(view) :]
        line, end = b"", time.monotonic() + HUNG_S
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self._process.stdout], [], [], end - time.monotonic())
            if not ready:
                raise TimeoutError
            part = os.read(self._process.stdout.fileno(), 65_536)
            if not part:
                raise EOFError
            line += part
        return line

    def _lost(self, how: str, started: float) -> Asked:
        self.close()
        self._process = self._started()
        return Asked(how, (), None, time.monotonic() - started, self._peak_bytes)


def main() -> None:
    """Answer until standard input ends."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"  # as the command does; a zygote forks from one thread only
    import av  # noqa: PLC0415  # the parent needs neither
    import cv2  # noqa: PLC0415

    from benchmarks.hostility.answering import Answers, Measured  # noqa: PLC0415
    from service import caging  # noqa: PLC0415
    from service.media.cage import Cage  # noqa: PLC0415
    from service.settings import from_environment  # noqa: PLC0415

    av.logging.set_level(None)
    cv2.setNumThreads(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with caging.for_command(from_environment({})) as decoding:
        measured = Measured(decoding) if isinstance(decoding, Cage) else None
        answers = Answers(Path(sys.argv[1]), measured or decoding)
        while head := sys.stdin.buffer.read(4):
            answer = answers.of(sys.stdin.buffer.read(int.from_bytes(head)))
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBI
            line = {
                "verdict": str(answer.verdict),
                "problems": [str(one) for one in answer.problems],
                "reference": answer.reference,
                "peak_bytes": own if measured is None else measured.peak_bytes,
                "parent_peak_bytes": own,
            }
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
