"""What can go wrong in the service: its branch of the tree in ``hashing.errors``.

RecircError
├── MediaError                                      (hashing.errors)
│   └── DecoderDied                                 a caged decoder gave no answer
│       ├── SandboxViolation   sandbox_violation    it tried what no decoder has to do
│       ├── DecoderCrashed     decoder_crashed      it broke down
│       ├── DecoderKilled      decoder_killed       something outside killed it
│       ├── OutOfMemory        limit_memory         it needs more memory than a clip may
│       ├── OutOfCpu           limit_cpu            it takes more processor time
│       ├── OutOfTime          limit_wall           it takes longer
│       ├── BadAnswer          bad_answer           what it says cannot be
│       └── CageFailed         cage_failed          the cage itself broke down
├── BadName                    bad_name             (hashing.reference) a name that is not taken
├── BadPolicy                  bad_policy           (hashing.verdict) false alarms out of bounds
└── ServiceError
    ├── BadSetting             bad_setting          an environment variable or option is wrong
    ├── NoCage                 no_cage              decoders cannot be locked up here
    ├── UnreadablePath         unreadable_path      a file or folder cannot be read
    ├── ListNotFound           list_not_found       no list has the name
    ├── ListExists             list_exists          a list has the name already
    ├── PolicyConflict         policy_conflict      block references for an allow list, or reverse
    ├── ReferenceNotFound      reference_not_found  the list has no reference with the id
    ├── ReferenceConflict      reference_conflict   same id, another fingerprint
    ├── JobNotFound            job_not_found        no job of this key has the id
    ├── NothingToCompare       nothing_to_compare   a fingerprint that could never match
    ├── AuditBroken            audit_broken         the audit record was tampered with
    ├── KeyNotFound            key_not_found        no API key has the id
    ├── KeyEnded               key_ended            the API key is revoked or has expired
    ├── WorkersFailed          workers_failed       no process of the service can begin
    ├── Draining               draining             the service is about to stop
    ├── Loading                loading              indexes are not in memory yet
    ├── StaleList              stale_list           a list is older than it may be
    └── StoreError             store_error          database unreadable, locked, full or newer
"""

from hashing.errors import MediaError, RecircError
from hashing.reference import BadName
from hashing.verdict import BadPolicy

__all__ = [
    "AuditBroken",
    "BadAnswer",
    "BadName",
    "BadPolicy",
    "BadSetting",
    "CageFailed",
    "DecoderCrashed",
    "DecoderDied",
    "DecoderKilled",
    "Draining",
    "JobNotFound",
    "KeyEnded",
    "KeyNotFound",
    "ListExists",
    "ListNotFound",
    "Loading",
    "NoCage",
    "NothingToCompare",
    "OutOfCpu",
    "OutOfMemory",
    "OutOfTime",
    "PolicyConflict",
    "ReferenceConflict",
    "ReferenceNotFound",
    "SandboxViolation",
    "ServiceError",
    "StaleList",
    "StoreError",
    "UnreadablePath",
    "WorkersFailed",
]


class ServiceError(RecircError):
    """Something is wrong around the core: a setting, a path, a list, the database."""


class BadSetting(ServiceError):
    """An environment variable or option has a value that cannot be used."""

    code = "bad_setting"


class NoCage(ServiceError):
    """Decoders cannot be locked up on this machine, and nobody has said to do without."""

    code = "no_cage"


class UnreadablePath(ServiceError):
    """A file or folder does not exist or may not be read."""

    code = "unreadable_path"


class ListNotFound(ServiceError):
    """No list has the name."""

    code = "list_not_found"


class ListExists(ServiceError):
    """A list has the name already."""

    code = "list_exists"


class PolicyConflict(ServiceError):
    """References of one policy were to go into a list of the other."""

    code = "policy_conflict"


class ReferenceNotFound(ServiceError):
    """The list has no reference with the id."""

    code = "reference_not_found"


class ReferenceConflict(ServiceError):
    """The list has a reference with the same id and another fingerprint."""

    code = "reference_conflict"


class JobNotFound(ServiceError):
    """No job of this key has the id, or it is so old that it was forgotten."""

    code = "job_not_found"


class NothingToCompare(ServiceError):
    """The fingerprint has no frame hashes that this version compares: it could never match."""

    code = "nothing_to_compare"


class AuditBroken(ServiceError):
    """The audit record is not what was written, or not of what there is."""

    code = "audit_broken"


class KeyNotFound(ServiceError):
    """No API key has the id."""

    code = "key_not_found"


class KeyEnded(ServiceError):
    """The API key is revoked or has expired, and stays so."""

    code = "key_ended"


class WorkersFailed(ServiceError):
    """No process of the service can begin; each has said why."""

    code = "workers_failed"


class Draining(ServiceError):
    """The service is about to stop: what it is at is finished, and others take the rest."""

    code = "draining"


class Loading(ServiceError):
    """Indexes are being brought into memory; a check would wait for them."""

    code = "loading"


class StaleList(ServiceError):
    """A list has had no new reference for longer than the operator allows."""

    code = "stale_list"


class StoreError(ServiceError):
    """The database is unreadable, locked, full, damaged, or made by a newer version."""

    code = "store_error"


class DecoderDied(MediaError):
    """A caged decoder gave no answer. What it said before stands; the clip was not checked."""


class SandboxViolation(DecoderDied):
    """The decoder tried what no decoder has to do, and was ended for it."""

    code = "sandbox_violation"


class DecoderCrashed(DecoderDied):
    """The decoder broke down on this clip."""

    code = "decoder_crashed"


class DecoderKilled(DecoderDied):
    """Something outside killed the decoder: a machine that is out of memory, or a person."""

    code = "decoder_killed"


class OutOfMemory(DecoderDied):
    """The clip needs more memory than one may have."""

    code = "limit_memory"


class OutOfCpu(DecoderDied):
    """The clip takes more processor time than one may have."""

    code = "limit_cpu"


class OutOfTime(DecoderDied):
    """The clip takes longer than one may."""

    code = "limit_wall"


class BadAnswer(DecoderDied):
    """What came back from the decoder cannot be: it was taken over, or is defective."""

    code = "bad_answer"


class CageFailed(DecoderDied):
    """The cage itself broke down; the clip had no part in it."""

    code = "cage_failed"
