"""The commands ``recirc audit``."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from service.store.sqlite import SqliteStore
from tests.commands import Recirc, fields


@pytest.fixture
def recirc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Recirc:
    """The command, with a list ``a``, a list ``b`` that is deleted, and a key."""
    folder = tmp_path / "here"
    folder.mkdir()
    made = Recirc(folder, monkeypatch, capsys)
    assert made("keys", "create", "PRIVATE", "--scope", "check").code == 0
    header = (
        '{{"format":"recirc-list","version":1,"list":"{}","policy":"block","source":null,'
        '"algorithms":[],"references":0}}\n'
    )
    for name in ("a", "b"):
        assert made("import", name, "-", stdin=header.format(name).encode()).code == 0
    with closing(SqliteStore(made.database)) as store:
        store.by("key:someone").delete_list("b")
    return made


def head(recirc: Recirc) -> str:
    ran = recirc("audit", "verify", "--json")
    assert ran.code == 0, ran.err
    (answer,) = ran.answers()
    return str(answer["head"])


def test_changes_of_a_command_are_its_account_s(recirc: Recirc) -> None:
    shown = recirc("audit", "show", "--json").answers()

    assert fields(shown, "what") == [
        "record.begin",
        "key.create",
        "list.create",
        "list.create",
        "list.delete",
    ]
    assert fields(shown, "who") == [
        "recirc",
        *[f"cli:{os.getuid()}"] * 3,
        "key:someone",
    ]
    assert fields(shown, "sequence") == [1, 2, 3, 4, 5]


def test_one_line_a_change_for_people(recirc: Recirc) -> None:
    ran = recirc("audit", "show")

    lines = ran.out.splitlines()
    assert len(lines) == 5
    assert f" cli:{os.getuid()} list.create a - to 1 " in lines[2]
    assert " key:someone list.delete b 1 to - " in lines[4]
    assert " UTC " in lines[0]
    assert "PRIVATE" not in ran.out


def test_one_list_can_be_chosen(recirc: Recirc) -> None:
    shown = recirc("audit", "show", "--list", "b", "--json").answers()

    assert fields(shown, "what") == ["list.create", "list.delete"]


def test_a_whole_record_has_a_head_to_keep(recirc: Recirc) -> None:
    ran = recirc("audit", "verify")
    kept = head(recirc)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"5 entries, none of them tampered with; head {kept}\n"
    recirc("keys", "create", "another", "--scope", "check")
    assert recirc("audit", "verify", "--head", kept).code == 0
    assert recirc("audit", "verify", "--head", f" {kept.upper()}\n").code == 0


def test_a_head_of_another_record_is_an_error(recirc: Recirc) -> None:
    ran = recirc("audit", "verify", "--head", "0" * 64)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("audit_broken: no entry has the hash that you kept")


def test_tampering_is_an_error_that_names_the_entry(recirc: Recirc) -> None:
    with closing(sqlite3.connect(recirc.database, isolation_level=None)) as raw:
        raw.execute("DROP TRIGGER audit_is_not_changed")
        raw.execute("UPDATE audit SET change = 'x\x1b[2J', who = 'me' WHERE sequence = 3")

    ran = recirc("audit", "verify")
    shown = recirc("audit", "show", "--json").answers()
    plain = recirc("audit", "show")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "audit_broken: entry 3 was changed after it was written\n"
    assert fields(shown, "change")[2] == {"unreadable": True}
    assert "\x1b" not in plain.out
