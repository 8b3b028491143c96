"""What the service benchmark counts as right, and how it reads answers: wrong here, wrong there."""

import asyncio
import time
from pathlib import Path

import pytest
from fastapi import FastAPI

from benchmarks.serving import beats, chaos, load
from benchmarks.serving.beats import Beats, Late
from benchmarks.serving.chaos import _Batch
from benchmarks.serving.sending import Answered, Sent, percentile_ms

ALL = chaos._BATCH


def answered(
    told: str = "no_match", *, status: int = 200, body: int = 1, problem: str = ""
) -> Answered:
    """An answer to a clip that is on no list, unless ``body`` is 0."""
    return Answered(0.0, 1.0, status, told, (problem,) if problem else (), body)


@pytest.mark.parametrize(
    ("one", "right"),
    [
        pytest.param(answered(), True, id="clean"),
        pytest.param(answered("match", body=0), True, id="known"),
        pytest.param(answered("no_match", body=0), False, id="known taken for clean"),
        pytest.param(answered("match"), False, id="clean taken for known"),
        pytest.param(answered("", status=0), False, id="connection broken"),
        pytest.param(answered("", status=503), False, id="refused"),
        pytest.param(answered("unscannable", problem="decoder_killed"), True, id="killed"),
        pytest.param(answered("unscannable", problem="decoder_crashed"), False, id="other failure"),
        pytest.param(answered("no_match", problem="decoder_killed"), False, id="killed and clean"),
        pytest.param(answered("match", problem="decoder_killed", body=0), True, id="key frames"),
        pytest.param(answered("match", problem="decoder_killed"), False, id="killed and accused"),
    ],
)
def test_an_answer_while_decoders_are_killed_is_right_or_not(one: Answered, right: bool) -> None:
    assert chaos._is_right(one) is right


@pytest.mark.parametrize(
    ("batch", "allowed"),
    [
        pytest.param(_Batch(0), [(0, False)], id="never sent"),
        pytest.param(_Batch(0, sent=True), [(0, False), (ALL, True)], id="cut off: all or none"),
        pytest.param(_Batch(0, sent=True, acknowledged=True), [(ALL, True)], id="acknowledged"),
        pytest.param(
            _Batch(0, sent=True, acknowledged=True, removal_sent=True),
            [(ALL, True), (ALL - 1, False)],
            id="removal cut off",
        ),
        pytest.param(
            _Batch(0, sent=True, acknowledged=True, removal_sent=True, removal_acknowledged=True),
            [(ALL - 1, False)],
            id="removal acknowledged",
        ),
    ],
)
def test_a_list_holds_what_was_acknowledged_and_nothing_in_part(
    batch: _Batch, allowed: list[tuple[int, bool]]
) -> None:
    possible = [(held, first) for held in range(1, ALL) for first in (False, True)]
    every = [(0, False), *possible, (ALL, True)]

    assert [one for one in every if batch.allows(one[0], first=one[1])] == sorted(allowed)


@pytest.mark.parametrize(
    ("come", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ncontent-le", False),
    ],
    ids=["half a body", "whole", "no body", "half a head"],
)
def test_an_answer_is_read_to_its_end(come: bytes, whole: bool) -> None:
    assert load._is_whole(bytearray(come)) is whole


def test_percentiles_rates_and_kinds_of_answers() -> None:
    answers = tuple(Answered(0.0, float(ms), 200, "no_match", (), 0) for ms in range(1, 101))
    refused = Answered(0.0, 5.0, 503, "busy", (), 0)
    sent = Sent(wall_s=2.0, cpu_s=0.5, answers=(*answers, refused))

    assert percentile_ms(sent.good, 0.5) == 51
    assert percentile_ms(sent.good, 0.99) == 100
    assert percentile_ms([], 0.99) == 0
    assert (sent.per_s, sent.cpu_share, sent.refused) == (50, 0.25, [refused])
    assert sent.told() == {"200 no_match": 100, "503 busy": 1}


def test_a_blocked_loop_is_seen_with_how_long_it_was_blocked(tmp_path: Path) -> None:
    kept = Beats.made(tmp_path / "beats")
    app = FastAPI()
    beats.add(app, tmp_path / "beats", 3)

    async def block() -> None:
        async with app.router.lifespan_context(app):
            await asyncio.sleep(0)
            time.sleep(0.2)  # what it has to see
            await asyncio.sleep(0.05)

    asyncio.run(block())

    worst = kept.worst()
    assert worst.late_ms >= 150
    assert worst.own_ms <= worst.late_ms
    kept.forget()
    assert kept.worst() == Late(0.0, 0.0, 0)
