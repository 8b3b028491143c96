"""The answers that OpenAPI shows as examples. Tests hold them to their schemas."""

from typing import Final

Example = dict[str, object]

MATCH: Final[Example] = {
    "verdict": "match",
    "list": "incident-x",
    "reference": "r1",
    "label": "main video",
    "incident": "2026-03 example",
    "score": 0.98,
    "chance": 1e-12,
    "view": "mirrored",
    "speed": 1.0,
    "frames_matched": 41,
    "frames": 45,
    "distinct_hits": 38,
    "mean_distance_bits": 12.4,
    "agreement": 0.91,
    "algorithm": "phash256",
    "clip_ranges_ms": [[0, 22000]],
    "reference_ranges_ms": [[400, 22400]],
    "clip_coverage": 0.98,
    "reference_coverage": 0.91,
    "common_ranges_ms": [],
}
CHECK_MATCH: Final[Example] = {
    "verdict": "match",
    "complete": True,
    "duration_ms": 22433,
    "checked_ms": 22433,
    "frames": 45,
    "kind": "video",
    "problems": [],
    "matches": [MATCH],
    "suppressed": [],
    "lists": [{"name": "incident-x", "version": 7}],
    "notes": [],
    "elapsed_ms": 412,
}
CHECK_NEAR_MATCH: Final[Example] = CHECK_MATCH | {
    "verdict": "near_match",
    "matches": [
        MATCH
        | {
            "verdict": "near_match",
            "score": 0.55,
            "chance": 2e-4,
            "frames_matched": 2,
            "distinct_hits": 2,
            "clip_ranges_ms": [[4000, 4500]],
            "reference_ranges_ms": [[9100, 9600]],
            "clip_coverage": 0.02,
            "reference_coverage": 0.02,
        }
    ],
}
CHECK_NO_MATCH: Final[Example] = CHECK_MATCH | {"verdict": "no_match", "matches": []}
# Not one with `"kind": null`: FastAPI leaves nulls out of its document.
CHECK_UNSCANNABLE: Final[Example] = CHECK_MATCH | {
    "verdict": "unscannable",
    "complete": False,
    "checked_ms": 9800,
    "frames": 20,
    "problems": ["truncated"],
    "matches": [],
    "elapsed_ms": 205,
}
CHECK_BRIEF: Final[Example] = CHECK_MATCH | {
    "matches": [
        {
            "verdict": "match",
            "list": "incident-x",
            "label": "main video",
            "incident": "2026-03 example",
            "clip_ranges_ms": [[0, 22000]],
        }
    ],
}
CHECKS: Final[Example] = {
    "match": CHECK_MATCH,
    "match_for_check": CHECK_BRIEF,
    "near_match": CHECK_NEAR_MATCH,
    "no_match": CHECK_NO_MATCH,
    "unscannable": CHECK_UNSCANNABLE,
}
FINGERPRINT: Final[Example] = {
    "recirc_fingerprint": 1,
    "kind": "video",
    "duration_ms": 500,
    "tracks": [
        {
            "algorithm": "phash256",
            "parameters": {"hash_size": 16, "plane_px": 64},
            "view": "as is",
            "stream": 0,
            "frames": [[0, 0, 90, "0f" * 32], [250, 0, 90, "3c" * 32]],
        }
    ],
    "coverage": {
        "container_ms": 500,
        "decoded_ms": 500,
        "sampled_frames": 2,
        "flat_frames": 0,
        "decode_errors": 0,
        "problems": [],
    },
}
LIST: Final[Example] = {
    "name": "incident-x",
    "policy": "block",
    "source": "our own review",
    "false_alarms_per_100k": 1.0,
    "patches": True,
    "created_at_ms": 1774000000000,
    "version": 7,
    "references": 3,
    "patched": 2,
}
LIST_IN: Final[Example] = {
    "name": "incident-x",
    "policy": "block",
    "source": "our own review",
    "false_alarms_per_100k": 1.0,
    "patches": True,
}
LIST_PATCH: Final[Example] = {"source": "shared by a partner", "false_alarms_per_100k": None}
REFERENCE: Final[Example] = {
    "id": "r1",
    "label": "main video",
    "incident": "2026-03 example",
    "added_at_ms": 1774000000000,
    "kind": "video",
    "duration_ms": 24600,
    "frames": 560,
    "algorithms": [{"name": "phash256", "parameters": {"hash_size": 16, "plane_px": 64}}],
    "enabled": True,
    "expires_at_ms": 1805000000000,
}
REFERENCE_ADDED: Final[Example] = {
    "new": True,
    "complete": True,
    "problems": [],
    "reference": REFERENCE,
}
REFERENCES: Final[Example] = {"references": [REFERENCE], "next_after_id": "r1"}
REFERENCE_PATCH: Final[Example] = {"label": "main video, first part", "enabled": True}
IMPORT: Final[Example] = {
    "added": 14,
    "unchanged": 2,
    "bad_lines": [{"line": 9, "code": "bad_json", "detail": "not JSON: Expecting value"}],
}
EXPORT: Final = (
    '{"format":"recirc-list","version":1,"list":"incident-x","policy":"block","source":null,'
    '"algorithms":[{"name":"phash256","parameters":{"hash_size":16,"plane_px":64}}],'
    '"references":1}\n'
    '{"id":"r1","label":"main video","incident":null,"fingerprint":"UkNGUAGXAAAAeyJraW5kIjoidmlkZW8'
    "iLCJkdXJhdGlvbl9tcyI6NTAwLCJ0cmFja3MiOlt7ImFsZ29yaXRobSI6InBoYXNoMjU2IiwicGFyYW1ldGVycyI6eyJoYX"
    "NoX3NpemUiOjE2LCJwbGFuZV9weCI6NjR9LCJ2aWV3IjoiYXMgaXMiLCJzdHJlYW0iOjAsImZyYW1lcyI6Mn1dfXgBY/jF"
    'gAKiGPgJAGMCAAAqzwmVK1tt6w=="}\n'
)
READY: Final[Example] = {"status": "ready", "sandbox": "full", "lists": 2, "references": 17}
ALIVE: Final[Example] = {"status": "alive"}
METRICS: Final = """# HELP recirc_checks_total Checks by verdict.
# TYPE recirc_checks_total counter
recirc_checks_total{verdict="match"} 12.0
recirc_checks_total{verdict="near_match"} 3.0
recirc_checks_total{verdict="no_match"} 40511.0
recirc_checks_total{verdict="unscannable"} 87.0
"""

URL_IN: Final[Example] = {"url": "https://media.example.org/uploads/4711.mp4"}
JOB: Final[Example] = {
    "id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "state": "queued",
    "created_at_ms": 1774000000000,
    "started_at_ms": None,
    "ended_at_ms": None,
    "expires_at_ms": None,
    "webhook": "none",
    "answer": None,
}
JOB_DONE: Final[Example] = JOB | {
    "state": "done",
    "started_at_ms": 1774000000100,
    "ended_at_ms": 1774000095000,
    "expires_at_ms": 1774086495000,
    "answer": CHECK_MATCH,
}
JOB_CANCELLED: Final[Example] = JOB_DONE | {"state": "cancelled", "answer": None}
