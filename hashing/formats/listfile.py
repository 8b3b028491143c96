"""recirc's native list format: JSON Lines, a header and then one reference a line.

    {"format":"recirc-list","version":1,"list":"incident-x","policy":"block","source":null,
     "algorithms":[{"name":"phash256","parameters":{"hash_size":16,"plane_px":64}}],"references":2}
    {"id":"r1","label":"...","incident":"...","fingerprint":"UkNGUAF9AAAA..."}

(The header is one line too.) A reference's fingerprint is its packed form in base64: a third of
the document form's size. Lines stay diff-able, because id, label and incident are text and lines
are in order of ids; a hash says nothing to a person in either form. A fingerprint
document (``hashing.formats.document``) in its place is read as well, for lists that are written by
hand or by other tools. ``patches``, the packed form of the reference's patch hashes in base64, is
there only in an export that asked for it. Unknown keys are ignored.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from hashing.errors import BadFingerprint, BadList
from hashing.fingerprint import Algorithm, Fingerprint
from hashing.formats import document, fields, packed, packed_patches
from hashing.patch_track import ORB, PATCH_ALGORITHMS, PatchTrack
from hashing.reference import BadName, Policy, Reference, require_list_name, require_text

FORMAT: Final = "recirc-list"
VERSION: Final = 1
MAX_LINE_BYTES: Final = 96 * 1024 * 1024  # six hours of a dense reference, with patch hashes
MAX_HEADER_BYTES: Final = 64 * 1024
MAX_BAD_LINES: Final = 1000  # more, and the file is not what it says
_MAX_ALGORITHMS: Final = 64


class LineProblem(StrEnum):
    """Why a line of a list file was left out; stable codes."""

    BAD_JSON = "bad_json"
    BAD_NAME = "bad_name"
    BAD_FINGERPRINT = "bad_fingerprint"
    INCOMPATIBLE_HASH = "incompatible_hash"  # made with other parameters
    NOTHING_TO_COMPARE = "nothing_to_compare"  # no frame hash that this version compares
    DUPLICATE_ID = "duplicate_id"  # the file has the id before
    REFERENCE_CONFLICT = "reference_conflict"  # the list has the id with another fingerprint
    LINE_TOO_LONG = "line_too_long"
    MISSING_REFERENCES = "missing_references"  # fewer lines than the header announces


@dataclass(frozen=True, slots=True)
class Header:
    """A list file's first line. ``references`` is how many follow."""

    list_name: str
    policy: Policy
    source: str | None
    algorithms: tuple[Algorithm, ...]
    references: int


@dataclass(frozen=True, slots=True)
class Line:
    """A reference with the number of its line; the header is line 1."""

    number: int
    reference: Reference


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was left out, and why."""

    number: int
    code: LineProblem
    text: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.code}: {self.text}"


class LineStream(Protocol):
    """A binary stream that is read by lines."""

    def readline(self, size: int, /) -> bytes:
        """At most ``size`` bytes up to and with the next line feed; none at the end."""
        ...


def bounded_lines(stream: LineStream) -> Iterator[bytes]:
    """The lines of a stream; of one above MAX_LINE_BYTES only a start that ``read`` reports."""
    while line := stream.readline(MAX_LINE_BYTES + 1):
        yield line
        rest = line
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = stream.readline(MAX_LINE_BYTES + 1)


def read(lines: Iterable[bytes]) -> tuple[Header, Iterator[Line | BadLine]]:
    """The header, and a lazy iterator over the references and the lines that are left out.

    Raises BadList for a bad header, and from the iterator after MAX_BAD_LINES bad lines.
    """
    remaining = iter(lines)
    first = next(remaining, b"")
    if len(first) > MAX_HEADER_BYTES:
        raise BadList("the first line is too long to be the header of a recirc-list file")
    try:
        header = _read_header(fields.parse(first.removeprefix(b"\xef\xbb\xbf")))
    except (fields.BadField, BadName) as problem:
        raise BadList(f"line 1 is not the header of a recirc-list file: {problem}") from problem
    return header, _limited(_read_lines(header, remaining))


def write(header: Header, references: Iterable[Reference]) -> Iterator[str]:
    """The lines of a list file, each with its line feed. Raises BadFingerprint."""
    yield _json_line(
        {
            "format": FORMAT,
            "version": VERSION,
            "list": header.list_name,
            "policy": header.policy.value,
            "source": header.source,
            "algorithms": [
                {"name": algorithm.name, "parameters": dict(algorithm.parameters)}
                for algorithm in header.algorithms
            ],
            "references": header.references,
        }
    )
    for reference in references:
        entry: dict[str, object] = {
            "id": reference.id,
            "label": reference.label,
            "incident": reference.incident,
            "fingerprint": base64.b64encode(packed.pack(reference.fingerprint)).decode(),
        }
        if reference.patches:
            packed_tracks = packed_patches.pack(reference.patches)
            entry["patches"] = base64.b64encode(packed_tracks).decode()
        yield _json_line(entry)


def _json_line(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _read_header(untrusted: object) -> Header:
    header = fields.record(untrusted, "the header")
    if header.get("format") != FORMAT:
        raise fields.BadField(f"format: {fields.shown(header.get('format'))} is not {FORMAT!r}")
    version = fields.whole(header.get("version"), "version", fields.MAX_COUNT)
    if version != VERSION:
        raise fields.BadField(f"version: {version}, this recirc reads version {VERSION}")
    policy = fields.text(header.get("policy"), "policy", fields.MAX_NAME)
    if policy not in tuple(Policy):
        raise fields.BadField(f"policy: {fields.shown(policy)} is none of {', '.join(Policy)}")
    listed = fields.items(header.get("algorithms"), "algorithms", _MAX_ALGORITHMS)
    algorithms = []
    for index, untrusted_algorithm in enumerate(listed):
        place = f"algorithms[{index}]"
        entry = fields.record(untrusted_algorithm, place)
        algorithms.append(fields.algorithm(entry.get("name"), entry.get("parameters"), place))
    return Header(
        list_name=require_list_name(_text(header, "list")),
        policy=Policy(policy),
        source=require_text(_optional_text(header, "source"), "source"),
        algorithms=tuple(algorithms),
        references=fields.whole(header.get("references"), "references", fields.MAX_COUNT),
    )


def _limited(found: Iterator[Line | BadLine]) -> Iterator[Line | BadLine]:
    bad = 0
    for item in found:
        bad += isinstance(item, BadLine)
        if bad > MAX_BAD_LINES:
            raise BadList(f"more than {MAX_BAD_LINES} bad lines, the last is {item}")
        yield item


def _read_lines(header: Header, lines: Iterator[bytes]) -> Iterator[Line | BadLine]:
    first_with: dict[str, int] = {}  # id: number of its line
    number = 1
    references = 0
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        references += 1
        item = _read_line(number, line)
        if isinstance(item, Line):
            before = first_with.setdefault(item.reference.id, number)
            if before != number:
                text = f"{item.reference.id} is on line {before} already; give it another id"
                item = BadLine(number, LineProblem.DUPLICATE_ID, text)
        yield item
    if references < header.references:
        text = f"the header announces {header.references} references, here are {references}"
        yield BadLine(number + 1, LineProblem.MISSING_REFERENCES, text + "; is the file cut off?")


def _read_line(number: int, line: bytes) -> Line | BadLine:
    if len(line) > MAX_LINE_BYTES:
        text = f"longer than {MAX_LINE_BYTES} bytes"
        return BadLine(number, LineProblem.LINE_TOO_LONG, text)
    try:
        entry = fields.record(fields.parse(line), "the line")
    except fields.BadField as problem:
        return BadLine(number, LineProblem.BAD_JSON, str(problem))
    try:
        reference = Reference(
            id=_text(entry, "id"),
            label=_optional_text(entry, "label"),
            incident=_optional_text(entry, "incident"),
            fingerprint=_fingerprint(entry.get("fingerprint")),
            patches=_patches(entry.get("patches")),
        )
    except (fields.BadField, BadName) as problem:
        return BadLine(number, LineProblem.BAD_NAME, str(problem))
    except BadFingerprint as problem:
        return BadLine(number, LineProblem.BAD_FINGERPRINT, str(problem))
    return Line(number, reference)


def _fingerprint(untrusted: object) -> Fingerprint:
    if not isinstance(untrusted, str):
        return document.from_document(untrusted)[0]
    return packed.unpack(_base64(untrusted, "the fingerprint is"))


def _patches(untrusted: object) -> tuple[PatchTrack, ...]:
    if untrusted is None:
        return ()
    if not isinstance(untrusted, str):
        raise BadFingerprint("patches: a text is needed")
    tracks = packed_patches.unpack(_base64(untrusted, "the patches are"))
    # Made in another way they can be compared with nothing: the list then counts none of it.
    if not any(track.algorithm == ORB for track in tracks):
        return ()
    return tuple(track for track in tracks if track.algorithm in PATCH_ALGORITHMS)


def _base64(untrusted: str, what: str) -> bytes:
    try:
        return base64.b64decode(untrusted, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise BadFingerprint(f"{what} not base64: {problem}") from problem


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise fields.BadField(f"{key}: a text is needed")
    return value


def _optional_text(entry: Mapping[str, object], key: str) -> str | None:
    return None if entry.get(key) is None else _text(entry, key)
