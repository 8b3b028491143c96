"""PATH arguments: what is walked and read, in which order, and what is reported instead."""

import io
import os
import random
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import paths
from service.archives import DEFAULT_LIMITS, ArchiveLimits
from tests import clips


def read(
    wanted: Sequence[str], stdin: bytes = b"", limits: ArchiveLimits = DEFAULT_LIMITS
) -> list[tuple[str, bytes | str]]:
    """Each label with its bytes, or with the code of what stood in the way."""
    found: list[tuple[str, bytes | str]] = []
    for one in paths.clips(wanted, io.BytesIO(stdin), limits):
        if isinstance(one, paths.Unread):
            assert one.text
            found.append((one.label, one.code))
        else:
            found.append(
                (one.label, one.media if isinstance(one.media, bytes) else one.media.read())
            )
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fill(folder: Path, files: dict[str, bytes]) -> None:
    """Write files, with their folders."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


class TestFiles:
    def test_in_the_order_given_and_as_often(self, folder: Path) -> None:
        fill(folder, {"b": b"B", "a": b"A"})

        assert read(["b", "a", "b"]) == [("b", b"B"), ("a", b"A"), ("b", b"B")]

    def test_standard_input(self) -> None:
        assert read(["-"], b"clip") == [("standard input", b"clip")]

    def test_an_archive_on_standard_input(self) -> None:
        assert read(["-"], clips.zipped({"a": b"A"})) == [("standard input/a", b"A")]

    def test_standard_input_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(paths, "STDIN_BYTES", 4)

        assert read(["-"], b"1234") == [("standard input", b"1234")]
        assert read(["-"], b"12345") == [("standard input", "limit_bytes")]

    def test_a_pipe_that_is_named(self, folder: Path) -> None:
        reading, writing = os.pipe()
        os.write(writing, b"clip")
        os.close(writing)

        assert read([f"/dev/fd/{reading}"]) == [(f"/dev/fd/{reading}", b"clip")]
        os.close(reading)

    def test_what_is_not_there(self, folder: Path) -> None:
        assert read(["gone", "a\0b"]) == [("gone", "unreadable_path"), ("a\0b", "unreadable_path")]


class TestFolders:
    def test_all_files_in_order_of_names_hidden_ones_too(self, folder: Path) -> None:
        fill(folder, {"f/b": b"", "f/a/z": b"", "f/a/.hidden": b"", "f/.b/c": b"", "f/c": b""})

        assert [label for label, _ in read(["f"])] == [
            *("f/.b/c", "f/a/.hidden", "f/a/z", "f/b", "f/c")
        ]

    def test_archives_in_folders(self, folder: Path) -> None:
        fill(folder, {"f/chat.zip": clips.zipped({"VID-1.mp4": b"V"})})

        assert read(["f"]) == [("f/chat.zip/VID-1.mp4", b"V")]

    def test_an_empty_tree(self, folder: Path) -> None:
        (folder / "f" / "g").mkdir(parents=True)

        assert read(["f"]) == [("f", "empty_folder")]

    def test_links_to_files_are_read_and_loops_end(self, folder: Path) -> None:
        fill(folder, {"f/a": b"A", "elsewhere/b": b"B"})
        (folder / "f" / "again").symlink_to(folder / "f")
        (folder / "f" / "file").symlink_to(folder / "elsewhere" / "b")
        (folder / "f" / "gone").symlink_to(folder / "nothing")
        (folder / "f" / "out").symlink_to(folder / "elsewhere")
        (folder / "f" / "self").symlink_to("self")

        assert read(["f"]) == [
            ("f/a", b"A"),
            ("f/file", b"B"),
            ("f/gone", "unreadable_path"),
            ("f/out", "linked_folder"),
            ("f/self", "unreadable_path"),
        ]

    def test_a_named_link_to_a_folder_is_walked(self, folder: Path) -> None:
        fill(folder, {"f/a": b"A"})
        (folder / "link").symlink_to("f")

        assert read(["link"]) == [("link/a", b"A")]

    def test_a_pipe_in_a_folder_is_not_opened(self, folder: Path) -> None:
        fill(folder, {"f/z": b"Z"})
        os.mkfifo(folder / "f" / "pipe")

        assert read(["f"]) == [("f/pipe", "not_a_file"), ("f/z", b"Z")]

    def test_a_tree_deeper_than_a_recursion_goes(self, folder: Path) -> None:
        depth = 1500
        for _ in range(depth):
            os.mkdir("d")
            os.chdir("d")
        Path("clip").write_bytes(b"C")
        os.chdir(folder)

        found = read(["d"])

        assert found == [("d/" * depth + "clip", b"C")]
        self._unmake(depth)

    def _unmake(self, depth: int) -> None:
        """pytest would clean up by recursion."""
        for _ in range(depth):
            os.chdir("d")
        os.unlink("clip")
        for _ in range(depth):
            os.chdir("..")
            os.rmdir("d")


class TestArchives:
    def test_told_by_its_bytes_or_by_its_name(self, folder: Path) -> None:
        archive = clips.zipped({"a": b"A"})
        fill(
            folder, {"photo.jpg": archive, "late.ZIP": b"before" + archive, "late": b"x" + archive}
        )

        assert read(["photo.jpg", "late.ZIP"]) == [("photo.jpg/a", b"A"), ("late.ZIP/a", b"A")]
        assert read(["late"]) == [("late", b"x" + archive)]

    def test_folders_in_it_are_left_out_but_not_files_that_look_like_one(
        self, folder: Path
    ) -> None:
        fill(folder, {"a.zip": clips.zipped({"d/": b"", "hidden/": b"H"})})

        assert read(["a.zip"]) == [("a.zip/hidden/", b"H")]

    def test_two_members_of_one_name(self, folder: Path) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a", b"1")
            with pytest.warns(UserWarning, match="Duplicate"):
                archive.writestr("a", b"2")
        fill(folder, {"a.zip": file.getvalue()})

        assert read(["a.zip"]) == [("a.zip/a", b"1"), ("a.zip/a", b"2")]

    @pytest.mark.parametrize(
        ("method", "code"),
        [
            pytest.param(zipfile.ZIP_BZIP2, "zip_unsupported", id="bzip2"),
            pytest.param(zipfile.ZIP_LZMA, "zip_unsupported", id="lzma"),
        ],
    )
    def test_rare_ways_of_packing(self, folder: Path, method: int, code: str) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            archive.writestr("a", b"A")
            archive.writestr("b", b"B", zipfile.ZIP_STORED)
        fill(folder, {"a.zip": file.getvalue()})

        assert read(["a.zip"]) == [("a.zip/a", code), ("a.zip/b", b"B")]

    def test_a_damaged_member(self, folder: Path) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a", b"AAAA")
            archive.writestr("b", b"B")
        fill(folder, {"a.zip": file.getvalue().replace(b"AAAA", b"AAAB")})

        assert read(["a.zip"]) == [("a.zip/a", "zip_damaged"), ("a.zip/b", b"B")]

    @pytest.mark.parametrize(
        ("limits", "found"),
        [
            pytest.param(
                replace(DEFAULT_LIMITS, members=2),
                [b"A" * 10, b"B" * 10, "zip_limit_members"],
                id="members",
            ),
            pytest.param(
                replace(DEFAULT_LIMITS, member_bytes=9), ["zip_limit_bytes"] * 3, id="a member"
            ),
            pytest.param(
                replace(DEFAULT_LIMITS, total_bytes=15),
                [b"A" * 10, "zip_limit_total", "zip_limit_total"],
                id="in all",
            ),
            pytest.param(
                replace(DEFAULT_LIMITS, ratio=1, ratio_from_bytes=9),
                ["zip_limit_ratio"] * 3,
                id="ratio",
            ),
        ],
    )
    def test_limits(self, folder: Path, limits: ArchiveLimits, found: list[bytes | str]) -> None:
        fill(folder, {"a.zip": clips.zipped({n: n.encode() * 10 for n in "ABC"})})

        assert [what for _, what in read(["a.zip"], limits=limits)] == found

    def test_refused_members_count_as_well(self, folder: Path) -> None:
        """Else thousands of bombs, each stopped late, would still take a day."""
        limits = replace(DEFAULT_LIMITS, ratio=1, ratio_from_bytes=3_000_000, total_bytes=4_000_000)
        fill(folder, {"a.zip": clips.zipped({n: bytes(5_000_000) for n in "ABC"})})

        codes = [code for _, code in read(["a.zip"], limits=limits)]

        assert codes == ["zip_limit_ratio", "zip_limit_total", "zip_limit_total"]

    def test_a_table_of_contents_without_end(self, folder: Path) -> None:
        limits = replace(DEFAULT_LIMITS, contents_bytes=10_000)
        fill(folder, {"a.zip": clips.zipped({f"{n:>090}": b"" for n in range(100)})})

        assert read(["a.zip"], limits=limits) == [("a.zip", "zip_limit_contents")]

    @pytest.mark.parametrize(
        ("nesting", "found"),
        [
            pytest.param(0, [("a.zip/b.zip", "zip_nested"), ("a.zip/e", b"E")], id="none"),
            pytest.param(
                1,
                [("a.zip/b.zip/c.zip", "zip_nested"), ("a.zip/e", b"E")],
                id="one",
            ),
            pytest.param(2, [("a.zip/b.zip/c.zip/d", b"D" * 9), ("a.zip/e", b"E")], id="two"),
        ],
    )
    def test_archives_in_archives(
        self, folder: Path, nesting: int, found: list[tuple[str, bytes | str]]
    ) -> None:
        inner = clips.zipped({"c.zip": clips.zipped({"d": b"D" * 9})})
        fill(folder, {"a.zip": clips.zipped({"b.zip": inner, "e": b"E"})})

        assert read(["a.zip"], limits=replace(DEFAULT_LIMITS, nesting=nesting)) == found

    def test_all_archives_in_one_share_its_limits(self, folder: Path) -> None:
        inner = clips.zipped({"b": b"B", "c": b"C"})
        fill(folder, {"a.zip": clips.zipped({"d.zip": inner, "e": b"E"})})

        answers = read(["a.zip"], limits=replace(DEFAULT_LIMITS, members=2))

        assert answers == [
            ("a.zip/d.zip/b", b"B"),
            ("a.zip/d.zip", "zip_limit_members"),
            ("a.zip", "zip_limit_members"),
        ]

    def test_a_member_may_have_no_name(self, folder: Path) -> None:
        """Found by fuzzing: zipfile's is_dir() raises IndexError."""
        fill(folder, {"a.zip": clips.zipped({"": b"", "b": b"B"})})

        assert read(["a.zip"]) == [("a.zip/", b""), ("a.zip/b", b"B")]

    @pytest.mark.parametrize("place", ["before", "between", "behind"])
    def test_bytes_of_no_member_are_a_clip_as_well(self, folder: Path, place: str) -> None:
        """A player finds a film in them: a transport stream may stand anywhere."""
        archive, film = clips.zipped({"a": b"A", "b": b"B"}), b"film" * 1000
        at = {"before": 0, "between": archive.find(b"PK\x01\x02"), "behind": len(archive)}[place]
        whole = bytearray(archive[:at] + film + archive[at:])
        if place == "between":  # the table of contents has moved
            end = whole.rfind(b"PK\x05\x06")
            whole[end + 16 : end + 20] = (at + len(film)).to_bytes(4, "little")
        if place == "behind":
            whole[at - 2 : at] = len(film).to_bytes(2, "little")  # the length of its comment
        fill(folder, {"a.zip": bytes(whole)})

        answers = read(["a.zip"])

        assert answers == [("a.zip/a", b"A"), ("a.zip/b", b"B"), ("a.zip", bytes(whole))]

    @given(seed=st.integers(0, 2**32), changes=st.integers(1, 12))
    def test_damage_never_raises(self, seed: int, changes: int) -> None:
        chooser = random.Random(seed)  # noqa: S311  # damage, no secret
        archive = bytearray(clips.zipped({"a": b"A" * 40, "b/c": b"B"}))
        for _ in range(changes):
            archive[chooser.randrange(4, len(archive))] = chooser.randrange(256)

        assert read(["-"], bytes(archive))
