"""Overload: four times what the server can do, and clients that never finish."""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.serving import lookups, materials
from benchmarks.serving.clips import CHECK
from benchmarks.serving.hosting import PROCESSORS, Host, hosted
from benchmarks.serving.load import Plan
from benchmarks.serving.sending import Sending, Sent, percentile_ms, sent
from benchmarks.serving.targets import Target

_TIMES = 4
_MOST_SLOWER, _MOST_REFUSAL_MS = 3.0, 100.0
_CLIP_S = 5
_SOCKETS = 2000
_DRIP_S: Final = 0.5  # between the bytes of who drips
_LONGEST_WAIT_MS = 10_000.0  # of an honest client, also while all of the slow ones begin
_FRAMES = 200_000
_HEAD: Final = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"

Step = Callable[[socket.socket], object]


def overloaded(folder: Path, *, fast: bool) -> list[Target]:
    """Clips at four times the rate at which they can be checked."""
    clips = [str(one) for one in materials.clips(_CLIP_S, 4)]
    with hosted(folder, database=materials.known_database(folder)) as host:
        plan = partial(Plan, port=host.port, target=CHECK, bodies=clips, content_type="video/mp4")
        sent(plan(connections=PROCESSORS, seconds=3.0))
        unloaded = sent(plan(connections=1, seconds=5.0 if fast else 15.0))
        full = sent(plan(connections=2 * PROCESSORS, seconds=5.0 if fast else 10.0))
        over = sent(plan(connections=200, seconds=8.0 if fast else 25.0, per_s=_TIMES * full.per_s))
    return _rows(unloaded, full, over)


def _rows(unloaded: Sent, full: Sent, over: Sent) -> list[Target]:
    lost = [one for one in over.answers if one not in over.good and one not in over.refused]
    assert not lost, over.told()
    unloaded_ms, admitted_ms = (percentile_ms(one.good, 0.99) for one in (unloaded, over))
    refusal_ms = percentile_ms(over.refused, 0.99)
    ratio = admitted_ms / unloaded_ms
    return [
        Target(
            key="overload_admitted",
            what=f"p99 of admitted clips at {_TIMES} times the full rate ({full.per_s:.1f} a "
            f"second; {over.per_s:.1f} admitted, {len(over.refused) / over.wall_s:.1f} refused) to "
            f"p99 of one at a time ({admitted_ms:.0f} to {unloaded_ms:.0f} ms)",
            measured=f"{ratio:.1f}",
            value=ratio,
            limit=f"≤ {_MOST_SLOWER:g}",
            held=ratio <= _MOST_SLOWER,
        ),
        Target(
            key="overload_refusal_ms",
            what="p99 of refusals then, ms",
            measured=f"{refusal_ms:.0f}",
            value=refusal_ms,
            limit=f"≤ {_MOST_REFUSAL_MS:g}",
            held=refusal_ms <= _MOST_REFUSAL_MS,
        ),
    ]


def _nothing(_: socket.socket) -> None:
    return


def _send(data: bytes) -> Step:
    return lambda one: one.send(data)


_CHECK_HEAD: Final = _HEAD % lookups.CHECK.encode()
# What each of them sends first, and what again and again (security.md's five, and one that asks
# for much and reads nothing).
SHAPES: Final[dict[str, tuple[Step, Step]]] = {
    "idle": (_nothing, _nothing),
    "head stalls": (_send(_CHECK_HEAD), _nothing),
    "head drips": (_send(_CHECK_HEAD + b"X-A: "), _send(b"a")),
    "body stalls": (_send(_CHECK_HEAD + b"Content-Length: 100000\r\n\r\n{"), _nothing),
    "body drips": (_send(_CHECK_HEAD + b"Content-Length: 100000\r\n\r\n{"), _send(b" ")),
    "never reads": (
        lambda one: one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048),
        _send(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    ),
}


def slow_clients(folder: Path, *, fast: bool) -> list[Target]:
    """Honest look-ups while so many sockets of one shape are held open."""
    bodies = materials.fingerprints(folder, plain=True)
    rows = []
    database = materials.known_database(folder)
    for number, (shape, steps) in enumerate(SHAPES.items()):
        own = folder / str(number)
        own.mkdir()
        with hosted(own, database=database) as host:
            _honest(host, bodies, 1.0)
            with _held(host.port, *steps) as drip:
                honest = _honest(host, bodies, 2.0 if fast else 5.0, drip)
        rows.append(_row(shape, honest))
    return rows


def _honest(
    host: Host, bodies: Sequence[Path], seconds: float, meanwhile: Callable[[], None] | None = None
) -> Sent:
    plan = Plan(
        port=host.port,
        target=lookups.CHECK,
        bodies=[str(one) for one in bodies],
        connections=PROCESSORS,
        seconds=seconds,
    )
    if meanwhile is None:
        return sent(plan)
    with Sending(plan) as sending:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            meanwhile()
            time.sleep(_DRIP_S)
        return sending.finished()


@contextmanager
def _held(port: int, first: Step, again: Step) -> Iterator[Callable[[], None]]:
    """So many sockets, opened and held; what is given makes each go on a little."""
    sockets: list[socket.socket] = []

    def drip() -> None:
        for one in sockets:
            with suppress(OSError):
                again(one)

    try:
        for _ in range(_SOCKETS):
            sockets.append(socket.create_connection(("127.0.0.1", port), timeout=10))
            sockets[-1].setblocking(False)
            with suppress(OSError):
                first(sockets[-1])
        yield drip
    finally:
        for one in sockets:
            one.close()


def _row(shape: str, honest: Sent) -> Target:
    served = len(honest.good) / max(1, len(honest.answers))
    longest_ms = max((one.taken_ms for one in honest.answers), default=float("inf"))
    return Target(
        key=f"slow_{shape.replace(' ', '_')}_served",
        what=f"honest look-ups served beside {_SOCKETS} sockets: {shape} "
        f"({len(honest.answers)} asked, the slowest took {longest_ms:.0f} ms)",
        measured=f"{100 * served:.0f} %",
        value=served,
        limit="all",
        held=served == 1.0 and len(honest.answers) > 0 and longest_ms <= _LONGEST_WAIT_MS,
    )
