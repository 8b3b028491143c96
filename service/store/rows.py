"""Rows of the SQLite store's tables, and the values they stand for."""

import json
from typing import Final

from hashing.errors import BadFingerprint
from hashing.fingerprint import Algorithm, Kind
from hashing.formats import packed, packed_patches
from hashing.patch_track import PatchTrack
from hashing.reference import Policy, Reference
from service.errors import StoreError
from service.store.base import ListInfo, ReferenceSummary, Standing

INFO: Final = """
    SELECT name, policy, source, false_alarms_per_100k, created_at_ms, version,
        (SELECT count(*) FROM "references" WHERE list_id = lists.id),
        patches,
        (SELECT count(*) FROM patches WHERE list_id = lists.id)
    FROM lists
"""
SUMMARY: Final = """
    SELECT id, label, incident, added_at_ms, kind, duration_ms, frames, algorithms, digest, enabled,
        expires_at_ms
    FROM "references"
"""
REFERENCE: Final = 'SELECT id, label, incident, fingerprint FROM "references"'
# With the time that it is now.
HOLDS: Final = " AND enabled = 1 AND (expires_at_ms IS NULL OR expires_at_ms > ?)"
INSERT: Final = """
    INSERT INTO "references" (list_id, id, label, incident, added_at_ms, kind, duration_ms, frames,
        algorithms, digest, fingerprint, version)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT version + 1 FROM lists WHERE id = ?))
"""

PATCHED: Final = f"""
    SELECT id, digest FROM patches JOIN "references" USING (list_id, id)
    WHERE list_id = ? {HOLDS} ORDER BY id
"""  # noqa: S608  # of constants
PATCHES_OF: Final = "SELECT packed FROM patches"
INSERT_PATCHES: Final = "INSERT OR IGNORE INTO patches (list_id, id, packed) VALUES (?, ?, ?)"

InfoRow = tuple[str, str, str | None, float | None, int, int, int, int, int]
SummaryRow = tuple[str, str | None, str | None, int, str, int, int, str, str, int, int | None]
ReferenceRow = tuple[str, str | None, str | None, bytes]


def info(row: InfoRow) -> ListInfo:
    """The list of a row of INFO."""
    name, policy, source, accepted, created_at_ms, version, references, patches, patched = row
    return ListInfo(
        name=name,
        policy=Policy(policy),
        source=source,
        false_alarms_per_100k=accepted,
        created_at_ms=created_at_ms,
        version=version,
        references=references,
        patches=bool(patches),
        patched=patched,
    )


def summary(row: SummaryRow) -> ReferenceSummary:
    """The summary of a row of SUMMARY."""
    (reference_id, label, incident, added_at_ms, kind, duration_ms, frames, algorithms, digest) = (
        row[:9]
    )
    return ReferenceSummary(
        id=reference_id,
        label=label,
        incident=incident,
        added_at_ms=added_at_ms,
        kind=Kind(kind),
        duration_ms=duration_ms,
        frames=frames,
        algorithms=algorithms_of(algorithms),
        digest=digest,
        standing=Standing(bool(row[9]), row[10]),
    )


def reference(row: ReferenceRow) -> Reference:
    """The reference of a row of REFERENCE. Raises StoreError where its blob is damaged."""
    reference_id, label, incident, blob = row
    try:
        return Reference(reference_id, label, incident, packed.unpack(blob))
    except BadFingerprint as problem:
        # Passing over it would be a silent miss.
        raise StoreError(
            f"reference {reference_id} is damaged ({problem}); remove it and add it again"
        ) from problem


def patches(reference_id: str, blob: bytes) -> tuple[PatchTrack, ...]:
    """A reference's patch hashes. Raises StoreError where their blob is damaged."""
    try:
        return packed_patches.unpack(blob)
    except BadFingerprint as problem:
        raise StoreError(
            f"reference {reference_id} is damaged ({problem}); remove it and add it again"
        ) from problem


def insert(
    list_id: int, added: Reference, added_at_ms: int
) -> tuple[int, str, str | None, str | None, int, str, int, int, str, str, bytes, int]:
    """The values that INSERT takes. Raises BadFingerprint."""
    fingerprint = added.fingerprint
    return (
        list_id,
        added.id,
        added.label,
        added.incident,
        added_at_ms,
        fingerprint.kind.value,
        fingerprint.duration_ms,
        fingerprint.frames,
        _algorithms_text(tuple(track.algorithm for track in fingerprint.tracks)),
        fingerprint.digest,
        packed.pack(fingerprint),
        list_id,
    )


def algorithms_of(text: str) -> tuple[Algorithm, ...]:
    """The algorithms of the column of that name: JSON, [[name, [[parameter, value], ...]], ...]."""
    return tuple(
        Algorithm(name, tuple((key, value) for key, value in parameters))
        for name, parameters in json.loads(text)
    )


def _algorithms_text(algorithms: tuple[Algorithm, ...]) -> str:
    distinct = sorted({(algorithm.name, algorithm.parameters) for algorithm in algorithms})
    return json.dumps(distinct, separators=(",", ":"))
