"""The written set of common pictures is the one that is drawn."""

from benchmarks import commonplace as measured
from hashing import commonplace


def test_every_drawn_picture_is_in_the_written_set() -> None:
    names, hashes = measured.drawn()

    assert len(names) == len(hashes) > 100
    assert commonplace.shows(hashes).all()
    assert set(names) >= {"colour bars", "leader", "test card", "grid", "spinner"}
