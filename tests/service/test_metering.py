"""Metering: what becomes of checks is counted, and where their time goes is known."""

import asyncio
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hashing.extract import CLIP, REFERENCE, extract
from hashing.reference import Reference
from service.errors import DecoderCrashed, DecoderKilled
from service.media.decoding import Uncaged
from service.metering import MeteredDecoding, MeteredWorkers
from service.metrics import Metrics, Stage
from tests import cages
from tests.memory_store import MemoryStore
from tests.service.calls import Caller, calling, clip

LISTED = clip(1)


def samples(call: Caller) -> dict[str, float]:
    """Every series of the metrics, by name and labels."""
    page = call("GET", "/metrics")
    assert page.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        " ".join([one.name, *one.labels.values()]): one.value
        for family in text_string_to_metric_families(page.text)
        for one in family.samples
    }


def stocked() -> MemoryStore:
    store = MemoryStore(clock=lambda: 1_774_000_000_000)
    store.add(
        "names-of-people", [Reference("r1", None, None, extract(LISTED, REFERENCE).fingerprint)]
    )
    return store


def test_before_the_first_check_everything_is_nought() -> None:
    with calling() as call:
        found = samples(call)

    assert [found[f"recirc_checks_total {one}"] for one in ("match", "unscannable")] == [0, 0]
    assert found["recirc_stage_seconds_count decode"] == 0
    assert found["recirc_index_frames"] == 0


def test_checks_are_counted_by_verdict_and_by_problem() -> None:
    with calling(stocked()) as call:
        for body in (LISTED, LISTED, clip(2), b"no clip", b""):
            call("POST", "/v1/check", content=body)
        found = samples(call)

    assert found["recirc_checks_total match"] == 2
    assert found["recirc_checks_total no_match"] == 1
    assert found["recirc_checks_total unscannable"] == 2
    assert found["recirc_check_problems_total not_media"] == 1
    assert found["recirc_check_problems_total empty_file"] == 1
    for stage in Stage:
        assert found[f"recirc_stage_seconds_count {stage}"] >= 5, stage
    assert found["recirc_stage_seconds_sum decode"] > 0


def test_gauges_say_how_it_is_now() -> None:
    with calling(stocked()) as call:
        call("POST", "/v1/check", content=LISTED)
        after = samples(call)

    assert after["recirc_lists"] == after["recirc_references"] == 1
    assert after["recirc_list_changed_timestamp_seconds oldest"] == 1_774_000_000
    assert after["recirc_index_frames"] > 20
    assert after["recirc_body_bytes"] == after["recirc_jobs"] == 0
    for pool in ("clips", "lookups"):
        assert after[f"recirc_queue {pool}"] == after[f"recirc_places_taken {pool}"] == 0
        assert after[f"recirc_places {pool}"] > after[f"recirc_threads {pool}"] > 0


def test_no_list_is_named() -> None:
    with calling(stocked()) as call:
        call("POST", "/v1/check", content=LISTED)

        assert "names-of-people" not in call("GET", "/metrics").text


def test_lists_that_cannot_be_read_take_nothing_else_away() -> None:
    store = stocked()
    with calling(store) as call:
        store.close()
        found = samples(call)

    assert "recirc_lists" not in found
    assert "recirc_queue clips" in found


@pytest.mark.parametrize("late", [False, True], ids=["at once", "over the whole"])
def test_a_death_is_counted_once(late: bool) -> None:
    decoding = cages.Dying(DecoderCrashed, cages.shared() if late else None)
    with calling(stocked(), decoding=decoding) as call:
        answer = call("POST", "/v1/check", content=clip(2)).json()
        found = samples(call)

    assert answer["problems"] == ["decoder_crashed"]
    assert found["recirc_decoder_deaths_total decoder_crashed"] == 1


def test_a_decoder_that_is_asked_again_has_not_died_again() -> None:
    metrics = Metrics()
    decoding = MeteredDecoding(cages.Dying(DecoderCrashed, Uncaged()), metrics)
    with decoding.opened(clip(2), CLIP) as taking:
        for ask in (taking.whole, taking.ending):
            with pytest.raises(DecoderCrashed):
                ask()

    assert b'recirc_decoder_deaths_total{code="decoder_crashed"} 1.0' in metrics.page()


def test_a_death_over_a_reference_is_counted_too() -> None:
    with calling(stocked(), decoding=cages.Dying(DecoderKilled)) as call:
        call("POST", "/v1/lists/names-of-people/references", content=clip(2))
        found = samples(call)

    assert found["recirc_decoder_deaths_total decoder_killed"] == 1
    assert found["recirc_problems_total decoder_killed"] == 1


def test_what_waits_and_what_is_worked_on_is_known() -> None:
    workers = MeteredWorkers(Metrics(), threads=1, places=3)
    begun, told = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert told.wait(timeout=60)

    async def three() -> list[tuple[int, int, int]]:
        with workers.place():
            tasks = [asyncio.ensure_future(workers.run(work)) for _ in range(3)]
            await asyncio.to_thread(begun.wait, 60)
            seen = [(workers.waiting, workers.working, workers.taken)]
            tasks[-1].cancel()  # its client has gone
            await asyncio.sleep(0)
            seen.append((workers.waiting, workers.working, workers.taken))
            told.set()
            await asyncio.gather(*tasks, return_exceptions=True)
        return [*seen, (workers.waiting, workers.working, workers.taken)]

    assert asyncio.run(three()) == [(2, 1, 1), (1, 1, 1), (0, 0, 0)]
    workers.close()


def test_two_services_count_for_themselves() -> None:
    with calling() as one, calling() as other:
        one("POST", "/v1/check", content=b"x")

        assert samples(one)["recirc_checks_total unscannable"] == 1
        assert samples(other)["recirc_checks_total unscannable"] == 0
