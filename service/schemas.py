"""The shapes of requests and answers over HTTP, as OpenAPI shows them.

``CheckAnswer`` and its parts mirror ``service.answers``, which the command line prints as well; a
test holds them together. Times are integer milliseconds.
"""

from typing import Annotated, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from hashing.reference import MAX_TEXT
from service.numbers import whole

Shown = TypeVar("Shown", bound=BaseModel)  # how much of a match a caller may see
# In the order of the types that they stand for; a test compares.
VerdictName = Literal["match", "near_match", "no_match", "unscannable"]
KindName = Literal["video", "image"]
PolicyName = Literal["block", "allow"]
JobStateName = Literal["queued", "running", "done", "cancelled", "expired"]
DeliveryName = Literal["none", "waiting", "sent", "failed"]
SandboxName = Literal["full", "no-landlock", "limits-only"]
Range = tuple[int, int]
Ranges = Annotated[list[Range], Field(description="[start, end] in ms; empty for a still picture.")]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Milliseconds = Annotated[int, Field(ge=0)]
Time = Annotated[int, Field(ge=0, le=2**31 - 1, description="Milliseconds.")]
# ms since 1970, for nine thousand years; strict: else true and "1" would pass
Moment = Annotated[int, Field(strict=True, ge=0, le=2**48), BeforeValidator(whole)]
Whole = Annotated[int, Field(ge=0, le=2**53 - 1)]
Quality = Annotated[int, Field(ge=0, le=100)]
Hash = Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$", description="64 hex digits.")]
FalseAlarms = Annotated[
    # strict: else true and "1" would pass
    Annotated[float, Field(strict=True, json_schema_extra={"minimum": 0.001, "maximum": 100})]
    | None,
    Field(
        description="How many false alarms in 100,000 clips the list accepts: 0.001 to 100, an "
        "allow list 0.1 at most; null is the default, 0.1."
    ),
]
Patches = Annotated[
    bool,
    Field(
        strict=True,
        description="Whether the list keeps patch hashes, which find crops, windows and filmed "
        "screens. Set to false, those that it has are deleted.",
    ),
]
Notes = Annotated[
    list[str],
    Field(
        description="Stable codes of what a check of these references cannot see, however "
        "complete: `references_without_patches`, `clip_without_patches`."
    ),
]
Codes = Annotated[
    list[str],
    Field(
        description="Stable codes of what kept the check from being complete; "
        "and `sandbox_limits_only`, which does not."
    ),
]


# Bounds that are told in the OpenAPI document, and kept further inside, with a code of their own.
LIST_NAME: Final[dict[str, JsonValue]] = {
    "pattern": "^[a-z0-9][a-z0-9-]{0,63}$",
    "examples": ["incident-x"],
}
REFERENCE_ID: Final[dict[str, JsonValue]] = {
    "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$",
    "examples": ["r1"],
}
# One line, without control characters.
LINE: Final[dict[str, JsonValue]] = {
    "minLength": 1,
    "maxLength": MAX_TEXT,
    "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$",
}
Line = Annotated[str, Field(json_schema_extra=LINE)]
Id = Annotated[str, Field(json_schema_extra=REFERENCE_ID)]
FINGERPRINT: Final = {"$ref": "#/components/schemas/Fingerprint"}


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WrongField(_Shape):
    """One thing that is wrong with a request, and where."""

    location: str
    detail: str


class Problem(_Shape):
    """An error (RFC 9457). Switch on ``code``: it is stable; the texts are for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str = Field(description="Also in the answer's X-Request-Id and in the log.")
    errors: list[WrongField] = Field(default=[], description="Only with invalid_request.")


class MatchAnswer(_Shape):
    """One reference that was found in the clip, with the evidence."""

    verdict: VerdictName
    list: str
    reference: str
    label: str | None
    incident: str | None
    score: Annotated[
        Share,
        Field(
            description="0 to 1, monotone in the evidence of time; may be low beside a match of an "
            "image or of a clip in which nothing moves. Go by `verdict`."
        ),
    ]
    chance: Annotated[
        float,
        Field(
            ge=0, description="Expected false alarms this strong from unrelated clips, per check."
        ),
    ]
    view: Annotated[str, Field(description="How the clip was looked at, such as `mirrored`.")]
    speed: Annotated[
        float, Field(description="Of the clip against the reference; below 0 it plays backwards.")
    ]
    frames_matched: Count
    frames: Annotated[Count, Field(description="Sampled frames in the ranges.")]
    distinct_hits: Count
    mean_distance_bits: Annotated[float, Field(ge=0, le=256)]
    agreement: float
    algorithm: str
    clip_ranges_ms: Ranges
    reference_ranges_ms: Ranges
    clip_coverage: Share
    reference_coverage: Share
    common_ranges_ms: Annotated[
        Ranges,
        Field(description="Parts of the clip that are also in references of other footage."),
    ]


class BriefMatch(_Shape):
    """What a key with the scope `check` is told of a reference that was found."""

    verdict: VerdictName
    list: str
    label: str | None
    incident: str | None
    clip_ranges_ms: Ranges


class ListVersion(_Shape):
    """A list that the clip was checked against, and its version then."""

    name: str
    version: Count


class _Answer(_Shape, Generic[Shown]):
    verdict: VerdictName
    complete: Annotated[bool, Field(description="Whether all of the clip was checked.")]
    duration_ms: Milliseconds
    checked_ms: Milliseconds
    frames: Count
    kind: Annotated[KindName | None, Field(description="null when the bytes are no media.")]
    problems: Codes
    matches: Annotated[list[Shown], Field(description="Best first, one a reference.")]
    suppressed: Annotated[list[Shown], Field(description="Matches that an allow list explains.")]
    lists: list[ListVersion]
    notes: Notes
    elapsed_ms: Milliseconds


class CheckAnswer(_Answer[MatchAnswer]):
    """The answer to a check. ``unscannable`` means not checked: it never means clean."""


class BriefAnswer(_Answer[BriefMatch]):
    """The answer to a check for a key with the scope `check`: without what needs `analyst`."""


class FingerprintCoverage(BaseModel):
    """How much of the clip was hashed."""

    container_ms: Whole
    decoded_ms: Whole
    sampled_frames: Whole
    flat_frames: Whole
    decode_errors: Whole
    problems: list[str]


class FingerprintTrack(BaseModel):
    """Hashes of one track in one view. A frame is [time_ms, span_ms, quality, hash]."""

    algorithm: Annotated[str, Field(min_length=1, max_length=64)]
    parameters: dict[str, int]
    view: str
    stream: Annotated[int, Field(ge=0, le=32768)]
    frames: list[tuple[Time, Time, Quality, Hash]]


class Fingerprint(BaseModel):
    """A fingerprint, as `recirc hash --json` prints it. Other keys are ignored.

    Without `coverage` its sender vouches that it is of the whole clip. Bodies are read by
    ``hashing.formats.document``; this shape is for the OpenAPI document.
    """

    recirc_fingerprint: Literal[1]
    kind: KindName
    duration_ms: Time
    tracks: Annotated[list[FingerprintTrack], Field(max_length=64)]
    coverage: FingerprintCoverage | None = None


class ListOut(_Shape):
    """A list without its references. Every change adds one to ``version``."""

    name: str
    policy: PolicyName
    source: str | None
    false_alarms_per_100k: FalseAlarms
    patches: Patches
    created_at_ms: Milliseconds
    version: Count
    references: Count
    patched: Annotated[Count, Field(description="How many references have patch hashes.")]


class ListsOut(_Shape):
    """All lists in order of names."""

    lists: list[ListOut]


class ListIn(_Shape):
    """A list to be made."""

    name: Annotated[
        str,
        Field(
            description="1 to 64 of a-z, 0-9 and -, the first of them no -.",
            json_schema_extra=LIST_NAME,
        ),
    ]
    policy: PolicyName = "block"
    source: Line | None = None
    false_alarms_per_100k: FalseAlarms = None
    patches: Patches = True


class ListPatch(_Shape):
    """What of a list is to change; what is left out stays.

    null takes the source away, and makes what the list accepts the default.
    """

    policy: PolicyName | None = None
    source: Line | None = None
    false_alarms_per_100k: FalseAlarms = None
    patches: Patches | None = None


class AlgorithmOut(_Shape):
    """How hashes were made."""

    name: str
    parameters: dict[str, int]


class ReferenceOut(_Shape):
    """A reference without its hashes, which only an export holds."""

    id: str
    label: str | None
    incident: str | None
    added_at_ms: Milliseconds
    kind: KindName
    duration_ms: Milliseconds
    frames: Count
    algorithms: list[AlgorithmOut]
    enabled: Annotated[bool, Field(description="Whether checks look at it at all.")]
    expires_at_ms: Annotated[
        int | None, Field(description="From then on checks do not look at it; null is never.")
    ]


class ReferencesOut(_Shape):
    """A page of references in order of ids; ask on with ``after_id`` until it is null."""

    references: list[ReferenceOut]
    next_after_id: str | None


class ReferenceAdded(_Shape):
    """An added reference. ``new`` is false where the list has this fingerprint already."""

    new: bool
    complete: Annotated[bool, Field(description="Whether all of the media was hashed.")]
    problems: Codes
    reference: ReferenceOut


class ReferencePatch(_Shape):
    """What of a reference is to change; what is left out stays, null takes it away."""

    label: Line | None = None
    incident: Line | None = None
    enabled: Annotated[
        bool, Field(strict=True, description="Whether checks look at it; false keeps it for later.")
    ] = True
    expires_at_ms: Annotated[
        Moment | None, Field(description="When it expires, in ms since 1970; null is never.")
    ] = None


class BadLineOut(_Shape):
    """A line of a list file that was left out, and why."""

    line: Annotated[int, Field(ge=1, description="The header is line 1.")]
    code: str
    detail: str


class ImportOut(_Shape):
    """What became of an import."""

    added: Count
    unchanged: Count
    bad_lines: list[BadLineOut]


class Alive(_Shape):
    """The process answers."""

    status: Literal["alive"]


class Ready(_Shape):
    """The store can be read, and clips can be decoded."""

    status: Literal["ready"]


class ReadyInFull(Ready):
    """What a caller with the scope ``analyst`` is told as well."""

    sandbox: Annotated[
        SandboxName,
        Field(description="How decoders are locked up: by seccomp and Landlock, seccomp, or not."),
    ]
    lists: Count
    references: Count


class UrlIn(_Shape):
    """Where a clip is."""

    url: Annotated[str, Field(description="https://host/path of a host that the service may ask.")]


class JobOut(_Shape):
    """A check that is answered later. Unless it is `done`, nothing was checked.

    ``answer``: what a check would have been answered, once it is done and until it expires. A job
    that was lost, as when the service stopped, is done, and its answer `unscannable` with
    `interrupted`.
    """

    id: str
    state: JobStateName
    created_at_ms: Milliseconds
    started_at_ms: Milliseconds | None = None
    ended_at_ms: Milliseconds | None = None
    expires_at_ms: Annotated[
        Milliseconds | None, Field(description="Until when its answer is kept.")
    ] = None
    webhook: Annotated[
        DeliveryName, Field(description="What became of telling its webhook, if it has one.")
    ]
    answer: CheckAnswer | BriefAnswer | None = None
