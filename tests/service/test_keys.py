"""What a key looks like, and which texts open one."""

import hashlib
import re
import string
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import keys
from service.callers import Scope
from service.keys import KeyInfo, State, StoredKey

ID = "0123456789ab"
KEY = keys.new_key(ID)
BEFORE = keys.new_key(ID)
INFO = KeyInfo(ID, "a name", Scope.CHECK, created_at_ms=1000)
STORED = StoredKey(INFO, keys.digest_of(KEY))
ROTATED = StoredKey(
    replace(INFO, rotated_at_ms=2000, overlap_until_ms=5000),
    keys.digest_of(KEY),
    keys.digest_of(BEFORE),
)
LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase


def test_a_key_is_what_a_scanner_for_secrets_knows() -> None:
    assert re.fullmatch(r"recirc_[0-9a-f]{12}_[0-9A-Za-z]{49}", KEY)
    assert keys.id_of(KEY) == ID


def test_its_check_is_the_crc_of_all_before_it() -> None:
    number = 0
    for letter in KEY[-6:]:
        number = number * 62 + LETTERS.index(letter)

    assert number == zlib.crc32(KEY[:-6].encode())


def test_its_secret_has_256_bits() -> None:
    assert 62 ** len(KEY.split("_")[2][:-6]) > 2**256


def test_keys_and_ids_are_never_the_same() -> None:
    assert len({keys.new_key(ID) for _ in range(100)}) == 100
    assert len({keys.new_id() for _ in range(100)}) == 100


def test_what_is_kept_is_its_sha256() -> None:
    assert keys.digest_of(KEY) == hashlib.sha256(KEY.encode()).digest()


def test_no_secret_is_in_what_is_printed_of_it() -> None:
    assert repr(STORED.digest) not in repr(STORED)


@given(st.integers(0, len(KEY) - 1), st.sampled_from(LETTERS))
def test_a_slip_in_one_letter_is_no_key(place: int, letter: str) -> None:
    slipped = KEY[:place] + letter + KEY[place + 1 :]

    assert (keys.id_of(slipped) is None) == (slipped != KEY)


@given(st.text())
def test_any_text_can_be_asked_about(text: str) -> None:
    assert keys.id_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(KEY[:-1], id="cut off"),
        pytest.param(KEY + "\n", id="line feed"),
        pytest.param(KEY.upper(), id="capitals"),
        pytest.param(KEY.replace("recirc", "recirk"), id="another prefix"),
        pytest.param(KEY.replace(ID, "0123456789éb"), id="not ASCII"),
        pytest.param(KEY * 1000, id="very long"),
    ],
)
def test_what_is_no_key_has_no_id(text: str) -> None:
    assert keys.id_of(text) is None


@pytest.mark.parametrize(
    ("stored", "key", "now_ms", "good"),
    [
        pytest.param(STORED, KEY, 2000, True, id="the key"),
        pytest.param(STORED, keys.new_key(ID), 2000, False, id="another secret"),
        pytest.param(None, KEY, 2000, False, id="no such key"),
        pytest.param(
            StoredKey(replace(INFO, expires_at_ms=2000), STORED.digest),
            KEY,
            1999,
            True,
            id="before its end",
        ),
        pytest.param(
            StoredKey(replace(INFO, expires_at_ms=2000), STORED.digest),
            KEY,
            2000,
            False,
            id="expired",
        ),
        pytest.param(
            StoredKey(replace(INFO, revoked_at_ms=1500), STORED.digest),
            KEY,
            1600,
            False,
            id="revoked",
        ),
        pytest.param(ROTATED, KEY, 2000, True, id="rotated, the new secret"),
        pytest.param(ROTATED, BEFORE, 4999, True, id="rotated, the old secret in the overlap"),
        pytest.param(ROTATED, BEFORE, 5000, False, id="rotated, the old secret after it"),
        pytest.param(
            replace(ROTATED, info=replace(ROTATED.info, revoked_at_ms=2500)),
            BEFORE,
            3000,
            False,
            id="revoked in the overlap",
        ),
        pytest.param(
            replace(ROTATED, info=replace(ROTATED.info, expires_at_ms=2500)),
            BEFORE,
            3000,
            False,
            id="expired in the overlap",
        ),
        pytest.param(
            replace(STORED, previous=None), keys.new_key(ID), 0, False, id="no secret before"
        ),
    ],
)
def test_only_a_good_key_opens(stored: StoredKey | None, key: str, now_ms: int, good: bool) -> None:
    assert keys.opens(stored, key, now_ms) is good


@pytest.mark.parametrize(
    ("info", "state"),
    [
        (INFO, State.ACTIVE),
        (replace(INFO, expires_at_ms=9), State.EXPIRED),
        (replace(INFO, revoked_at_ms=9), State.REVOKED),
        (replace(INFO, expires_at_ms=9, revoked_at_ms=8), State.REVOKED),
    ],
)
def test_a_key_has_a_state(info: KeyInfo, state: State) -> None:
    assert info.state(9) is state


@pytest.mark.parametrize("stored", [None, STORED, ROTATED], ids=["none", "plain", "rotated"])
def test_every_key_costs_two_comparisons_in_constant_time(
    stored: StoredKey | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def counting(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return left == right

    monkeypatch.setattr("hmac.compare_digest", counting)
    for key in (KEY, keys.new_key(ID)):
        keys.opens(stored, key, 0)

    assert compared == [(32, 32)] * 4
