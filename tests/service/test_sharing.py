"""Sharing: counts of several processes, as one of them tells them all."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from hashing.verdict import Verdict
from service.metrics import Metrics, Stage
from service.sharing import PLACE_BYTES, Board, Together, added


def samples(metrics: Metrics) -> dict[str, float]:
    return {
        " ".join([one.name, *one.labels.values()]): one.value
        for family in text_string_to_metric_families(metrics.page().decode())
        for one in family.samples
    }


def counting(board: Board, place: int, matches: int) -> tuple[Metrics, Together]:
    """A process in this place that has counted so many matches, and has shown it."""
    metrics = Metrics()
    together = metrics.share(board, place)
    for _ in range(matches):
        metrics.checked(Verdict.MATCH, ["truncated"])
        metrics.took(Stage.QUEUE, 0.2)
    together.show()
    return metrics, together


def test_any_process_tells_for_all() -> None:
    board = Board(3)
    made = [counting(board, place, matches)[0] for place, matches in enumerate((1, 2, 4))]

    for metrics in made:
        found = samples(metrics)
        assert found["recirc_checks_total match"] == 7
        assert found["recirc_check_problems_total truncated"] == 7
        assert found["recirc_stage_seconds_count queue"] == 7
        assert found["recirc_stage_seconds_bucket 0.25 queue"] == 7
        assert found["recirc_stage_seconds_bucket 0.1 queue"] == 0
        assert found["recirc_stage_seconds_sum queue"] == pytest.approx(1.4)


def test_what_is_new_is_seen_once_it_is_shown() -> None:
    board = Board(2)
    one, _ = counting(board, 0, 1)
    other, showing = counting(board, 1, 1)

    other.checked(Verdict.MATCH, [])
    assert samples(other)["recirc_checks_total match"] == 3
    assert samples(one)["recirc_checks_total match"] == 2
    showing.show()
    assert samples(one)["recirc_checks_total match"] == 3


def test_a_process_goes_on_from_what_the_one_before_it_had_counted() -> None:
    """Else a rate would be reckoned from a fall to nothing, or from all anew."""
    board = Board(2)
    counting(board, 0, 5)
    other, _ = counting(board, 1, 1)

    again, _ = counting(board, 0, 2)

    assert samples(again)["recirc_checks_total match"] == 8
    assert samples(other)["recirc_checks_total match"] == 8
    third, _ = counting(board, 0, 0)
    assert samples(third)["recirc_checks_total match"] == 8


def test_what_is_the_same_for_all_is_not_added_up() -> None:
    board = Board(2)
    one, _ = counting(board, 0, 0)
    counting(board, 1, 0)

    found = samples(one)
    assert found["process_max_fds"] == samples(Metrics())["process_max_fds"]
    assert found["process_resident_memory_bytes"] > 1.5 * _resident_bytes()


def _resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_a_place_that_is_being_written_is_left_out() -> None:
    board = Board(2)
    one, _ = counting(board, 0, 1)
    counting(board, 1, 1)
    board._map[PLACE_BYTES + 100] ^= 1

    assert samples(one)["recirc_checks_total match"] == 1


def test_what_has_no_room_is_not_shown() -> None:
    board = Board(2)
    one, _ = counting(board, 0, 1)
    other, showing = counting(board, 1, 1)
    for number in range(9000):
        other.refused(f"a code that there is not {number}")
    showing.show()

    assert samples(one)["recirc_checks_total match"] == 2


@given(st.lists(st.integers(0, 9), max_size=5))
def test_nothing_is_lost_and_nothing_comes_twice(counts: list[int]) -> None:
    processes = []
    for count in counts:
        metrics = Metrics()
        for _ in range(count):
            metrics.died("decoder_crashed")
        processes.append(list(metrics.collect()))

    found = [
        one.value
        for family in added(processes)
        for one in family.samples
        if one.name == "recirc_decoder_deaths_total"
    ]
    assert found == ([sum(counts)] if any(counts) else [])
