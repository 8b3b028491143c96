"""Checking against a store: verdicts, allow lists, versions, and that failures never look clean."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from itertools import count
from pathlib import Path

import pytest

from hashing.coverage import Coverage, Problem
from hashing.errors import IncompatibleHash
from hashing.extract import REFERENCE as REFERENCE_SAMPLING
from hashing.extract import extract
from hashing.fingerprint import PDQ, PHASH, Algorithm, Fingerprint, Kind
from hashing.reference import Policy, Reference
from hashing.verdict import DEFAULT_POLICY, Verdict
from hashing.views import View
from service.checking import Checker, CheckResult
from service.errors import ListNotFound
from service.media.decoding import Uncaged
from service.store.base import Store
from service.store.sqlite import SqliteStore
from tests import clips, tracks
from tests.memory_store import MemoryStore
from tests.tracks import copy, footage, image, joined, video

KNOWN, OTHER = footage(1, 20_000), footage(2, 20_000)
CLIP = video(copy(KNOWN))
LISTED = [("r1", video(KNOWN)), ("other", video(OTHER))]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    made = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "lists.db")
    with closing(made):
        yield made


def put(
    store: Store,
    name: str,
    *references: tuple[str, Fingerprint],
    policy: Policy = Policy.BLOCK,
) -> None:
    """Add these references to a list."""
    store.add(
        name,
        [Reference(one, f"label of {one}", "attack", made) for one, made in references],
        policy=policy,
    )


def check(store: Store, clip: Fingerprint, *lists: str) -> CheckResult:
    """One check of a clip that was hashed elsewhere, in full."""
    return Checker(store, Uncaged()).check_fingerprint(clip, None, lists=lists)


def covered(*problems: Problem) -> Coverage:
    """What was looked at of a clip of 20 s."""
    return Coverage(20_000, 15_000, 60, 3, 0, problems)


def test_a_copy_is_a_match_with_all_that_is_known_of_the_reference(store: Store) -> None:
    put(store, "attack-1", *LISTED)
    result = check(store, CLIP)
    (match,) = result.matches

    assert result.verdict is Verdict.MATCH
    assert result.complete
    assert (match.list, match.reference) == ("attack-1", "r1")
    assert (match.label, match.incident) == ("label of r1", "attack")
    assert match.finding.clip_ranges_ms == ((0, 19_750),)
    assert result.lists == (("attack-1", store.get_list("attack-1").version),)
    assert (result.kind, result.duration_ms, result.frames) == (Kind.VIDEO, 19_750, 80)


def test_a_still_stretch_that_shows_a_listed_image_is_a_near_match(store: Store) -> None:
    put(store, "images", ("still", image(KNOWN)))

    assert check(store, video(copy(KNOWN, noise_bits=(3, 3)))).verdict is Verdict.NEAR_MATCH


SLIDE = tracks.still(5, 5000)
SLIDE_CLIP = video(tracks.sampled(copy(SLIDE, noise_bits=(3, 3))))


def test_a_clip_of_one_listed_picture_is_a_match(store: Store) -> None:
    put(store, "images", ("still", image(SLIDE)))

    assert check(store, SLIDE_CLIP).verdict is Verdict.MATCH


@pytest.mark.parametrize(
    ("allowed", "verdict"),
    [
        pytest.param(image(SLIDE), Verdict.NO_MATCH, id="as an image"),
        pytest.param(video(SLIDE), Verdict.NO_MATCH, id="as a video"),
        pytest.param(
            video(replace(SLIDE, hashes=tracks.noisy(SLIDE.hashes, 1, 25, 25))),
            Verdict.MATCH,
            id="another that is only alike",
        ),
    ],
)
def test_an_allow_list_explains_a_clip_of_one_picture(
    store: Store, allowed: Fingerprint, verdict: Verdict
) -> None:
    put(store, "attack-1", ("still", video(SLIDE)))
    put(store, "news", ("slide", allowed), policy=Policy.ALLOW)

    assert check(store, SLIDE_CLIP).verdict is verdict


def test_a_single_near_frame_is_not_lost(store: Store) -> None:
    """It lasts 0 ms, and no allow list explains it."""
    put(store, "attack-1", *LISTED)
    result = check(store, video(copy(KNOWN, noise_bits=(3, 3)).select(slice(1))))

    assert result.verdict is Verdict.NEAR_MATCH
    assert result.suppressed == ()


def test_other_footage_is_no_match(store: Store) -> None:
    put(store, "attack-1", *LISTED)
    result = check(store, video(copy(footage(3, 20_000))))

    assert (result.verdict, result.matches, result.problems) == (Verdict.NO_MATCH, (), ())


@pytest.mark.parametrize(
    ("clip", "problems", "verdict"),
    [
        pytest.param(video(copy(footage(3, 9000))), [], Verdict.NO_MATCH, id="nothing in all"),
        pytest.param(
            video(copy(footage(3, 9000))),
            [Problem.TRUNCATED],
            Verdict.UNSCANNABLE,
            id="nothing in a part",
        ),
        pytest.param(CLIP, [Problem.TRUNCATED], Verdict.MATCH, id="a match in a part stands"),
        pytest.param(
            video(), [Problem.TOO_DARK, Problem.DECODER_ERROR], Verdict.UNSCANNABLE, id="no hashes"
        ),
    ],
)
def test_what_could_not_be_checked_is_said(
    store: Store, clip: Fingerprint, problems: list[Problem], verdict: Verdict
) -> None:
    put(store, "attack-1", *LISTED)
    result = Checker(store, Uncaged()).check_fingerprint(clip, covered(*problems))

    assert result.verdict is verdict
    assert result.problems == tuple(problem.value for problem in problems)
    assert result.complete is not bool(problems)
    assert (result.duration_ms, result.checked_ms, result.frames) == (20_000, 15_000, 60)


@pytest.mark.parametrize("clip", [video(), video(tracks.empty())], ids=["no tracks", "no frames"])
def test_a_fingerprint_without_frames_is_unscannable(store: Store, clip: Fingerprint) -> None:
    put(store, "attack-1", *LISTED)
    result = check(store, clip)

    assert (result.verdict, result.problems) == (Verdict.UNSCANNABLE, ("too_dark",))


@pytest.mark.parametrize("made", ["no list", "an empty list", "an allow list"])
def test_a_check_against_nothing_is_unscannable(store: Store, made: str) -> None:
    if made == "an empty list":
        store.create_list("attack-1", policy=Policy.BLOCK)
    if made == "an allow list":
        put(store, "news", *LISTED, policy=Policy.ALLOW)
    result = check(store, CLIP)

    assert (result.verdict, result.problems) == (Verdict.UNSCANNABLE, ("no_references",))
    assert not result.complete


def test_only_the_lists_asked_for_are_checked(store: Store) -> None:
    put(store, "attack-1", *LISTED)
    put(store, "attack-2", ("other", video(OTHER)))

    assert check(store, CLIP, "attack-2").verdict is Verdict.NO_MATCH
    assert check(store, CLIP, "attack-2", "attack-1", "attack-1").verdict is Verdict.MATCH
    assert [name for name, _ in check(store, CLIP, "attack-2", "attack-1").lists] == [
        "attack-1",
        "attack-2",
    ]


@pytest.mark.parametrize("lists", [["nowhere"], ["attack-1", "nowhere"]])
def test_an_unknown_list_is_an_error(store: Store, lists: list[str]) -> None:
    put(store, "attack-1", *LISTED)

    with pytest.raises(ListNotFound, match="'nowhere'"):
        check(store, CLIP, *lists)


class VanishingStore(MemoryStore):
    """A store of which a list is deleted once it is known which there are."""

    def versions(self) -> dict[str, int]:
        found = super().versions()
        if "gone" in found:
            self.delete_list("gone")
        return found


def test_a_list_that_is_deleted_meanwhile_fails_no_check_of_all() -> None:
    store = VanishingStore()
    put(store, "a", *LISTED)
    store.create_list("gone", policy=Policy.BLOCK)

    found = check(store, CLIP)

    assert (found.verdict, found.lists) == (Verdict.MATCH, (("a", 2),))
    store.create_list("gone", policy=Policy.BLOCK)
    with pytest.raises(ListNotFound):
        check(store, CLIP, "gone")


def test_matches_of_all_lists_come_best_first(store: Store) -> None:
    noisy_hashes = tracks.noisy(KNOWN.hashes, 4, 40, 40)
    put(store, "a", ("noisy", video(replace(KNOWN, hashes=noisy_hashes))))
    put(store, "b", ("exact", video(KNOWN)), ("picture", image(KNOWN)))
    result = check(store, video(copy(KNOWN, noise_bits=(5, 5))))

    assert [match.reference for match in result.matches] == ["exact", "noisy", "picture"]
    assert [match.finding.verdict for match in result.matches] == [
        Verdict.MATCH,
        Verdict.MATCH,
        Verdict.NEAR_MATCH,
    ]


def test_equal_matches_come_in_the_order_of_lists_and_ids(store: Store) -> None:
    for name in ("b", "a"):
        put(store, name, ("r2", video(KNOWN)))
    result = check(store, CLIP)

    assert [match.list for match in result.matches] == ["a", "b"]


def test_larger_lists_ask_for_more_evidence(store: Store) -> None:
    """Each comparison is a chance for a false alarm, in other lists too."""
    put(store, "a", ("r1", video(KNOWN)))
    alone = check(store, CLIP, "a").matches[0].finding.chance
    put(store, "b", ("other", video(OTHER)))

    assert check(store, CLIP).matches[0].finding.chance == pytest.approx(2 * alone, rel=1e-6, abs=0)


NEWS = ("broadcast", video(KNOWN))


def test_an_allow_list_suppresses_what_it_explains(store: Store) -> None:
    put(store, "attack-1", *LISTED)
    put(store, "news", NEWS, policy=Policy.ALLOW)
    result = check(store, CLIP)

    assert (result.verdict, result.matches) == (Verdict.NO_MATCH, ())
    assert [match.reference for match in result.suppressed] == ["r1"]
    assert check(store, CLIP, "attack-1").verdict is Verdict.MATCH


@pytest.mark.parametrize(
    ("allowed_ms", "verdict"),
    [
        pytest.param(20_000, Verdict.NO_MATCH, id="all"),
        pytest.param(18_400, Verdict.NO_MATCH, id="just over nine tenths"),
        pytest.param(17_000, Verdict.MATCH, id="less"),
        pytest.param(2000, Verdict.MATCH, id="a tenth"),
    ],
)
def test_an_allow_list_has_to_explain_most_of_a_match(
    store: Store, allowed_ms: int, verdict: Verdict
) -> None:
    put(store, "attack-1", *LISTED)
    known = KNOWN.select(KNOWN.times_ms < allowed_ms)
    put(store, "news", ("beginning", video(known)), policy=Policy.ALLOW)

    assert check(store, CLIP).verdict is verdict


def test_a_clip_with_something_harmless_beside_is_still_flagged(store: Store) -> None:
    put(store, "attack-1", ("r1", video(KNOWN)))
    put(store, "news", ("studio", video(OTHER)), policy=Policy.ALLOW)
    result = check(store, video(joined(copy(OTHER), copy(KNOWN))))

    assert result.verdict is Verdict.MATCH
    assert result.suppressed == ()


def test_several_allowed_pieces_explain_together_and_no_time_twice(store: Store) -> None:
    put(store, "attack-1", *LISTED)
    first, second = KNOWN.times_ms < 11_000, KNOWN.times_ms >= 10_000
    put(store, "news", ("first", video(KNOWN.select(first))), policy=Policy.ALLOW)

    assert check(store, CLIP).verdict is Verdict.MATCH
    later = KNOWN.select(second)
    put(store, "news", ("second", video(replace(later, times_ms=later.times_ms - 10_000))))
    assert check(store, CLIP).verdict is Verdict.NO_MATCH
    put(store, "news", ("again", video(KNOWN.select(first).select(slice(200)))))
    store.remove("news", ["second"])
    assert check(store, CLIP).verdict is Verdict.MATCH


def test_a_near_match_with_an_allow_list_suppresses_nothing(store: Store) -> None:
    put(store, "attack-1", *LISTED)
    put(store, "news", ("picture", image(KNOWN)), policy=Policy.ALLOW)

    assert check(store, CLIP).verdict is Verdict.MATCH


def test_an_instant_is_not_explained_by_what_is_allowed_elsewhere(store: Store) -> None:
    put(store, "attack-1", ("poster", image(KNOWN)))
    put(store, "news", ("studio", video(OTHER)), policy=Policy.ALLOW)
    poster = copy(KNOWN, noise_bits=(3, 3)).select(slice(1))
    result = check(store, video(joined(copy(OTHER), poster)))

    assert (result.verdict, result.suppressed) == (Verdict.NEAR_MATCH, ())


def test_what_only_nearly_matches_an_allow_list_stays_for_a_person(store: Store) -> None:
    still = tracks.still(3, 5000)
    put(store, "attack-1", ("r1", video(still)))
    put(store, "news", ("r1", video(still)), policy=Policy.ALLOW)

    assert check(store, video(copy(still, noise_bits=(3, 3)))).verdict is Verdict.NEAR_MATCH


def test_an_allowed_image_is_suppressed(store: Store) -> None:
    put(store, "attack-1", ("r1", image(KNOWN)), ("other", image(OTHER)))
    put(store, "news", ("poster", image(KNOWN)), policy=Policy.ALLOW)

    assert check(store, image(KNOWN)).verdict is Verdict.NO_MATCH
    assert check(store, image(OTHER)).verdict is Verdict.MATCH


def test_a_change_is_seen_in_the_next_check(store: Store) -> None:
    checker = Checker(store, Uncaged())

    def verdict() -> Verdict:
        return checker.check_fingerprint(CLIP, None).verdict

    put(store, "attack-1", ("other", video(OTHER)))
    assert verdict() is Verdict.NO_MATCH
    put(store, "attack-1", ("r1", video(KNOWN)))
    assert verdict() is Verdict.MATCH
    store.update_list("attack-1", policy=Policy.ALLOW, source=None, false_alarms_per_100k=None)
    assert verdict() is Verdict.UNSCANNABLE
    store.update_list("attack-1", policy=Policy.BLOCK, source=None, false_alarms_per_100k=None)
    store.remove("attack-1", ["r1"])
    assert verdict() is Verdict.NO_MATCH
    store.delete_list("attack-1")
    assert verdict() is Verdict.UNSCANNABLE
    put(store, "attack-1", ("r1", video(KNOWN)))
    assert verdict() is Verdict.MATCH


def weak_copy(checker: Checker, least: float, most: float) -> tuple[Fingerprint, float]:
    """A short, noisy copy of KNOWN with a chance between these, and its chance.

    Looked for, so that it is there whatever a hit is worth.
    """
    for length_ms in (1250, 1500, 1750, 2000):
        for noise_bits in range(20, 72):
            clip = video(copy(footage(1, length_ms), noise_bits=(noise_bits, noise_bits)))
            result = checker.check_fingerprint(clip, None)
            for match in result.matches + result.suppressed:
                if least < match.finding.chance < most:
                    return clip, match.finding.chance
    raise AssertionError("no copy is as weak as that")


def accept(store: Store, name: str, accepted: float | None, policy: Policy = Policy.BLOCK) -> None:
    """Set what a list accepts."""
    store.update_list(name, policy=policy, source=None, false_alarms_per_100k=accepted)


def test_each_list_decides_by_what_it_accepts(store: Store) -> None:
    """And from the next check on."""
    for name in ("default", "looser"):
        put(store, name, ("r1", video(KNOWN)))
    checker = Checker(store, Uncaged())
    clip, chance = weak_copy(checker, 2e-6, 5e-4)
    accept(store, "looser", chance * 100_000 * 1.01)

    result = checker.check_fingerprint(clip, None)

    assert [(one.list, one.finding.verdict) for one in result.matches] == [
        ("looser", Verdict.MATCH),
        ("default", Verdict.NEAR_MATCH),
    ]
    assert result.verdict is Verdict.MATCH
    assert result.matches[0].policy.match_chance == pytest.approx(chance * 1.01)
    accept(store, "looser", chance * 100_000 * 0.99)
    assert checker.check_fingerprint(clip, None).verdict is Verdict.NEAR_MATCH


def test_a_stricter_allow_list_suppresses_less(store: Store) -> None:
    put(store, "attack-1", ("r1", video(KNOWN)))
    put(store, "news", ("poster", video(KNOWN)), policy=Policy.ALLOW)
    checker = Checker(store, Uncaged())
    clip, _ = weak_copy(checker, 2e-8, 5e-7)
    assert checker.check_fingerprint(clip, None).verdict is Verdict.NO_MATCH

    accept(store, "news", 0.001, Policy.ALLOW)

    assert checker.check_fingerprint(clip, None).verdict is Verdict.MATCH


def test_an_index_is_kept_until_its_list_changes(store: Store) -> None:
    checker = Checker(store, Uncaged())
    put(store, "a", ("r1", video(KNOWN)))
    put(store, "b", ("r1", video(KNOWN)))
    before = checker.lists()
    put(store, "b", ("other", video(OTHER)))
    after = checker.lists()

    assert after[0] is before[0]
    assert after[1] is not before[1]
    assert [one.index.frames for one in after] == [500, 1000]


def test_a_fingerprint_of_other_parameters_is_refused(store: Store) -> None:
    put(store, "attack-1", *LISTED)
    other = Algorithm(PHASH.name, (("hash_size", 16), ("plane_px", 32)))

    with pytest.raises(IncompatibleHash):
        check(store, video(replace(copy(KNOWN), algorithm=other)))


def test_the_time_it_took_is_measured_on_the_clock_given(store: Store) -> None:
    put(store, "attack-1", *LISTED)
    ticks = count(1000, 7)
    checker = Checker(store, Uncaged(), now_ms=lambda: next(ticks))

    assert checker.check_fingerprint(CLIP, None).elapsed_ms == 7
    assert checker.check(b"").elapsed_ms == 7


def test_the_policy_given_decides(store: Store) -> None:
    put(store, "attack-1", *LISTED)
    strict = replace(DEFAULT_POLICY, match_distinct_hits=1000)

    assert (
        Checker(store, Uncaged(), policy=strict).check_fingerprint(CLIP, None).verdict
        is Verdict.NEAR_MATCH
    )


@pytest.mark.parametrize(
    ("media", "code"),
    [
        pytest.param(b"", "empty_file", id="nothing"),
        pytest.param(b"Dear all, see you at eight.\n" * 20, "not_media", id="text"),
    ],
)
def test_bytes_that_are_no_media_are_unscannable(store: Store, media: bytes, code: str) -> None:
    put(store, "attack-1", *LISTED)
    result = Checker(store, Uncaged()).check(media)

    assert (result.verdict, result.kind, result.problems) == (Verdict.UNSCANNABLE, None, (code,))
    assert [name for name, _ in result.lists] == ["attack-1"]


def test_an_unknown_list_is_an_error_before_anything_is_decoded(store: Store) -> None:
    with pytest.raises(ListNotFound):
        Checker(store, Uncaged()).check(b"", lists=["nowhere"])


def test_real_media_from_bytes_to_verdict(store: Store) -> None:
    frames = clips.moving_scene(1, seconds=3.0)
    listed = extract(clips.encode(frames), REFERENCE_SAMPLING).fingerprint
    put(store, "attack-1", ("r1", listed))
    checker = Checker(store, Uncaged())
    copied = checker.check(clips.encode(clips.mirrored(frames)))
    other = checker.check(BytesIO(clips.encode(clips.moving_scene(2, seconds=3.0))))

    assert copied.verdict is Verdict.MATCH
    assert copied.matches[0].finding.view == View.MIRRORED
    assert (other.verdict, other.problems) == (Verdict.NO_MATCH, ())


@pytest.mark.parametrize(
    ("reference", "clip", "problems"),
    [
        pytest.param(video(tracks.empty()), CLIP, ("no_references",), id="a list without frames"),
        pytest.param(
            video(KNOWN),
            video(replace(copy(KNOWN), algorithm=PDQ)),
            ("no_references",),
            id="PDQ against pHash",
        ),
        pytest.param(
            video(replace(KNOWN, algorithm=PDQ)), CLIP, ("no_references",), id="pHash against PDQ"
        ),
        pytest.param(video(KNOWN), video(), ("too_dark",), id="an empty clip"),
        pytest.param(
            video(tracks.empty()), video(), ("too_dark", "no_references"), id="nothing at all"
        ),
    ],
)
def test_where_nothing_is_compared_nothing_is_clean(
    store: Store, reference: Fingerprint, clip: Fingerprint, problems: tuple[str, ...]
) -> None:
    put(store, "attack-1", ("r1", reference))
    result = check(store, clip)

    assert (result.verdict, result.problems) == (Verdict.UNSCANNABLE, problems)


@pytest.mark.parametrize("other_list", ["attack-1", "attack-2"], ids=["one list", "two lists"])
@pytest.mark.parametrize(
    ("clip", "problems"),
    [
        pytest.param([PHASH], ("references_not_compared",), id="pHash"),
        pytest.param([PDQ], ("references_not_compared",), id="PDQ"),
        pytest.param([PHASH, PDQ], (), id="both"),
    ],
)
def test_where_not_all_is_compared_nothing_is_clean(
    store: Store, clip: list[Algorithm], problems: tuple[str, ...], other_list: str
) -> None:
    put(store, "attack-1", ("r1", video(KNOWN)))
    put(store, other_list, ("r2", video(replace(tracks.footage(77, 400), algorithm=PDQ))))
    unrelated, known = (
        check(store, video(*(replace(shown, algorithm=one) for one in clip)))
        for shown in (tracks.footage(78, 400), KNOWN)
    )

    wanted = Verdict.UNSCANNABLE if problems else Verdict.NO_MATCH
    assert (unrelated.verdict, unrelated.problems) == (wanted, problems)
    assert known.problems == problems
    assert known.verdict is (Verdict.MATCH if PHASH in clip else Verdict.UNSCANNABLE)
