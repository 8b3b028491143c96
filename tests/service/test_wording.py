"""What a moderator reads: the sentences, and that no name can say something else."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing.coverage import Problem
from hashing.fingerprint import Kind
from hashing.matching import Finding
from hashing.patch_track import ORB
from hashing.ranges import Range
from hashing.verdict import DEFAULT_POLICY, Verdict
from hashing.views import VIEWS, View, Window
from service import wording
from service.archives import ArchiveProblem
from service.checking import CheckResult, Match
from service.escaping import escaped, shown
from service.paths import PathProblem
from tests.findings import FINDING

PICTURE = replace(FINDING, clip_ranges_ms=(), reference_ranges_ms=())
NEAR = replace(FINDING, verdict=Verdict.NEAR_MATCH)
NOTHING = CheckResult(
    verdict=Verdict.NO_MATCH,
    kind=Kind.VIDEO,
    duration_ms=25_000,
    checked_ms=25_000,
    frames=100,
    problems=(),
    matches=(),
    suppressed=(),
    lists=(("x", 1), ("y", 2)),
    elapsed_ms=1,
)


def match(finding: Finding = FINDING, name: str = "r1") -> Match:
    """A match of this finding."""
    return Match("x", name, None, None, finding)


class TestEvidence:
    @pytest.mark.parametrize(
        ("finding", "kind", "sentence"),
        [
            pytest.param(
                FINDING,
                Kind.VIDEO,
                "Seconds 3–25 of this clip are seconds 0–22 of reference r1, mirrored; "
                "41 of 45 sampled frames agree; "
                "expected false alarms this strong: 1 in 10⁹ checks.",
                id="the sentence of the issue",
            ),
            pytest.param(
                replace(FINDING, view=View.AS_IS, speed=1.25),
                Kind.VIDEO,
                "Seconds 3–25 of this clip are seconds 0–22 of reference r1, "
                "played at 1.25 times its speed; 41 of 45 sampled frames agree; "
                "expected false alarms this strong: 1 in 10⁹ checks.",
                id="faster",
            ),
            pytest.param(
                replace(
                    FINDING,
                    view=View.BORDERLESS,
                    clip_ranges_ms=((0, 5000), (9000, 10_500)),
                    reference_ranges_ms=((60_000, 65_000), (119_000, 120_500)),
                ),
                Kind.VIDEO,
                "Seconds 0–5 and 9.0–10.5 of this clip are minutes 1:00–1:05 and 1:59–2:00 of "
                "reference r1, without its borders; 41 of 45 sampled frames agree; "
                "expected false alarms this strong: 1 in 10⁹ checks.",
                id="several ranges",
            ),
            pytest.param(
                PICTURE,
                Kind.IMAGE,
                "This picture is found in reference r1, mirrored; 12 of 256 hash bits differ; "
                "expected false alarms this strong: 1 in 10⁹ checks.",
                id="a picture",
            ),
            pytest.param(
                replace(PICTURE, clip_ranges_ms=((1000, 1250),), view=View.AS_IS),
                Kind.VIDEO,
                "Seconds 1.0–1.2 of this clip show one picture that is found in reference r1; "
                "12 of 256 hash bits differ; "
                "expected false alarms this strong: 1 in 10⁹ checks.",
                id="a picture in a video",
            ),
        ],
    )
    def test_sentence(self, finding: Finding, kind: Kind, sentence: str) -> None:
        assert wording.evidence(match(finding), kind) == sentence

    @pytest.mark.parametrize(
        ("window", "words"),
        [
            pytest.param(Window(0, 0, 1, 1, 1, 1.0), "reference r1; ", id="all of it"),
            pytest.param(Window(0, 0, 1, 1, 0, 2.0), "reference r1, cropped; ", id="cropped"),
            pytest.param(
                Window(0.31, 0.1, 0.76, 0.55, 13, 0.45, mirrored=True),
                "reference r1, in a part of the picture (31% to 76% from the left, 10% to 55% from "
                "the top), mirrored and turned by 13°; ",
                id="a window",
            ),
            pytest.param(
                Window(0, 0, 1, 1, 0, 1.0, negative=True),
                "reference r1, in negative colours; ",
                id="negative",
            ),
        ],
    )
    def test_a_window_is_told(self, window: Window, words: str) -> None:
        by_patches = replace(FINDING, view=window, algorithm=ORB)

        sentence = wording.evidence(match(by_patches), Kind.VIDEO)

        assert words in sentence
        assert "parts of the picture agree in 41 of 45 frames that were looked at" in sentence

    @pytest.mark.parametrize("verdict", list(Verdict))
    @pytest.mark.parametrize("note", wording.NOTES)
    def test_a_note_is_told_unless_there_is_a_match(self, note: str, verdict: Verdict) -> None:
        told = wording.details(replace(NOTHING, verdict=verdict, notes=(note,)))

        assert (wording.NOTES[note] in told) == (verdict is not Verdict.MATCH)

    @pytest.mark.parametrize("view", VIEWS, ids=str)
    def test_every_view_has_words(self, view: View) -> None:
        sentence = wording.evidence(match(replace(FINDING, view=view)), Kind.VIDEO)

        assert ("reference r1; " in sentence) == (view == View.AS_IS)

    @pytest.mark.parametrize(
        ("expected", "words"),
        [
            pytest.param(1.0, "about 1 in each check", id="always"),
            pytest.param(0.3, "1 in 3 checks", id="often"),
            pytest.param(1e-3, "1 in 1,000 checks", id="a thousand"),
            pytest.param(1e-6, "1 in 10⁶ checks", id="exactly a million"),
            pytest.param(1.5e-6, "1 in 10⁵ checks", id="not quite a million"),
            pytest.param(1e-29, "1 in 10²⁹ checks", id="two digits"),
            pytest.param(1e-158, "fewer than 1 in 10³⁰ checks", id="beyond meaning"),
            pytest.param(0.0, "fewer than 1 in 10³⁰ checks", id="underflow"),
        ],
    )
    def test_chance(self, expected: float, words: str) -> None:
        assert wording.chance(expected) == words

    @given(st.floats(1e-29, 1e-4))
    def test_chance_is_never_flattered(self, expected: float) -> None:
        digits = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
        decades = int(wording.chance(expected).split()[2].removeprefix("10").translate(digits))

        assert decades <= -math.log10(expected) + 1e-6

    @pytest.mark.parametrize(
        ("spans", "words"),
        [
            pytest.param([(0, 99_999)], "seconds 0–100", id="seconds"),
            pytest.param([(500, 3500)], "seconds 0.5–3.5", id="no whole seconds"),
            pytest.param([(0, 100_000)], "minutes 0:00–1:40", id="minutes"),
            pytest.param([(5_400_000, 5_460_000)], "minutes 90:00–91:00", id="long"),
            pytest.param(
                [(n * 10_000, n * 10_000 + 5000) for n in range(6)],
                "seconds 0–5, 10–15, 20–25, 30–35 and 2 more",
                id="many",
            ),
        ],
    )
    def test_ranges(self, spans: list[Range], words: str) -> None:
        assert wording.ranges(spans) == words


class TestDetails:
    def test_at_most_five_matches_and_the_rest_counted(self) -> None:
        found = replace(
            NOTHING,
            verdict=Verdict.MATCH,
            matches=tuple(match(name=f"r{number}") for number in range(8)),
        )

        lines = wording.details(found)

        assert sum(line.startswith("List x, reference r") for line in lines) == 5
        assert lines[-1] == "And 3 more references."

    @pytest.mark.parametrize(
        ("finding", "words"),
        [
            pytest.param(replace(NEAR, distinct_hits=2), "fewer than 3 different", id="hits"),
            pytest.param(
                replace(NEAR, clip_ranges_ms=((0, 900),)), "lasts less than 1 s", id="short"
            ),
            pytest.param(replace(NEAR, chance=1e-4), "in 1 in 10⁴ checks", id="chance"),
            pytest.param(
                replace(NEAR, reference_ranges_ms=()), "only a single picture", id="picture"
            ),
            pytest.param(NEAR, "no single stretch", id="parts"),
            pytest.param(
                replace(NEAR, common_ranges_ms=((3000, 25_000),), chance=1e-3),
                "match: seconds 3–25 of this clip stand in listed references that else show",
                id="an intro",
            ),
            pytest.param(
                replace(NEAR, reference_ranges_ms=(), commonplace=True), "test card", id="a card"
            ),
        ],
    )
    def test_a_near_match_says_why_it_is_weaker(self, finding: Finding, words: str) -> None:
        near = replace(NOTHING, verdict=Verdict.NEAR_MATCH, matches=(match(finding),))

        assert words in wording.details(near)[-1]
        assert wording.headline(near, "a") == "POSSIBLE MATCH: a: a person has to decide"

    def test_an_early_end_says_what_was_looked_at_and_how_to_see_all(self) -> None:
        early = replace(
            NOTHING,
            verdict=Verdict.MATCH,
            matches=(match(),),
            checked_ms=2000,
            frames=19,
            early=True,
        )

        assert wording.details(early)[-1] == (
            "19 of its frames, from beginning to end, were enough to be sure; "
            "--thorough looks at all of it."
        )
        assert "--thorough" not in " ".join(wording.details(replace(early, early=False)))

    def test_a_match_says_which_part_did_not_count(self) -> None:
        partly = match(replace(FINDING, common_ranges_ms=((3000, 11_000),)))
        lines = wording.details(replace(NOTHING, verdict=Verdict.MATCH, matches=(partly,)))

        assert lines[-1].startswith("Not counted: seconds 3–11 of this clip stand in listed")

    def test_a_near_match_names_what_its_own_list_accepts(self) -> None:
        strict = replace(match(replace(NEAR, chance=5e-7)), policy=DEFAULT_POLICY.accepting(0.03))
        near = replace(NOTHING, verdict=Verdict.NEAR_MATCH, matches=(strict,))

        assert wording.details(near)[-1] == (
            "Weaker than a match: chance alone does this in 0.05 in 100,000 checks, "
            "and this list accepts 0.03 in 100,000 checks."
        )

    @pytest.mark.parametrize(
        ("finding", "told"),
        [
            pytest.param(replace(FINDING, chance=5e-5), True, id="a match here only"),
            pytest.param(replace(FINDING, chance=1e-6), False, id="a match anywhere"),
            pytest.param(
                replace(PICTURE, chance=5e-5), False, id="a picture is decided by its bits"
            ),
        ],
    )
    def test_a_match_by_its_lists_own_limit_says_so(self, finding: Finding, told: bool) -> None:
        loose = replace(match(finding), policy=DEFAULT_POLICY.accepting(20))
        lines = wording.details(replace(NOTHING, verdict=Verdict.MATCH, matches=(loose,)))

        own = "A match by this list's own limit, 20 in 100,000 checks; by default a possible match."
        assert (own in lines) == told

    @pytest.mark.parametrize(
        ("expected", "words"),
        [
            pytest.param(1e-6, "0.1 in 100,000 checks", id="the default"),
            pytest.param(1e-8, "0.001 in 100,000 checks", id="least"),
            pytest.param(1e-2, "1,000 in 100,000 checks", id="a possible match"),
            pytest.param(3.456e-5, "3.46 in 100,000 checks", id="digits"),
            pytest.param(1e-12, "1 in 10¹² checks", id="far below any list"),
            pytest.param(1.0, "about 1 in each check", id="always"),
        ],
    )
    def test_per_100k(self, expected: float, words: str) -> None:
        assert wording.per_100k(expected) == words

    @pytest.mark.parametrize("count", [1, 2])
    def test_what_an_allow_list_explains_is_one_line(self, count: int) -> None:
        lines = wording.details(replace(NOTHING, suppressed=(match(),) * count))

        assert sum("known harmless by an allow list" in line for line in lines) == 1
        assert ("matches" in lines[0]) == (count > 1)
        assert "more" not in lines[0]
        found = replace(NOTHING, matches=(match(),), suppressed=(match(),) * count)
        assert any(f"{count} more match" in line for line in wording.details(found))

    @pytest.mark.parametrize("code", [*Problem, "no_references", "references_not_compared"])
    def test_every_problem_has_its_own_words(self, code: str) -> None:
        sentence = wording.problem(str(code))

        assert sentence.endswith(f" [{code}].")
        assert sentence != wording.problem(str(code)).replace(str(code), "another_code")
        assert "could not be checked" not in sentence

    @pytest.mark.parametrize("code", [*PathProblem, *ArchiveProblem])
    def test_codes_of_paths_bring_their_words(self, code: str) -> None:
        if code not in wording.PROBLEMS:
            assert wording.problem(str(code), "a note") == f"A note [{code}]."

    @pytest.mark.parametrize("code", ["no_references", "references_not_compared"])
    def test_missing_references_are_not_a_part_that_could_be_read(self, code: str) -> None:
        unchecked = replace(NOTHING, verdict=Verdict.UNSCANNABLE, problems=(code,))

        assert len(wording.details(unchecked)) == 1

    def test_an_incomplete_check_says_how_far_it_got(self) -> None:
        cut = replace(NOTHING, verdict=Verdict.UNSCANNABLE, problems=("truncated",))

        assert wording.details(cut)[-1] == (
            "Nothing was found in the part that could be read: 100 frames over 25 s."
        )


class TestEnding:
    @pytest.mark.parametrize(
        ("verdicts", "told"),
        [
            pytest.param([Verdict.MATCH], True, id="match"),
            pytest.param([Verdict.NO_MATCH, Verdict.NEAR_MATCH], True, id="near match"),
            pytest.param([Verdict.NO_MATCH, Verdict.UNSCANNABLE], False, id="nothing"),
        ],
    )
    def test_what_to_do_is_told_when_something_was_found(
        self, verdicts: list[Verdict], told: bool
    ) -> None:
        assert bool(wording.next_steps(verdicts)) == told

    def test_summary(self) -> None:
        verdicts = [Verdict.NO_MATCH, Verdict.MATCH, Verdict.NO_MATCH]

        assert wording.summary(verdicts) == "3 clips: 1 match, 2 no match"


class TestEscaping:
    @given(st.text())
    def test_what_is_escaped_can_be_shown(self, untrusted: str) -> None:
        safe = escaped(untrusted)

        assert all(one.isprintable() or one in "\u200c\u200d" for one in safe)
        assert escaped(safe) == safe
        assert len(shown(untrusted)) <= 200

    @pytest.mark.parametrize("plain", ["clip.mp4", "видео 1.mp4", "می‌خواهم", "👩‍👩‍👧.gif"])
    def test_plain_names_stay(self, plain: str) -> None:
        assert shown(plain) == plain
