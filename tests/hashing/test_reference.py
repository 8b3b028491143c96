"""Names that lists and references may have."""

import pytest

from hashing.reference import (
    BadName,
    Reference,
    require_list_name,
    require_reference_id,
    require_text,
)
from tests.fingerprints import video


@pytest.mark.parametrize("name", ["a", "0", "incident-x", "a--", "a" * 64])
def test_good_list_names(name: str) -> None:
    assert require_list_name(name) == name


@pytest.mark.parametrize("name", ["", "-", "A", "a_b", "a.b", "a b", "a\n", "ä", "٣", "a" * 65])
def test_bad_list_names(name: str) -> None:
    with pytest.raises(BadName, match="is no list name; take 1 to 64"):
        require_list_name(name)


@pytest.mark.parametrize("name", ["a", "Z", "0", "_", "9f86d081884c7d65", "a..b", "a-", "a" * 64])
def test_good_reference_ids(name: str) -> None:
    assert require_reference_id(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", "-a", "a/b", "a\\b", "a\n", "ä", "a b", "a" * 65])
def test_bad_reference_ids(name: str) -> None:
    with pytest.raises(BadName, match="is no reference id; take 1 to 64"):
        require_reference_id(name)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="absent"),
        pytest.param("Löschung, zuerst", id="accents"),
        pytest.param("می‌خواهم", id="zero-width non-joiner"),
        pytest.param("😀", id="beyond the basic plane"),
        pytest.param("a" * 200, id="longest"),
    ],
)
def test_good_texts(text: str | None) -> None:
    assert require_text(text, "label") == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "the label is empty; leave it out", id="empty"),
        pytest.param(" \u3000", "is empty", id="blank"),
        pytest.param("a" * 201, "has 201 characters; 200 are allowed", id="too long"),
        pytest.param("a\nb", "control characters", id="line feed"),
        pytest.param("\x1b[2J", "control characters", id="terminal escape"),
        pytest.param("a\0", "control characters", id="null"),
        pytest.param("a\u2028b", "control characters", id="line separator"),
        pytest.param("\ud800", "control characters", id="half a surrogate pair"),
    ],
)
def test_bad_texts(text: str, why: str) -> None:
    with pytest.raises(BadName, match=why):
        require_text(text, "label")


@pytest.mark.parametrize(
    ("reference_id", "label", "incident", "why"),
    [
        pytest.param("r", "", None, "the label is empty", id="label"),
        pytest.param("r", None, "", "the incident is empty", id="incident"),
        pytest.param("..", None, None, "no reference id", id="id"),
    ],
)
def test_a_reference_checks_its_fields(
    reference_id: str, label: str | None, incident: str | None, why: str
) -> None:
    with pytest.raises(BadName, match=why):
        Reference(reference_id, label, incident, video(1))
