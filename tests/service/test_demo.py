"""The demo: it has to come out right here, and to say so when it does not."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

import cli
from hashing.verdict import Verdict
from hashing.views import View
from service import demo
from service.demo import Expectation, Trial
from tests import cages
from tests.commands import Recirc


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    """One run."""
    return list(demo.run(cages.shared()))


def test_all_come_out_right(trials: list[Trial]) -> None:
    assert [(trial.name, trial.right) for trial in trials] == [
        ("re-encoded small", True),
        ("mirrored", True),
        ("letterboxed", True),
        ("cut out of the middle", True),
        ("an unrelated clip", True),
    ]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(1, Expectation(Verdict.MATCH, View.AS_IS, (0, 10_000)), id="view"),
        pytest.param(3, Expectation(Verdict.MATCH, View.AS_IS, (0, 10_000)), id="range too short"),
        pytest.param(0, Expectation(Verdict.MATCH, View.AS_IS, (3000, 8000)), id="range too long"),
        pytest.param(0, Expectation(Verdict.NO_MATCH, None, None), id="false alarm"),
        pytest.param(4, Expectation(Verdict.MATCH, View.AS_IS, (0, 10_000)), id="miss"),
    ],
)
def test_a_wrong_result_is_seen(trials: list[Trial], number: int, expected: Expectation) -> None:
    assert not replace(trials[number], expected=expected).right


def test_an_incomplete_check_is_wrong(trials: list[Trial]) -> None:
    cut = replace(trials[0].result, problems=("truncated",))

    assert not replace(trials[0], result=cut).right


@pytest.fixture
def recirc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Recirc:
    """The command with a temporary folder of its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Recirc(tmp_path, monkeypatch, capsys)


def test_command_says_all_is_right_and_leaves_nothing(
    recirc: Recirc, monkeypatch: pytest.MonkeyPatch, trials: list[Trial]
) -> None:
    ran = recirc("demo")

    assert (ran.code, ran.err) == (cli.Exit.DONE, "")
    assert [line.split()[0] for line in ran.out.splitlines() if "MATCH" in line] == ["right"] * 5
    assert "All 5 came out right" in ran.out
    assert not recirc.database.exists()
    assert list(recirc.folder.iterdir()) == []


def test_command_fails_when_a_trial_does(
    recirc: Recirc, monkeypatch: pytest.MonkeyPatch, trials: list[Trial]
) -> None:
    wrong = replace(trials[0], expected=trials[4].expected)
    monkeypatch.setattr(demo, "run", lambda _, on_start: iter([wrong, *trials[1:]]))

    ran = recirc("demo")

    assert ran.code == cli.Exit.NOT_DONE
    assert ran.out.count("WRONG") == 1
    assert "1 of 5 came out wrong" in ran.out
