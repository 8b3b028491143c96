"""The commands ``recirc keys``."""

import json
import re
from pathlib import Path

import pytest

from service import issuing, key_commands, keys
from service.callers import OF_KEYS
from tests.commands import Recirc

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def recirc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Recirc:
    folder = tmp_path / "here"
    folder.mkdir()
    return Recirc(folder, monkeypatch, capsys)


def created(recirc: Recirc, *arguments: str) -> dict[str, object]:
    ran = recirc("keys", "create", "a bot", "--scope", "check", "--json", *arguments)
    assert ran.code == 0, ran.err
    (answer,) = ran.answers()
    return answer


def info_of(answer: dict[str, object]) -> dict[str, object]:
    info = answer["info"]
    assert isinstance(info, dict)
    return info


def test_a_key_is_alone_on_standard_output(recirc: Recirc) -> None:
    ran = recirc("keys", "create", "a bot", "--scope", "analyst")

    assert ran.code == 0
    assert re.fullmatch(r"recirc_[0-9a-f]{12}_[0-9A-Za-z]{49}\n", ran.out)
    assert f"key {keys.id_of(ran.out.strip())} (analyst, active" in ran.err


def test_as_json_it_comes_with_what_is_kept_of_it(recirc: Recirc) -> None:
    answer = created(recirc, "--expires", "30")
    info = info_of(answer)

    assert keys.id_of(str(answer["key"])) == info["id"]
    assert (info["name"], info["scope"], info["state"]) == ("a bot", "check", "active")
    assert int(str(info["expires_at_ms"])) - int(str(info["created_at_ms"])) == 30 * DAY_MS


def test_the_database_has_no_key(recirc: Recirc) -> None:
    key = str(created(recirc)["key"])
    rotated = recirc("keys", "rotate", keys.id_of(key) or "").out.strip()

    kept = b"".join(path.read_bytes() for path in recirc.database.parent.iterdir())
    assert keys.digest_of(rotated) in kept
    for one in (key, rotated):
        assert one.encode() not in kept
        assert one.split("_")[2].encode() not in kept


def test_the_list_shows_all_and_nothing_secret(recirc: Recirc) -> None:
    assert "no keys" in recirc("keys", "list").out
    answers = [created(recirc), created(recirc, "--expires", "1")]
    recirc("keys", "revoke", str(info_of(answers[0])["id"]))

    plain, listed = recirc("keys", "list"), recirc("keys", "list", "--json")

    assert [answer["state"] for answer in listed.answers()] == ["revoked", "active"]
    assert [line.split()[0] for line in plain.out.splitlines()] == [
        info_of(answer)["id"] for answer in answers
    ]
    assert "check, revoked, never used: a bot" in plain.out
    assert "check, active, until 20" in plain.out
    for answer in answers:
        assert str(answer["key"]) not in plain.out + listed.out


def test_a_name_cannot_write_to_the_terminal(recirc: Recirc) -> None:
    ran = recirc("keys", "create", "a\x1b[2Jbot", "--scope", "check")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("bad_name: ")


def test_a_rotated_key_has_its_id(recirc: Recirc) -> None:
    before = created(recirc)
    key_id = str(info_of(before)["id"])

    ran = recirc("keys", "rotate", key_id, "--overlap", "2", "--json")

    (after,) = ran.answers()
    info = info_of(after)
    assert (info["id"], after["key"] != before["key"]) == (key_id, True)
    assert int(str(info["overlap_until_ms"])) - int(str(info["rotated_at_ms"])) == DAY_MS // 12
    assert "with the one before it until" in recirc("keys", "list").out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["create", "a"], "bad_usage", id="no scope"),
        pytest.param(["create", "a", "--scope", "public"], "bad_usage", id="a scope of no key"),
        pytest.param(["create", "", "--scope", "check"], "bad_name", id="no name"),
        pytest.param(
            ["create", "a", "--scope", "check", "--expires", "0"], "bad_usage", id="no days"
        ),
        pytest.param(["rotate", "0123456789ab"], "key_not_found", id="rotate what is not there"),
        pytest.param(["rotate", "\udcff"], "key_not_found", id="rotate what is no text"),
        pytest.param(["revoke", "a key"], "key_not_found", id="revoke what is no id"),
        pytest.param(["rotate", "0123456789ab", "--overlap", "721"], "bad_usage", id="overlap"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(recirc: Recirc, arguments: list[str], code: str) -> None:
    ran = recirc("keys", *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"{code}: ")
    assert ran.err.count("\n") == 1


def test_a_revoked_key_is_not_rotated(recirc: Recirc) -> None:
    key_id = str(info_of(created(recirc))["id"])
    assert recirc("keys", "revoke", key_id).code == 0
    assert recirc("keys", "revoke", key_id).code == 0

    ran = recirc("keys", "rotate", key_id)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("key_ended: ")


def test_the_numbers_of_the_command_are_those_of_the_service() -> None:
    assert key_commands._MOST_DAYS == issuing.MOST_DAYS
    assert key_commands._OVERLAP_HOURS == issuing.OVERLAP_HOURS
    assert key_commands._MOST_OVERLAP_HOURS == issuing.MOST_OVERLAP_HOURS
    assert [one.value for one in key_commands.KeyScope] == list(OF_KEYS)


def test_json_is_one_line_a_key(recirc: Recirc) -> None:
    created(recirc)
    created(recirc)

    lines = recirc("keys", "list", "--json").out.splitlines()

    assert [json.loads(line)["name"] for line in lines] == ["a bot"] * 2
