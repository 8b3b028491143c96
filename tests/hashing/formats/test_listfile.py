"""The native list format: streamed, bounded, and one bad line costs one line."""

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing.errors import BadList
from hashing.fingerprint import PDQ, PHASH, Algorithm
from hashing.formats import listfile
from hashing.formats.document import to_document
from hashing.formats.listfile import BadLine, Header, Line
from hashing.patch_track import TILES, PatchTrack
from hashing.reference import Policy, Reference
from tests.fingerprints import FINGERPRINTS, video
from tests.patches import random_track

HEADER = Header("incident-x", Policy.BLOCK, None, (PHASH,), 2)
REFERENCES = (
    Reference("r1", "Löschung, zuerst", "Christchurch", video(1)),
    Reference("r2", None, None, video(2)),
)


def written(references: Iterable[Reference] = REFERENCES, header: Header = HEADER) -> list[bytes]:
    return [line.encode() for line in listfile.write(header, references)]


def problems(lines: Iterable[bytes]) -> list[tuple[int, str]]:
    _, items = listfile.read(lines)
    return [(item.number, item.code.value) for item in items if isinstance(item, BadLine)]


def good(lines: Iterable[bytes]) -> list[Reference]:
    _, items = listfile.read(lines)
    return [item.reference for item in items if isinstance(item, Line)]


def with_patches(value: object) -> bytes:
    """A good line with something in the place of patch hashes."""
    return json.dumps(json.loads(written()[1]) | {"id": "p", "patches": value}).encode() + b"\n"


TEXTS = st.none() | st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=20
).filter(lambda text: bool(text.strip()))


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", fullmatch=True),
        st.tuples(TEXTS, TEXTS, FINGERPRINTS),
        max_size=3,
    ),
    st.sampled_from(Policy),
    TEXTS,
)
def test_what_was_written_is_read_back(
    entries: dict[str, tuple[str | None, str | None, object]], policy: Policy, source: str | None
) -> None:
    references = [Reference(key, *entry) for key, entry in entries.items()]  # type: ignore[arg-type]
    header = Header("a", policy, source, (PDQ, PHASH), len(references))

    read_header, items = listfile.read(written(references, header))

    assert read_header == header
    assert list(items) == [Line(n, reference) for n, reference in enumerate(references, 2)]


def test_a_line_is_one_line_of_utf_8_json_with_readable_names() -> None:
    first, second, *_ = listfile.write(HEADER, REFERENCES)

    assert json.loads(first) == {
        "format": "recirc-list",
        "version": 1,
        "list": "incident-x",
        "policy": "block",
        "source": None,
        "algorithms": [{"name": "phash256", "parameters": {"hash_size": 16, "plane_px": 64}}],
        "references": 2,
    }
    assert second.startswith('{"id":"r1","label":"Löschung, zuerst","incident":"Christchurch","')
    assert second.endswith("\n")
    assert second.count("\n") == 1


def test_patch_hashes_come_with_a_reference_that_has_them() -> None:
    patched = replace(REFERENCES[0], patches=(random_track(1),))

    lines = written([patched, REFERENCES[1]])

    assert good(lines) == [patched, REFERENCES[1]]
    assert ["patches" in json.loads(line) for line in lines] == [False, True, False]


TILED = random_track(2, algorithm=TILES)
FOREIGN = random_track(3, algorithm=Algorithm("other", ()))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param([random_track(1)], [random_track(1)], id="patches"),
        pytest.param([random_track(1), TILED], [random_track(1), TILED], id="patches and tiles"),
        pytest.param([TILED], [], id="tiles that nothing leads to"),
        pytest.param([FOREIGN, TILED], [], id="tiles beside patches of another making"),
        pytest.param(
            [TILED, FOREIGN, random_track(1)],
            [TILED, random_track(1)],
            id="what is of another making is left out",
        ),
        pytest.param([replace(TILED, algorithm=Algorithm(TILES.name, ()))], [], id="another grid"),
    ],
)
def test_tiles_come_along_with_patches(given: list[PatchTrack], kept: list[PatchTrack]) -> None:
    (read,) = good(written([replace(REFERENCES[0], patches=tuple(given))])[:2])

    assert read == replace(REFERENCES[0], patches=tuple(kept))


def test_patch_hashes_of_another_making_are_none() -> None:
    foreign = replace(random_track(1), algorithm=Algorithm("other", ()))

    (read,) = good(written([replace(REFERENCES[0], patches=(foreign,))])[:2])

    assert read == REFERENCES[0]


def test_writing_is_deterministic() -> None:
    assert written() == written()


def test_reading_is_lazy() -> None:
    """Nothing after the header is read before it is asked for."""

    def lines() -> Iterator[bytes]:
        yield from written()[:2]
        pytest.fail("read ahead")

    _, items = listfile.read(lines())

    assert next(items) == Line(2, REFERENCES[0])


def test_a_fingerprint_document_is_read_too() -> None:
    line = {"id": "r1", "fingerprint": to_document(video(1), None), "added_by": "hand"}

    assert good([written()[0], json.dumps(line).encode()]) == [
        Reference("r1", None, None, video(1))
    ]


def test_blank_lines_and_a_missing_last_line_feed_are_no_problem() -> None:
    header, first, second = written()

    lines = [header.rstrip(), b"\n", first, b" \r\n", b"", second.rstrip()]
    assert good(lines) == list(REFERENCES)
    assert problems(lines) == []


def test_a_byte_order_mark_is_no_problem() -> None:
    header, *rest = written()

    assert good([b"\xef\xbb\xbf" + header, *rest]) == list(REFERENCES)


@pytest.mark.parametrize(
    ("bad", "code", "why"),
    [
        pytest.param(b"{\n", "bad_json", "not JSON", id="half an object"),
        pytest.param(b"[" * 100_000, "bad_json", "deeply", id="nested"),
        pytest.param(b"\xff\xfe\n", "bad_json", "not JSON", id="not UTF-8"),
        pytest.param(b"[]\n", "bad_json", "an object is needed", id="an array"),
        pytest.param(b"{}\n", "bad_name", "id: a text", id="no id"),
        pytest.param(b'{"id": 5}\n', "bad_name", "id: a text", id="id a number"),
        pytest.param(b'{"id": "../r"}\n', "bad_fingerprint", "document", id="no fingerprint"),
        pytest.param(b'{"id": "r", "label": 1}\n', "bad_name", "label: a text", id="label"),
        pytest.param(
            b'{"id": "r", "fingerprint": "%%%%"}\n', "bad_fingerprint", "base64", id="not base64"
        ),
        pytest.param(
            '{"id": "r", "fingerprint": "ä"}\n'.encode(), "bad_fingerprint", "64", id="not ASCII"
        ),
        pytest.param(
            b'{"id": "r", "fingerprint": "AAAA"}\n', "bad_fingerprint", "RCFP", id="not packed"
        ),
        pytest.param(
            b'{"id": "r", "fingerprint": {}}\n', "bad_fingerprint", "recirc_fi", id="no document"
        ),
        pytest.param(with_patches(5), "bad_fingerprint", "patches: a text", id="patches a number"),
        pytest.param(with_patches("%"), "bad_fingerprint", "patches are not base64", id="patches"),
        pytest.param(with_patches("AAAA"), "bad_fingerprint", "RCPT", id="patches not packed"),
        pytest.param(written()[1].replace(b"r1", b".."), "bad_name", "no reference id", id="id"),
        pytest.param(
            written()[1].replace("ö".encode(), b"\\ud800"), "bad_name", "control", id="surrogate"
        ),
        pytest.param(written()[2], "duplicate_id", "r2 is on line 3", id="an id twice"),
    ],
)
def test_a_bad_line_is_reported_and_the_rest_goes_in(bad: bytes, code: str, why: str) -> None:
    header, first, second = written()

    _, items = listfile.read([header, first, second, bad, first.replace(b"r1", b"r3")])
    found = list(items)

    assert [type(item) for item in found] == [Line, Line, BadLine, Line]
    assert isinstance(found[2], BadLine)
    assert (found[2].number, found[2].code.value) == (4, code)
    assert why in found[2].text
    assert len(found[2].text) < 300
    assert str(found[2]) == f"line 4: {code}: {found[2].text}"


def test_a_file_that_was_cut_off_is_noticed() -> None:
    assert problems(written()[:-1]) == [(3, "missing_references")]
    assert problems(written()[:1]) == [(2, "missing_references")]


HEAD = json.loads(written()[0])


@pytest.mark.parametrize(
    ("header", "why"),
    [
        pytest.param(b"", "not JSON", id="empty file"),
        pytest.param(b"PK\x03\x04", "not JSON", id="another format"),
        pytest.param(b"[]", "the header: an object", id="an array"),
        pytest.param(b" " * 70_000, "too long", id="a long line"),
        pytest.param(HEAD | {"format": "other"}, "format: 'other'", id="format"),
        pytest.param(HEAD | {"version": 2}, "version: 2, this recirc reads version 1", id="newer"),
        pytest.param(HEAD | {"version": "1"}, "version: a whole number", id="version a text"),
        pytest.param(HEAD | {"list": "Übel"}, "no list name", id="list name"),
        pytest.param(HEAD | {"list": None}, "list: a text", id="no list name"),
        pytest.param(HEAD | {"policy": "maybe"}, "policy: 'maybe'", id="policy"),
        pytest.param(HEAD | {"source": "a\nb"}, "source has control", id="source"),
        pytest.param(HEAD | {"algorithms": None}, "algorithms: an array", id="algorithms"),
        pytest.param(HEAD | {"algorithms": [{}]}, "algorithms[0]", id="algorithm"),
        pytest.param(HEAD | {"references": -1}, "references: -1", id="references"),
    ],
)
def test_a_bad_header_is_refused(header: object, why: str) -> None:
    line = header if isinstance(header, bytes) else json.dumps(header).encode()

    with pytest.raises(BadList) as raised:
        listfile.read([line])

    assert why in str(raised.value)
    assert raised.value.code == "bad_list"


def test_no_lines_at_all_are_no_list() -> None:
    with pytest.raises(BadList):
        listfile.read([])


def test_a_file_of_garbage_is_given_up() -> None:
    with pytest.raises(BadList, match="more than 1000 bad lines, the last is line 1002"):
        problems([written()[0], *[b"x\n"] * 5000])


def test_lines_are_bounded_and_the_next_one_is_read() -> None:
    header, first, second = written()
    long = b"x" * (2 * listfile.MAX_LINE_BYTES + 5) + b"\n"

    lines = list(listfile.bounded_lines(io.BytesIO(b"".join([header, first, long, second]))))

    assert max(map(len, lines)) == listfile.MAX_LINE_BYTES + 1
    assert problems(lines) == [(3, "line_too_long")]
    assert good(lines) == list(REFERENCES)


@pytest.mark.parametrize("more", [-1, 0, 1], ids=["just fits", "with line feed", "too long"])
def test_the_line_after_one_at_the_limit_is_not_lost(more: int) -> None:
    long = b" " * (listfile.MAX_LINE_BYTES - 1 + more) + b"\n"

    lines = list(listfile.bounded_lines(io.BytesIO(long + b"next\n")))

    assert lines[-1] == b"next\n"
    assert len(lines) == 2


@given(st.lists(st.binary(max_size=12), max_size=8))
def test_short_lines_come_as_they_are(parts: list[bytes]) -> None:
    data = b"\n".join(parts)

    assert list(listfile.bounded_lines(io.BytesIO(data))) == io.BytesIO(data).readlines()
