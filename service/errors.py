"""What can go wrong in the service: its branch of the tree in ``hashing.errors``.

RecircError
├── BadName                    bad_name             (hashing.reference) a name that is not taken
├── BadPolicy                  bad_policy           (hashing.verdict) false alarms out of bounds
└── ServiceError
    ├── BadSetting             bad_setting          an environment variable or option is wrong
    ├── UnreadablePath         unreadable_path      a file or folder cannot be read
    ├── ListNotFound           list_not_found       no list has the name
    ├── ListExists             list_exists          a list has the name already
    ├── PolicyConflict         policy_conflict      block references for an allow list, or reverse
    ├── ReferenceNotFound      reference_not_found  the list has no reference with the id
    ├── ReferenceConflict      reference_conflict   same id, another fingerprint
    ├── NothingToCompare       nothing_to_compare   a fingerprint that could never match
    └── StoreError             store_error          database unreadable, locked, full or newer
"""

from hashing.errors import RecircError
from hashing.reference import BadName
from hashing.verdict import BadPolicy

__all__ = [
    "BadName",
    "BadPolicy",
    "BadSetting",
    "ListExists",
    "ListNotFound",
    "NothingToCompare",
    "PolicyConflict",
    "ReferenceConflict",
    "ReferenceNotFound",
    "ServiceError",
    "StoreError",
    "UnreadablePath",
]


class ServiceError(RecircError):
    """Something is wrong around the core: a setting, a path, a list, the database."""


class BadSetting(ServiceError):
    """An environment variable or option has a value that cannot be used."""

    code = "bad_setting"


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


class NothingToCompare(ServiceError):
    """The fingerprint has no frame hashes that this version compares: it could never match."""

    code = "nothing_to_compare"


class StoreError(ServiceError):
    """The database is unreadable, locked, full, damaged, or made by a newer version."""

    code = "store_error"
