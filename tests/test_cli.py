"""The command line as its users script against it: commands, JSON, streams and exit codes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
import pytest

import cli
from hashing.extract import Extract
from hashing.formats import document
from hashing.lanes import Sampling
from hashing.reference import Policy
from service import app as http
from service import commands, curating
from service import lists as list_actions
from service.checking import Checker, CheckResult
from service.errors import StoreError
from service.media import decoding as decoding_of
from service.media.decoding import Decoding
from service.settings import Settings
from service.store.sqlite import SqliteStore
from tests import cages, clips
from tests.commands import Ran, Recirc, fields

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ROOT: Final = Path(__file__).resolve().parent.parent
COMMANDS: Final = (
    *("check", "add", "remove", "hash", "lists", "import", "export"),
    *("explain", "serve", "demo", "doctor"),
)
HEAVY: Final = (
    *("numpy", "cv2", "av", "PIL", "fastapi", "pydantic", "sqlite_utils", "sqlite3"),
    *("imagehash", "scipy", "uvicorn", "rich"),
)
CONTRACT: Final = (
    *("path", "verdict", "complete", "duration_ms", "checked_ms", "frames", "kind", "problems"),
    *("matches", "lists", "elapsed_ms"),
)
CONTRACT_MATCH: Final = (
    *("verdict", "list", "reference", "label", "incident", "score", "chance", "view", "speed"),
    *("frames_matched", "mean_distance_bits", "clip_ranges_ms", "reference_ranges_ms"),
    *("clip_coverage", "reference_coverage"),
)


@pytest.fixture(scope="session")
def media() -> dict[str, bytes]:
    """Small clips by name."""
    scene = clips.moving_scene(1, 3.0)
    return {
        "original": clips.encode(scene),
        "mirrored": clips.encode(clips.mirrored(clips.cut(scene, 0.4, 3.0))),
        "other": clips.encode(clips.moving_scene(2, 2.0)),
        "text": b"no clip\n",
        "black": clips.encode(clips.black()),
        "cut off": clips.with_media_cut(clips.encode(scene), 0.6),
        "picture": clips.picture(scene[25]),
        "other picture": clips.picture(clips.moving_scene(3, 0.1)[0]),
    }


@pytest.fixture
def recirc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Recirc:
    """The command, in an empty folder with a new database."""
    folder = tmp_path / "folder"
    folder.mkdir()
    return Recirc(folder, monkeypatch, capsys)


@pytest.fixture(scope="session")
def listed(media: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the original on the list ``incident-x`` as ``r1``."""
    path = tmp_path_factory.mktemp("listed") / "recirc.sqlite3"
    store = SqliteStore(path)
    curating.add_media(
        store,
        cages.shared(),
        "incident-x",
        media["original"],
        reference_id="r1",
        label="L",
        incident="I",
    )
    store.close()
    return path


@pytest.fixture
def stocked(recirc: Recirc, media: dict[str, bytes], listed: Path) -> Recirc:
    """The command with every clip in its folder, and the original listed as ``r1``."""
    for name, data in media.items():
        recirc.file(name, data)
    recirc.database.parent.mkdir()
    shutil.copy(listed, recirc.database)
    return recirc


def python(*code: str) -> "subprocess.CompletedProcess[str]":
    """A fresh interpreter in the repository's root."""
    return subprocess.run(  # noqa: S603  # this interpreter, our own code
        [sys.executable, "-c", *code], cwd=ROOT, capture_output=True, text=True, check=False
    )


def found(answer: dict[str, object]) -> list[dict[str, object]]:
    """The matches of an answer."""
    matches = answer["matches"]
    assert isinstance(matches, list)
    return matches


def weak_clip(stocked: Recirc) -> float:
    """Make the file ``weak``, by default a possible match with every list; its chance.

    Other footage shines through, as much as it takes, whatever a hit is worth.
    """
    scene, other = clips.moving_scene(1, 3.0), clips.moving_scene(2, 3.0)
    little, much = 0.0, 1.0
    for _ in range(12):
        share = (little + much) / 2
        mixed = (scene * (1 - share) + other * share).astype(np.uint8)
        stocked.file("weak", clips.encode(clips.cut(mixed, 0.2, 1.45)))
        (answer,) = stocked("check", "weak", "--json").answers()
        chances = [one["chance"] for one in found(answer)]
        chance = chances[0] if chances else 1.0
        assert isinstance(chance, float)
        if 2.1e-6 < chance < 4.9e-4:
            return chance
        little, much = (share, much) if chance < 1e-5 else (little, share)
    raise AssertionError("no clip is weak enough and none too weak")


class TestHelp:
    def test_loads_nothing_heavy(self) -> None:
        code = (
            "import sys, cli; code = cli.run(['--help']); "
            f"print(code, sorted(set({HEAVY}) & set(sys.modules)))"
        )

        assert python(code).stdout.splitlines()[-1] == "0 []"

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_is_listed_and_explains_itself(
        self, recirc: Recirc, command: str
    ) -> None:
        own = recirc(command, "--help")

        assert f"  {command} " in recirc("--help").out
        assert own.code == cli.Exit.DONE
        assert own.out.startswith(f"Usage: recirc {command}")

    def test_check_tells_its_exit_codes(self, recirc: Recirc) -> None:
        told = recirc("check", "--help").out

        assert [line.split()[0] for line in told.splitlines()[-3:]] == ["0", "1", "2"]

    def test_nothing_asked_for_shows_the_help(self, recirc: Recirc) -> None:
        ran = recirc()

        assert ran.code == cli.Exit.NOT_DONE
        assert "Commands:" in ran.err

    @pytest.mark.parametrize(
        "arguments",
        [
            pytest.param(["nonsense"], id="no such command"),
            pytest.param(["check", "--nonsense", "x"], id="no such option"),
            pytest.param(["check"], id="no path"),
            pytest.param(["serve", "--port", "many"], id="no number"),
            pytest.param(["import", "a", "b", "--format", "csv"], id="no such format"),
        ],
    )
    def test_a_wrong_call_is_one_line(self, recirc: Recirc, arguments: list[str]) -> None:
        ran = recirc(*arguments)

        assert (ran.code, ran.out) == (cli.Exit.NOT_DONE, "")
        assert ran.err.startswith("bad_usage: ")
        assert ran.err.count("\n") == 1


class TestCheck:
    @pytest.mark.parametrize(
        ("names", "code"),
        [
            pytest.param(["other"], cli.Exit.DONE, id="nothing found"),
            pytest.param(["mirrored"], cli.Exit.FOUND, id="a match"),
            pytest.param(["text"], cli.Exit.NOT_DONE, id="not checked"),
            pytest.param(["gone"], cli.Exit.NOT_DONE, id="no such path"),
            pytest.param(["other", "text"], cli.Exit.NOT_DONE, id="2 goes before 0"),
            pytest.param(["text", "mirrored", "gone"], cli.Exit.FOUND, id="1 goes before 2"),
            pytest.param(["other", "--thorough"], cli.Exit.DONE, id="thorough"),
        ],
    )
    def test_exit_code(self, stocked: Recirc, names: list[str], code: cli.Exit) -> None:
        assert stocked("check", *names).code == code

    def test_thorough_looks_at_all_of_a_clip_that_is_clear(self, recirc: Recirc) -> None:
        long = recirc.file("long", clips.encode(clips.moving_scene(5, 16.0), options={"g": "50"}))
        recirc("add", "attack-1", long)

        usual, thorough = recirc("check", long), recirc("check", long, "--thorough")
        answers = [recirc("check", long, "--json", *more) for more in ([], ["--thorough"])]

        assert "were enough to be sure; --thorough looks at all of it." in usual.out
        assert "--thorough" not in thorough.out
        assert [ran.code for ran in (usual, thorough)] == [cli.Exit.FOUND] * 2
        checked_ms = [ran.answers()[0]["checked_ms"] for ran in answers]
        assert checked_ms == [2000, 16_000]

    def test_without_references_nothing_is_clean(
        self, recirc: Recirc, media: dict[str, bytes]
    ) -> None:
        ran = recirc("check", recirc.file("clip.mp4", media["other"]))

        assert ran.code == cli.Exit.NOT_DONE
        assert "recirc add" in ran.out
        assert "[no_references]" in ran.out

    def test_json_is_the_contract(self, stocked: Recirc) -> None:
        ran = stocked("check", "--json", "mirrored", "text", "gone", "other", "other")
        answers = ran.answers()

        assert fields(answers, "path") == ["mirrored", "text", "gone", "other", "other"]
        assert fields(answers, "verdict") == [
            *("match", "unscannable", "unscannable", "no_match", "no_match")
        ]
        assert fields(answers, "problems") == [[], ["not_media"], ["unreadable_path"], [], []]
        assert all(next(iter(answer)) == "path" for answer in answers)
        assert all(set(CONTRACT) <= set(answer) for answer in answers)
        assert ran.err.startswith("unreadable_path: gone: ")
        (match,) = json.loads(ran.out.splitlines()[0])["matches"]
        assert set(CONTRACT_MATCH) <= set(match)
        assert (match["list"], match["reference"], match["view"]) == (
            *("incident-x", "r1", "mirrored"),
        )

    def test_words_have_verdict_evidence_and_what_to_do(self, stocked: Recirc) -> None:
        lines = stocked("check", "mirrored", "original").out.splitlines()

        assert lines[0] == "MATCH: mirrored is a copy of listed footage"
        assert lines[1] == "  List incident-x, reference r1: L (incident I)"
        assert "of this clip are seconds" in lines[2]
        assert "of reference r1, mirrored; " in lines[2]
        assert " sampled frames agree; expected false alarms this strong: " in lines[2]
        assert sum("gov.uk/report-terrorism" in line for line in lines) == 1
        assert sum("Do not forward it" in line for line in lines) == 1

    def test_a_match_that_is_cut_off_says_so(self, stocked: Recirc) -> None:
        told = stocked("check", "cut off").out

        assert told.startswith("MATCH: ")
        assert "This is about the part that could be read" in told

    def test_no_match_names_the_list_and_promises_nothing_more(self, stocked: Recirc) -> None:
        told = stocked("check", "other").out

        assert told.startswith("NO MATCH: other\n")
        assert "nothing from list incident-x was found" in told
        assert "not what a clip shows" in told
        assert "gov.uk" not in told

    @pytest.mark.parametrize(
        ("reference", "clip", "verdict", "words"),
        [
            pytest.param(
                *("picture", "picture", "match", "This picture is found in reference p;"),
                id="a picture is a picture",
            ),
            pytest.param(
                *("original", "picture", "match", "This picture is found in reference p;"),
                id="a picture out of a video",
            ),
            pytest.param(
                *("picture", "original", "near_match", "only a single picture agrees"),
                id="a video with the picture",
            ),
            pytest.param(
                *(
                    "other picture",
                    "picture",
                    "no_match",
                    "One picture; nothing from list pictures",
                ),
                id="another picture",
            ),
        ],
    )
    def test_pictures(
        self, stocked: Recirc, reference: str, clip: str, verdict: str, words: str
    ) -> None:
        stocked("add", "pictures", reference, "--id", "p")
        call = ("check", clip, "--list", "pictures")

        (answer,) = stocked(*call, "--json").answers()

        assert answer["verdict"] == verdict
        assert answer["kind"] == ("image" if clip == "picture" else "video")
        assert words in stocked(*call).out

    def test_only_the_lists_that_are_named(self, stocked: Recirc) -> None:
        stocked("add", "harmless", "other")

        assert stocked("check", "original", "--list", "harmless").code == cli.Exit.DONE
        assert stocked("check", "original", "--list", "harmless", "--list", "incident-x").code == 1
        wrong = stocked("check", "original", "--list", "nonsense")
        assert wrong.code == cli.Exit.NOT_DONE
        assert wrong.err.startswith("list_not_found: ")

    def test_standard_input(self, stocked: Recirc, media: dict[str, bytes]) -> None:
        ran = stocked("check", "-", "--json", stdin=media["mirrored"])

        assert fields(ran.answers(), "path") == ["standard input"]
        assert ran.code == cli.Exit.FOUND

    def test_standard_input_that_is_closed(
        self,
        stocked: Recirc,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(sys, "stdin", None)

        assert cli.run(["check", "-", "mirrored"]) == cli.Exit.FOUND
        assert "[empty_file]" in capsys.readouterr().out

    @pytest.mark.parametrize(
        "name",
        [
            pytest.param("\x1b[2J\x1b[32mNO MATCH\x1b[0m", id="escape sequence"),
            pytest.param("clip\rNO MATCH: clip", id="carriage return"),
            pytest.param("\u202egpj.exe", id="reordered"),
            pytest.param("clip\nNO MATCH: clip", id="line break"),
            pytest.param(os.fsdecode(b"caf\xe9"), id="not UTF-8"),
        ],
    )
    def test_a_name_cannot_forge_output(
        self, stocked: Recirc, media: dict[str, bytes], name: str
    ) -> None:
        stocked.file(name, media["mirrored"])

        ran = stocked("check", name)

        assert ran.out.startswith("MATCH: ")
        assert all(one.isprintable() for one in ran.out.replace("\n", ""))
        assert not any(line.startswith("NO MATCH") for line in ran.out.splitlines())
        assert fields(stocked("check", name, "--json").answers(), "path") == [name]

    def test_a_fault_in_one_clip_does_not_stop_the_others(
        self, stocked: Recirc, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = Checker.check
        calls: list[object] = []

        def faulty(
            checker: Checker, media: bytes, *, lists: list[str], thorough: bool
        ) -> CheckResult:
            calls.append(media)
            if len(calls) == 1:
                raise ZeroDivisionError("the media said: secret")
            return whole(checker, media, lists=lists, thorough=thorough)

        monkeypatch.setattr(Checker, "check", faulty)
        ran = stocked("check", "other", "mirrored", "--json")

        assert fields(ran.answers(), "verdict") == ["unscannable", "match"]
        assert fields(ran.answers(), "problems") == [["internal_error"], []]
        assert "ZeroDivisionError" in ran.err
        assert "secret" not in ran.out + ran.err
        assert "Traceback" not in ran.err


class TestCurating:
    def test_the_same_clip_again_changes_nothing(self, stocked: Recirc) -> None:
        before = stocked("lists", "--json").out

        ran = stocked("add", "incident-x", "original")

        assert ran.out == "unchanged: original is on incident-x already, as r1\n"
        assert (ran.code, stocked("lists", "--json").out) == (cli.Exit.DONE, before)

    def test_what_a_curator_says_is_kept(self, stocked: Recirc) -> None:
        stocked("add", "second", "other", "--id", "r2", "--label", "L2", "--incident", "I2")

        (shown,) = stocked("lists", "show", "second", "--json").answers()
        assert (shown["id"], shown["label"], shown["incident"]) == ("r2", "L2", "I2")

    def test_added_says_what(self, stocked: Recirc) -> None:
        ran = stocked("add", "second", "other")

        (reference,) = stocked("lists", "show", "second", "--json").answers()
        assert ran.out.startswith(f"added: other to second as {reference['id']} (2.0 s, ")
        assert ran.out.rstrip().endswith(" bytes of patch hashes)")

    def test_patch_hashes_are_a_lists_own_matter(self, stocked: Recirc) -> None:
        def patched(name: str) -> list[object]:
            one = [one for one in stocked("lists", "--json").answers() if one["name"] == name]
            return [one[0]["patches"], one[0]["patched"], one[0]["references"]]

        assert patched("incident-x") == [True, 1, 1]
        assert "no patch hashes" in stocked("lists", "set", "incident-x", "--patches", "off").out
        assert patched("incident-x") == [False, 0, 1]
        stocked("add", "incident-x", "original", "other")
        assert patched("incident-x") == [False, 0, 2]
        stocked("lists", "set", "incident-x", "--patches", "on")
        assert stocked("add", "incident-x", "original").out.startswith("unchanged: ")
        assert patched("incident-x") == [True, 1, 2]
        stocked("add", "plain", "original", "--no-patches")
        assert patched("plain") == [False, 0, 1]

    def test_patch_hashes_are_exported_only_if_asked(self, stocked: Recirc) -> None:
        plain = stocked("export", "incident-x").answers()[1]
        full = stocked("export", "incident-x", "--with-patches").answers()[1]

        assert "patches" not in plain
        assert full == plain | {"patches": full["patches"]}
        stocked.file("full.jsonl", stocked("export", "incident-x", "--with-patches").out.encode())
        stocked("import", "copy", "full.jsonl")
        (info,) = [one for one in stocked("lists", "--json").answers() if one["name"] == "copy"]
        assert (info["references"], info["patched"]) == (1, 1)

    @pytest.mark.parametrize(
        ("names", "code", "errors"),
        [
            pytest.param(["text"], 2, ["not_media"], id="no media"),
            pytest.param(["black"], 2, ["too_dark"], id="too dark"),
            pytest.param(["gone", "other"], 2, ["unreadable_path"], id="the others go in"),
            pytest.param(["cut off"], 0, ["warning"], id="cut off goes in"),
        ],
    )
    def test_what_cannot_be_added(
        self, stocked: Recirc, names: list[str], code: int, errors: list[str]
    ) -> None:
        ran = stocked("add", "second", *names)

        assert ran.code == code
        assert [line.split(":")[0] for line in ran.err.splitlines()] == errors
        there = stocked("lists", "show", "second", "--json")
        wanted = len(names) - (len(errors) if code else 0)
        assert len(there.answers()) == wanted

    def test_a_fault_in_one_clip_does_not_stop_the_others(
        self, stocked: Recirc, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = decoding_of.extract

        def faulty(decoding: Decoding, media: BinaryIO, sampling: Sampling) -> Extract:
            if Path(media.name).name == "original":
                raise ZeroDivisionError("secret")
            return whole(decoding, media, sampling)

        monkeypatch.setattr(curating, "extract", faulty)
        ran = stocked("add", "second", "original", "other")

        assert ran.code == cli.Exit.NOT_DONE
        assert ran.err.startswith("internal_error: original: ZeroDivisionError in ")
        assert "secret" not in ran.err
        assert ran.out.startswith("added: other to second")

    def test_one_id_is_for_one_clip(self, stocked: Recirc) -> None:
        ran = stocked("add", "second", "original", "other", "--id", "same")

        assert ran.err.startswith("bad_setting: --id names one reference")
        assert ran.code == cli.Exit.NOT_DONE
        assert stocked("lists", "show", "second").code == cli.Exit.NOT_DONE

    def test_an_id_of_another_clip_stays_with_it(self, stocked: Recirc) -> None:
        ran = stocked("add", "incident-x", "other", "--id", "r1")

        assert (ran.code, ran.out) == (cli.Exit.NOT_DONE, "")
        assert ran.err.startswith("reference_conflict: other: ")

    def test_remove_takes_what_is_there(self, stocked: Recirc) -> None:
        ran = stocked("remove", "incident-x", "gone", "r1")

        assert ran.code == cli.Exit.NOT_DONE
        assert ran.out == "removed: r1 from incident-x\n"
        assert ran.err == "reference_not_found: list incident-x has no gone\n"
        assert stocked("remove", "nonsense", "r1").err.startswith("list_not_found: ")

    def test_lists_in_words(self, stocked: Recirc) -> None:
        assert "incident-x: block, 1 reference, version " in stocked("lists").out
        assert "  r1: L (incident I) - video, 3.0 s, " in stocked("lists", "show", "incident-x").out

    def test_options_before_show_hold_for_it(self, stocked: Recirc) -> None:
        stocked.database.rename(stocked.folder / "moved")

        ran = stocked("lists", "--json", "--db", "moved", "show", "incident-x")

        assert fields(ran.answers(), "id") == ["r1"]

    def test_no_lists_yet(self, recirc: Recirc) -> None:
        assert recirc("lists").out == "There are no lists yet; recirc add makes one.\n"
        assert recirc("lists", "--json") == Ran(cli.Exit.DONE, "", "")

    def test_what_a_list_accepts_is_set_and_shown(self, stocked: Recirc) -> None:
        def accepted() -> list[object]:
            return fields(stocked("lists", "--json").answers(), "false_alarms_per_100k")

        assert accepted() == [None]
        ran = stocked("lists", "set", "incident-x", "--false-alarms-per-100k", "1")

        assert ran == Ran(
            cli.Exit.DONE,
            "incident-x: block, 1 reference, version 3, accepts 1 false alarm in 100,000 clips, "
            "1 with patch hashes\n",
            "",
        )
        assert accepted() == [1.0]
        assert "accepts 1 false alarm in" in stocked("lists", "show", "incident-x").out
        ran = stocked("lists", "--json", "set", "incident-x", "--false-alarms-per-100k", "default")
        assert (fields(ran.answers(), "version"), accepted()) == ([4], [None])

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            pytest.param(["incident-x", "--false-alarms-per-100k", "0"], "bad_policy", id="none"),
            pytest.param(["incident-x", "--false-alarms-per-100k", "-1"], "bad_policy", id="less"),
            pytest.param(["incident-x", "--false-alarms-per-100k", "no"], "bad_policy", id="word"),
            pytest.param(["incident-x"], "bad_setting", id="nothing to set"),
            pytest.param(
                ["incident-x", "--patches", "perhaps"], "bad_usage", id="neither on nor off"
            ),
            pytest.param(["gone", "--false-alarms-per-100k", "1"], "list_not_found", id="no list"),
        ],
    )
    def test_what_cannot_be_set(self, stocked: Recirc, arguments: list[str], error: str) -> None:
        before = stocked("lists", "--json").out

        ran = stocked("lists", "set", *arguments)

        assert (ran.code, ran.out, ran.err.count("\n")) == (cli.Exit.NOT_DONE, "", 1)
        assert ran.err.startswith(f"{error}: ")
        assert stocked("lists", "--json").out == before

    def test_one_clip_is_a_possible_match_on_a_strict_list_and_a_match_on_a_looser(
        self, stocked: Recirc
    ) -> None:
        stocked("add", "loose", "original", "--id", "r1")
        chance = weak_clip(stocked)
        for name, share in (("incident-x", 0.5), ("loose", 2.0)):
            accepted = str(chance * 100_000 * share)
            assert stocked("lists", "set", name, "--false-alarms-per-100k", accepted).code == 0

        ran = stocked("check", "weak")
        (after,) = stocked("check", "weak", "--json").answers()

        assert [(one["list"], one["verdict"]) for one in found(after)] == [
            ("loose", "match"),
            ("incident-x", "near_match"),
        ]
        assert [one["chance"] for one in found(after)] == [chance] * 2
        assert "by this list's own limit" in ran.out
        assert "and this list accepts" in ran.out
        for name, verdict in (("loose", "match"), ("incident-x", "near_match")):
            (why,) = stocked("explain", "weak", name, "r1", "--json").answers()
            assert why["verdict"] == verdict
            assert "this list's own limit" in str(why["thresholds"])

    def test_hash_is_what_the_api_reads(self, stocked: Recirc) -> None:
        (answer,) = stocked("hash", "mirrored", "--json").answers()

        fingerprint, coverage = document.from_document(answer)
        assert answer["path"] == "mirrored"
        assert fingerprint.frames > 0
        assert coverage is not None
        assert coverage.complete

    def test_hash_in_words(self, stocked: Recirc) -> None:
        ran = stocked("hash", "mirrored", "text", "cut off")

        assert ran.code == cli.Exit.NOT_DONE
        assert "mirrored: video, 2.6 s, " in ran.out
        assert "[truncated]" in ran.out or "[decoder_error]" in ran.out
        assert ran.err.startswith("not_media: text: ")

    def test_a_reference_is_hashed_densely(self, stocked: Recirc) -> None:
        sparse = document.from_document(stocked("hash", "other", "--json").answers()[0])[0]
        dense = document.from_document(
            stocked("hash", "other", "--json", "--reference").answers()[0]
        )[0]

        assert max(map(len, dense.tracks)) > 2 * max(map(len, sparse.tracks))


class _Slow(RawIOBase):
    """A pipe whose second half comes once somebody else has written to the database."""

    def __init__(self, recirc: Recirc, lines: bytes) -> None:
        self._database = recirc.database
        self._halves = [lines[: len(lines) // 2], lines[len(lines) // 2 :]]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        if len(self._halves) == 1:
            with closing(SqliteStore(self._database, busy_timeout_ms=100)) as store:
                store.create_list("other", policy=Policy.BLOCK)
        half = self._halves.pop(0) if self._halves else b""
        memoryview(buffer)[: len(half)] = half
        return len(half)


class TestListFiles:
    def test_export_and_import_are_a_round_trip(self, stocked: Recirc) -> None:
        assert stocked("export", "incident-x", "-o", "list.jsonl").out == ""

        ran = stocked("import", "copy", "list.jsonl")

        assert ran == Ran(cli.Exit.DONE, "copy: 1 added, 0 unchanged\n", "")
        assert stocked("import", "copy", "list.jsonl").out == "copy: 0 added, 1 unchanged\n"
        shown = stocked("lists", "show", "copy", "--json").answers()
        assert fields(shown, "label") == ["L"]

    def test_through_pipes(self, stocked: Recirc) -> None:
        exported = stocked("export", "incident-x").out

        assert stocked("import", "copy", "-", stdin=exported.encode()).code == cli.Exit.DONE

    def test_a_bad_line_is_numbered_and_the_rest_goes_in(self, stocked: Recirc) -> None:
        head, line = stocked("export", "incident-x").out.splitlines()
        stocked.file("list.jsonl", f"{head}\n{{nonsense\n{line}\n".encode())

        ran = stocked("import", "copy", "list.jsonl")

        assert ran.code == cli.Exit.NOT_DONE
        assert ran.out == "copy: 1 added, 0 unchanged, 1 bad line left out\n"
        assert ran.err.startswith("bad_json: line 2: ")

    @pytest.mark.parametrize(
        ("name", "data", "code"),
        [
            pytest.param("gone", None, "unreadable_path", id="no file"),
            pytest.param("list", b"nonsense", "bad_list", id="no list"),
        ],
    )
    def test_a_file_that_is_no_list(
        self, stocked: Recirc, name: str, data: bytes | None, code: str
    ) -> None:
        if data is not None:
            stocked.file(name, data)

        ran = stocked("import", "copy", name)

        assert ran.code == cli.Exit.NOT_DONE
        assert ran.err.startswith(f"{code}: ")

    def test_a_slow_pipe_keeps_no_other_writer_waiting(
        self, stocked: Recirc, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is read before the database is locked: its other end may take its time."""
        lines = stocked("export", "incident-x").out.encode()
        monkeypatch.setattr(commands, "_stdin", lambda: BufferedReader(_Slow(stocked, lines)))

        ran = stocked("import", "copy", "-")

        assert (ran.code, ran.err) == (cli.Exit.DONE, "")
        assert ran.out.startswith("copy: 1 added")

    def test_a_pipe_is_read_up_to_a_limit(
        self, stocked: Recirc, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RECIRC_LIMIT_MEDIA_BYTES", "1000")
        lines = stocked("export", "incident-x").out.encode()

        os.mkfifo(stocked.folder / "pipe")

        def write() -> None:
            with suppress(BrokenPipeError), open(stocked.folder / "pipe", "wb") as pipe:
                pipe.write(lines)

        with ThreadPoolExecutor(1) as pool:
            pool.submit(write)
            ran = stocked("import", "copy", "pipe")

        assert ran.code == cli.Exit.NOT_DONE
        assert ran.err == (
            "unreadable_path: the pipe gives more than 1000 bytes; import it as a file\n"
        )

    def test_export_replaces_only_when_told(self, stocked: Recirc) -> None:
        stocked.file("list.jsonl", b"precious")

        refused = stocked("export", "incident-x", "-o", "list.jsonl")
        kept = (stocked.folder / "list.jsonl").read_bytes()
        forced = stocked("export", "incident-x", "-o", "list.jsonl", "--force")

        assert (refused.code, kept, forced.code) == (cli.Exit.NOT_DONE, b"precious", cli.Exit.DONE)
        assert refused.err.startswith("unreadable_path: list.jsonl is there already")
        assert (stocked.folder / "list.jsonl").read_bytes().startswith(b'{"format":"recirc-list"')
        assert (stocked.folder / "list.jsonl").stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("said", [[], ["--force"]], ids=["plain", "forced"])
    def test_export_replaces_no_pipe_or_device(self, stocked: Recirc, said: list[str]) -> None:
        """Else root's ``-o /dev/null --force`` would make a file of it, for all of the system."""
        os.mkfifo(stocked.folder / "pipe")

        ran = stocked("export", "incident-x", "-o", "pipe", *said)

        assert ran.code == cli.Exit.NOT_DONE
        assert ran.err.startswith("unreadable_path: pipe is ")
        assert (stocked.folder / "pipe").is_fifo()

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            pytest.param(["nonsense", "-o", "list"], "list_not_found", id="no list"),
            pytest.param(["incident-x", "-o", "gone/list"], "unreadable_path", id="no folder"),
        ],
    )
    def test_a_failed_export_leaves_nothing(
        self, stocked: Recirc, arguments: list[str], code: str
    ) -> None:
        before = sorted(os.listdir(stocked.folder))

        ran = stocked("export", *arguments)

        assert ran.err.startswith(f"{code}: ")
        assert sorted(os.listdir(stocked.folder)) == before

    def test_an_export_that_fails_half_way_leaves_what_was_there(
        self, stocked: Recirc, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lines(*_: object, patches: bool) -> Iterator[str]:
            assert not patches
            yield "half"
            raise StoreError("the disk is gone")

        stocked.file("list.jsonl", b"precious")
        before = sorted(os.listdir(stocked.folder))
        monkeypatch.setattr(list_actions, "export", lines)

        ran = stocked("export", "incident-x", "-o", "list.jsonl", "--force")

        assert (ran.code, ran.err) == (cli.Exit.NOT_DONE, "store_error: the disk is gone\n")
        assert sorted(os.listdir(stocked.folder)) == before
        assert (stocked.folder / "list.jsonl").read_bytes() == b"precious"


class TestExplain:
    @pytest.mark.parametrize(
        ("clip", "verdict", "reason"),
        [
            pytest.param("mirrored", "match", "match", id="a copy"),
            pytest.param("other", "no_match", "no_hits", id="another clip"),
            pytest.param("black", "no_match", "no_frames", id="nothing to see"),
        ],
    )
    def test_why(self, stocked: Recirc, clip: str, verdict: str, reason: str) -> None:
        (answer,) = stocked("explain", clip, "incident-x", "r1", "--json").answers()
        told = stocked("explain", clip, "incident-x", "r1")

        assert (answer["verdict"], answer["reason"]) == (verdict, reason)
        assert f"[{reason}]" in told.out
        assert told.code == cli.Exit.DONE

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            pytest.param(["other", "incident-x", "r2"], "reference_not_found", id="no reference"),
            pytest.param(["other", "nonsense", "r1"], "list_not_found", id="no list"),
            pytest.param(["gone", "incident-x", "r1"], "unreadable_path", id="no path"),
            pytest.param(["text", "incident-x", "r1"], "not_media", id="no media"),
            pytest.param([".", "incident-x", "r1"], "bad_setting", id="a folder"),
        ],
    )
    def test_what_cannot_be_explained(
        self, stocked: Recirc, arguments: list[str], code: str
    ) -> None:
        ran = stocked("explain", *arguments)

        assert (ran.code, ran.out) == (cli.Exit.NOT_DONE, "")
        assert ran.err.startswith(f"{code}: ")
        assert ran.err.count("\n") == 1


class TestEnds:
    def test_ctrl_c_is_quiet(self, stocked: Recirc, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Checker, "check", interrupted)

        assert stocked("check", "other") == Ran(cli.Exit.INTERRUPTED, "", "")

    def test_a_fault_is_one_line(self, stocked: Recirc, monkeypatch: pytest.MonkeyPatch) -> None:
        def faulty(*_: object, **__: object) -> None:
            raise ZeroDivisionError("secret")

        monkeypatch.setattr(Checker, "lists", faulty)
        ran = stocked("check", "other")

        assert (ran.code, ran.out) == (cli.Exit.NOT_DONE, "")
        assert ran.err.startswith("internal_error: ZeroDivisionError in test_cli.py line ")
        assert "secret" not in ran.err
        monkeypatch.setenv("RECIRC_DEBUG", "1")
        with pytest.raises(ZeroDivisionError):
            stocked("check", "other")

    def test_a_database_that_is_none(self, recirc: Recirc, media: dict[str, bytes]) -> None:
        name = recirc.file("clip.mp4", media["other"])

        ran = recirc("check", name, "--db", recirc.file("no database", b"nonsense" * 100))

        assert ran.code == cli.Exit.NOT_DONE
        assert ran.err.startswith("store_error: ")
        assert recirc("check", name, "--db", ".").err.startswith("bad_setting: ")

    @pytest.mark.parametrize("arguments", [["--help"], ["export", "incident-x"]])
    def test_a_closed_pipe_is_quiet_and_no_match(
        self, stocked: Recirc, arguments: list[str]
    ) -> None:
        reading, writing = os.pipe()
        os.close(reading)

        ran = subprocess.run(  # noqa: S603  # this interpreter, our own code
            [sys.executable, "-c", "import cli; cli.main()", *arguments],
            cwd=ROOT,
            env={**os.environ, "RECIRC_DB": str(stocked.database)},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        os.close(writing)

        assert (ran.returncode, ran.stderr) == (cli.Exit.PIPE_CLOSED, "")

    @pytest.mark.parametrize(
        ("clip", "code"), [("original", cli.Exit.FOUND), ("other", cli.Exit.DONE)]
    )
    @pytest.mark.parametrize("closed", [(1,), (0, 1, 2)], ids=["output", "all"])
    def test_closed_streams_leave_the_exit_code(
        self, stocked: Recirc, clip: str, code: cli.Exit, closed: tuple[int, ...]
    ) -> None:
        """As a shell's ``>&-`` does: a fault would end with 1, and that means "found"."""
        close = "import os, sys; [os.close(int(one)) for one in sys.argv.pop(1)]; "
        start = "os.execv(sys.executable, [sys.executable, '-c', 'import cli; cli.main()'"
        ran = subprocess.run(  # noqa: S603  # this interpreter, our own code
            [
                *(sys.executable, "-c", f"{close}{start}, *sys.argv[1:]])"),
                *("".join(map(str, closed)), "check", str(stocked.folder / clip)),
            ],
            cwd=ROOT,
            env={**os.environ, "RECIRC_DB": str(stocked.database)},
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

        assert (ran.returncode, ran.stderr) == (code, "")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a full disk at hand")
    @pytest.mark.parametrize(
        ("arguments", "full", "code", "told"),
        [
            pytest.param(["check", "original"], "stdout", cli.Exit.NOT_DONE, True, id="a match"),
            pytest.param(
                ["check", "--json", "other"], "stdout", cli.Exit.NOT_DONE, True, id="json"
            ),
            pytest.param(["lists"], "stdout", cli.Exit.NOT_DONE, True, id="lists"),
            pytest.param(["check", "original"], "stderr", cli.Exit.FOUND, False, id="found"),
            pytest.param(
                ["check", "--json", "no"], "stderr", cli.Exit.NOT_DONE, False, id="no file"
            ),
            pytest.param(["remove", "no", "r1"], "stderr", cli.Exit.NOT_DONE, False, id="an error"),
        ],
    )
    def test_output_to_a_full_disk_is_told_and_is_no_match(
        self, stocked: Recirc, arguments: list[str], full: str, code: cli.Exit, *, told: bool
    ) -> None:
        with open("/dev/full", "w", encoding="utf-8") as nowhere:
            ran = subprocess.run(  # noqa: S603  # this interpreter, our own code
                [sys.executable, "-c", "import cli; cli.main()", *arguments],
                cwd=stocked.folder,
                env={
                    **os.environ,
                    "RECIRC_DB": str(stocked.database),
                    "PYTHONPATH": str(ROOT),
                },
                text=True,
                check=False,
                stdout=nowhere if full == "stdout" else subprocess.PIPE,
                stderr=nowhere if full == "stderr" else subprocess.PIPE,
            )

        assert ran.returncode == code
        if told:
            assert ran.stderr.splitlines() == [
                "unreadable_path: standard output: No space left on device; "
                "make room, or choose another place"
            ]

    def test_serve_hands_its_settings_over(
        self, recirc: Recirc, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: list[Settings] = []
        monkeypatch.setattr(http, "serve", given.append)

        ran = recirc("serve", "--host", "::1", "--port", "0")

        assert ran.code == cli.Exit.DONE
        assert [(one.host, one.port, one.database) for one in given] == [
            ("::1", 0, recirc.database)
        ]
