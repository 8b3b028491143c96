"""Every trick of the evasion corpus, with made-up footage: found, or said to be unread."""

from collections.abc import Iterator

import pytest

from benchmarks.hostility import evasion
from benchmarks.hostility.answering import Answers, make_database
from benchmarks.hostility.footage import procedural
from benchmarks.hostility.trick import Trick
from service.media.decoding import Uncaged

CLIP = procedural(1, 4, 160, 96)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """Answers with the footage on the list."""
    database = tmp_path_factory.mktemp("listed") / "recirc.sqlite3"
    make_database(database, [CLIP])
    opened = Answers(database, Uncaged())
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "trick",
    [pytest.param(one, id=f"{one.family}: {one.name}") for one in evasion.tricks()],
)
def test_listed_footage_is_found_whatever_it_is_wrapped_in(trick: Trick, answers: Answers) -> None:
    answer = answers.of(trick.make(CLIP))

    assert evasion.is_right(trick, CLIP, answer), answer
