"""Clips: throughput beside the cage alone, the event loop, and a long clip among short ones."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from benchmarks.serving import materials
from benchmarks.serving.beats import BLOCKED_MS
from benchmarks.serving.hosting import PROCESSORS, Host, environment, hosted
from benchmarks.serving.load import Plan
from benchmarks.serving.sending import Sending, Sent, percentile_ms, sent
from benchmarks.serving.targets import Target
from hashing.extract import CLIP
from service import caging
from service.media.cage import Cage
from service.settings import from_environment

_LEAST_TO_CAGE, _MOST_SLOWER = 0.9, 2.0
_CLIP_S, _LONG_MIN = 5, 10
CHECK = "/v1/check"


def measure(folder: Path, *, fast: bool) -> list[Target]:
    """Throughput in turn with the cage alone, then short clips without and with a long one."""
    clips = materials.clips(_CLIP_S, 4)
    with hosted(folder, database=materials.known_database(folder)) as host:
        _sent(host, clips, 4, 4.0)  # warm
        host.beats.forget()
        rows = _throughput(host, clips, seconds=4.0 if fast else 10.0, rounds=2 if fast else 4)
        rows += _beside_a_long_one(host, clips, seconds=8.0 if fast else 25.0)
        late = host.beats.worst()
    rows.append(
        Target(
            key="clips_blocked_ms",
            what="longest that an event loop was blocked by itself, ms "
            f"(with waits for a core: {late.late_ms:.0f})",
            measured=f"{late.own_ms:.0f}",
            value=late.own_ms,
            limit=f"≤ {BLOCKED_MS:g}",
            held=late.own_ms <= BLOCKED_MS,
        )
    )
    return rows


def _throughput(host: Host, clips: Sequence[Path], *, seconds: float, rounds: int) -> list[Target]:
    pairs = []
    for _ in range(rounds):
        served = _sent(host, clips, 2 * PROCESSORS, seconds)
        assert len(served.good) == len(served.answers), served.told()
        pairs.append((served.per_s, _caged_per_s(clips, seconds)))
    ratio = median(served / caged for served, caged in pairs)
    return [
        Target(
            key="clips_to_cage",
            what=f"clips of {_CLIP_S} s a second ({median(one for one, _ in pairs):.1f}) to what "
            f"the cage hashes alone on all cores ({median(other for _, other in pairs):.1f})",
            measured=f"{ratio:.2f}",
            value=ratio,
            limit=f"≥ {_LEAST_TO_CAGE}",
            held=ratio >= _LEAST_TO_CAGE,
        )
    ]


def _beside_a_long_one(host: Host, clips: Sequence[Path], *, seconds: float) -> list[Target]:
    alone = _sent(host, clips, 1, seconds)
    plan = _plan(host, [materials.long_clip(_LONG_MIN)], 1, seconds)
    with Sending(plan) as sending:
        time.sleep(0.5)  # it is on its way
        beside = _sent(host, clips, 1, seconds)
        long_one = sending.finished()
    assert long_one.good, long_one.told()
    alone_ms, beside_ms = (percentile_ms(one.good, 0.95) for one in (alone, beside))
    long_s = median(one.taken_ms for one in long_one.good) / 1000
    return [
        Target(
            key="long_clip_slows",
            what=f"p95 of {_CLIP_S} s clips while one of {_LONG_MIN} minutes is being checked "
            f"(which takes {long_s:.0f} s) to p95 without ({beside_ms:.0f} to {alone_ms:.0f} ms)",
            measured=f"{beside_ms / alone_ms:.2f}",
            value=beside_ms / alone_ms,
            limit=f"≤ {_MOST_SLOWER:g}",
            held=beside_ms / alone_ms <= _MOST_SLOWER,
        )
    ]


def _sent(host: Host, clips: Sequence[Path], connections: int, seconds: float) -> Sent:
    return sent(_plan(host, clips, connections, seconds))


def _plan(host: Host, clips: Sequence[Path], connections: int, seconds: float) -> Plan:
    return Plan(
        port=host.port,
        target=CHECK,
        bodies=[str(one) for one in clips],
        connections=connections,
        seconds=seconds,
        content_type="video/mp4",
    )


def _caged_per_s(clips: Sequence[Path], seconds: float) -> float:
    """What the cage alone hashes a second, as a check asks it to, on all cores; in a process of
    its own, as this one may have threads."""
    command = [sys.executable, "-m", "benchmarks.serving.clips", str(seconds)]
    said = subprocess.run(
        [*command, *(str(one) for one in clips)],
        check=True,
        capture_output=True,
        text=True,
        env=environment(clips[0].with_suffix(".sqlite3")),
    ).stdout
    return float(said)


def _caged(seconds: float, clips: Sequence[Path]) -> float:
    media = [path.read_bytes() for path in clips]
    with closing(Cage(caging.confinement(from_environment(os.environ)))) as cage:
        cage.require()

        def hashed(one: bytes) -> None:
            with cage.opened(one, CLIP) as taking:
                taking.key_frames()
                taking.whole()

        with ThreadPoolExecutor(PROCESSORS) as pool:
            list(pool.map(hashed, media))
            began_s = time.perf_counter()
            done = 0
            while time.perf_counter() - began_s < seconds:
                done += len(list(pool.map(hashed, islice(cycle(media), 2 * len(media)))))
            return done / (time.perf_counter() - began_s)


if __name__ == "__main__":
    print(_caged(float(sys.argv[1]), [Path(one) for one in sys.argv[2:]]))
