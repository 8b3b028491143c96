"""Look-ups of fingerprints, beside a bare FastAPI echo of the same bodies on the same server."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.serving import materials
from benchmarks.serving.hosting import PROCESSORS, Host, hosted
from benchmarks.serving.load import Plan
from benchmarks.serving.sending import Sent, percentile_ms, sent
from benchmarks.serving.targets import Target

_CONNECTIONS = 8  # at a time, each with one request: more only wait longer
_FRAMES = 200_000
_LEAST_PER_S, _MOST_P99_TO_P50, _LEAST_TO_ECHO = 300, 4.0, 0.25
CHECK = "/v1/check/fingerprint"


def measure(folder: Path, *, fast: bool) -> list[Target]:
    """Rates in turn, so that a machine's moods fall on both."""
    seconds, rounds = (3.0, 2) if fast else (8.0, 4)
    rows = []
    with (
        hosted(
            folder, processes=PROCESSORS, database=materials.database(folder, _FRAMES)
        ) as service,
        hosted(folder, app="echo", processes=PROCESSORS) as echo,
    ):
        for plain in (False, True):
            bodies = materials.fingerprints(folder, plain=plain)
            _sent(service, CHECK, bodies, 2.0)  # indexes are loaded
            service.beats.forget()
            began_s, echo_began_s = service.cpu_s(), echo.cpu_s()
            pairs = [
                (_sent(service, CHECK, bodies, seconds), _sent(echo, "/echo", bodies, seconds / 2))
                for _ in range(rounds)
            ]
            checks = sum(len(one.answers) for one, _ in pairs)
            cpu_ms = 1000 * (service.cpu_s() - began_s) / checks
            echo_ms = 1000 * (echo.cpu_s() - echo_began_s) / sum(len(e.answers) for _, e in pairs)
            own_ms = service.beats.worst().own_ms
            rows += _rows(pairs, bodies, cpu_ms=cpu_ms, echo_ms=echo_ms, own_ms=own_ms, plain=plain)
    return rows


def _sent(host: Host, target: str, bodies: Sequence[Path], seconds: float) -> Sent:
    plan = Plan(
        port=host.port,
        target=target,
        bodies=[str(one) for one in bodies],
        connections=_CONNECTIONS,
        seconds=seconds,
    )
    return sent(plan)


def _rows(
    pairs: list[tuple[Sent, Sent]],
    bodies: Sequence[Path],
    *,
    cpu_ms: float,
    echo_ms: float,
    own_ms: float,
    plain: bool,
) -> list[Target]:
    body_kib = median(one.stat().st_size for one in bodies) / 1024
    which = "one track" if plain else "all views"
    key = "plain" if plain else "full"
    checks = [one for one, _ in pairs]
    for one in checks:
        assert len(one.good) == len(one.answers), one.told()
    per_s = median(one.per_s for one in checks)
    ratio = median(one.per_s / echo.per_s for one, echo in pairs)
    p50_ms = median(percentile_ms(one.good, 0.5) for one in checks)
    p99_ms = median(percentile_ms(one.good, 0.99) for one in checks)
    load = median(one.cpu_share for one in checks)
    echo_load = median(echo.cpu_share for _, echo in pairs)
    return [
        Target(
            key=f"lookups_{key}_per_s",
            what=f"look-ups a second, {which} of {materials.FRAMES} frames ({body_kib:.0f} KiB), "
            f"{PROCESSORS} processes; {cpu_ms:.1f} ms of processor time each; the load takes "
            f"{load:.2f} of a core",
            measured=f"{per_s:.0f}",
            value=per_s,
            limit=f"≥ {_LEAST_PER_S}",
            held=per_s >= _LEAST_PER_S,
        ),
        Target(
            key=f"lookups_{key}_p99_to_p50",
            what=f"p99 of these to p50 ({p99_ms:.0f} to {p50_ms:.0f} ms)",
            measured=f"{p99_ms / p50_ms:.1f}",
            value=p99_ms / p50_ms,
            limit=f"≤ {_MOST_P99_TO_P50:g}",
            held=p99_ms / p50_ms <= _MOST_P99_TO_P50,
        ),
        Target(
            key=f"lookups_{key}_to_echo",
            what=f"their rate to that of a bare echo ({echo_ms:.2f} ms of processor time each; the "
            f"load takes {echo_load:.2f} of a core)",
            measured=f"{ratio:.2f}",
            value=ratio,
            limit=f"≥ {_LEAST_TO_ECHO}",
            held=ratio >= _LEAST_TO_ECHO,
        ),
        Target(
            key=f"lookups_{key}_blocked_ms",
            what="longest that an event loop was blocked by itself, ms",
            measured=f"{own_ms:.0f}",
            value=own_ms,
        ),
    ]
