"""Supervising: several processes of the service on one socket, begun anew where one dies.

The parent holds the listening socket and nothing else: it opens no database and decodes nothing. It
is forked, so that all have the socket and one shared map for their counts; each child then makes
its own database connections, decoders and threads. A child that loses its parent ends as well.
"""

import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from service import faults
from service.errors import WorkersFailed
from service.media import kernel

STOP_S: Final = 22  # a little more than a process may take to answer what it is at
CANNOT_BEGIN: Final = 3  # exit code of a child that could not begin, and has said why
_LONGEST_PAUSE_S: Final = 30.0
_SOUND_S: Final = 30.0  # who lived so long is begun anew at once
_SIGNALS: Final = frozenset([signal.SIGTERM, signal.SIGINT, signal.SIGCHLD])
_log = logging.getLogger(__name__)


def is_possible() -> bool:
    """Whether this system has what a supervisor needs: a wait for signals, a signal for orphans."""
    return hasattr(signal, "sigtimedwait") and kernel.machine() is not None


class Supervisor:
    """Keeps ``count`` processes at ``work``, which gets the number of its place.

    To be made and run in a process with one thread.
    """

    def __init__(self, work: Callable[[int], None], count: int, *, stop_s: float = STOP_S) -> None:
        self._work = work
        self._count = count
        self._stop_s = stop_s
        self._places: dict[int, int] = {}  # by process id
        self._begun_s: dict[int, float] = {}  # by place, as all below
        self._pause_s = dict.fromkeys(range(count), 0.0)
        self._due_s: dict[int, float] = {}
        self._sound: set[int] = set()  # places whose process has worked once
        self._stop_by_s: float | None = None
        self._failed = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT, and until all have ended. Raises WorkersFailed."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            for place in range(self._count):
                self._begin(place)
            while self._places or self._due_s:
                self._turn()
        finally:
            self._send(signal.SIGKILL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        if self._failed:
            raise WorkersFailed("no process of the service can begin; the lines before say why")

    def _turn(self) -> None:
        """Wait for what comes next, and do what it asks for."""
        found = signal.sigtimedwait(_SIGNALS, 0.2)
        if found is not None and found.si_signo != signal.SIGCHLD:
            self._stop()
        self._reap()
        now_s = time.monotonic()
        if self._stop_by_s is not None and now_s > self._stop_by_s:
            self._send(signal.SIGKILL)
        for place in [place for place, due_s in self._due_s.items() if due_s <= now_s]:
            del self._due_s[place]
            self._begin(place)

    def _begin(self, place: int) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be_child(place, parent)
        self._places[pid] = place
        self._begun_s[place] = time.monotonic()

    def _be_child(self, place: int, parent: int) -> None:
        code = 1
        try:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            if os.getppid() == parent:
                self._work(place)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except KeyboardInterrupt:
            code = 0  # the terminal's Ctrl-C goes to all of them
        except Exception as error:  # noqa: BLE001  # the outermost of its process
            _log.error("process %d: %s", place, faults.describe(error))
        finally:
            logging.shutdown()
            os._exit(code)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                place = self._places.pop(pid, None)
                if place is not None:
                    self._ended(place, os.waitstatus_to_exitcode(status))

    def _ended(self, place: int, code: int) -> None:
        if self._stop_by_s is not None:
            return
        lived_s = time.monotonic() - self._begun_s[place]
        if code == CANNOT_BEGIN and not self._sound:
            self._failed = True
            self._stop()
            return
        if code != CANNOT_BEGIN:
            self._sound.add(place)
        before_s = self._pause_s[place]
        pause_s = 0.0 if lived_s > _SOUND_S else min(_LONGEST_PAUSE_S, max(0.5, 2 * before_s))
        self._pause_s[place] = pause_s
        self._due_s[place] = time.monotonic() + pause_s
        _log.error("process %d ended (%d) and is begun anew in %g s", place, code, pause_s)

    def _stop(self) -> None:
        self._due_s.clear()
        if self._stop_by_s is None:
            self._stop_by_s = time.monotonic() + self._stop_s
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        for pid in self._places:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
