"""A short seeded form of the fuzz run and the mutations of `python -m benchmarks.hostile`."""

from collections.abc import Iterator
from functools import cache
from random import Random

import pytest

from benchmarks.hostility import mutations, oracle, parsers
from benchmarks.hostility.answering import Answers, make_database
from benchmarks.hostility.footage import procedural
from hashing.verdict import Verdict
from service.media.decoding import Uncaged

CLIP = procedural(2, 4, 160, 96)
KEPT_S = 3.0  # so much of the footage must not be passed over


@cache
def seeds() -> dict[str, list[bytes]]:
    """Whole examples for each parser."""
    return parsers.seeds()


@pytest.mark.parametrize("name", parsers.PARSERS)
def test_a_parser_takes_whole_examples(name: str) -> None:
    assert parsers.accepts(name, seeds()[name][0])


@pytest.mark.parametrize("name", parsers.PARSERS)
def test_a_parser_lets_out_our_own_errors_only(name: str) -> None:
    random = Random(name)  # noqa: S311  # damage, no secret

    for _ in range(400):
        parsers.accepts(name, parsers.damaged(random.choice(seeds()[name]), random))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """Answers with the footage on the list."""
    database = tmp_path_factory.mktemp("listed") / "recirc.sqlite3"
    make_database(database, [CLIP])
    opened = Answers(database, Uncaged())
    yield opened
    opened.close()


@pytest.mark.parametrize("kind", sorted(mutations.KINDS))
def test_damaged_copies_are_not_passed_over(kind: str, answers: Answers) -> None:
    place, count = sorted(mutations.KINDS).index(kind), len(mutations.KINDS)
    for number, name in enumerate(["mp4 h264", "mkv h264", "ts h264", "avi mpeg4"]):
        media = mutations.source(name, CLIP)
        made, copy = mutations.mutated(media, number * count + place)
        answer = answers.of(copy)

        assert made == kind
        if answer.verdict is Verdict.NO_MATCH:
            assert oracle.shown_s(copy, CLIP) < KEPT_S


def test_the_oracle_sees_footage_and_its_absence() -> None:
    whole = mutations.source("mp4 h264", CLIP)

    assert oracle.shown_s(whole, CLIP) > 3.9
    assert oracle.shown_s(whole, procedural(3, 4, 160, 96)) < 0.2
    assert oracle.shown_s(b"nothing", CLIP) == 0.0
