"""Store: the seam between recirc and whatever keeps its lists.

Nothing outside this folder knows which store it talks to. ``tests/contracts/test_store.py`` holds
what every store promises. Times are integer milliseconds since 1970, from the clock that the
store was given. ``None`` means absent.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol, Self, TypeVar

from hashing.fingerprint import Algorithm, Kind
from hashing.patch_track import PatchTrack
from hashing.reference import Policy, Reference
from service.store.audit import Audit
from service.store.boots import Boots
from service.store.idempotency import Idempotency
from service.store.jobs import Jobs
from service.store.keys import Keys

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ListInfo:
    """A list without its references.

    ``false_alarms_per_100k``: how many false alarms in 100,000 clips it accepts; None where that
    is the default. ``patches``: whether it keeps patch hashes, and ``patched``: how many of its
    references have them. Both settings are for those who check with this store, and go into no list
    file.

    Every change to a list or its references adds one to ``version``; nothing else does. A list
    that is deleted and made anew goes on counting, so (name, version) never means two contents.
    """

    name: str
    policy: Policy
    source: str | None
    false_alarms_per_100k: float | None
    created_at_ms: int
    version: int
    references: int
    patches: bool = True
    patched: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether checks look at a reference, and until when: ms since 1970, None is for ever."""

    enabled: bool = True
    expires_at_ms: int | None = None

    def holds(self, now_ms: int) -> bool:
        """Whether checks look at it now."""
        return self.enabled and (self.expires_at_ms is None or now_ms < self.expires_at_ms)


@dataclass(frozen=True, slots=True)
class Expiry:
    """A change of when a reference expires: ms since 1970, None is never."""

    at_ms: int | None


class Keep(Enum):
    """Given in place of a value for which None means something: what there is stays."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


def kept(now: Value, given: Value | Keep) -> Value:
    """What is given; what there is ``now`` where that is to stay."""
    return now if isinstance(given, Keep) else given


@dataclass(frozen=True, slots=True)
class ReferenceSummary:
    """A reference without its hashes. ``frames`` counts the hashes of all tracks."""

    id: str
    label: str | None
    incident: str | None
    added_at_ms: int
    kind: Kind
    duration_ms: int
    frames: int
    algorithms: tuple[Algorithm, ...]
    digest: str
    standing: Standing = Standing()


@dataclass(frozen=True, slots=True)
class AddResult:
    """What became of added references, as ids in the order given.

    ``added``: new on the list. ``unchanged``: its fingerprint was there, under this id, which
    may not be the one given. ``conflicts``: the id was there with another fingerprint, which
    stays.
    """

    added: tuple[str, ...]
    unchanged: tuple[str, ...]
    conflicts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveResult:
    """Ids that were removed, and ids that were not there."""

    removed: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StandingResult:
    """Ids whose standing is another now, those that had it already, and those not there."""

    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What holds of a list at one moment.

    ``references`` can be read once, in order of ids; there are ``count`` of them, which is fewer
    than in ``info`` where some are disabled or have expired.
    """

    info: ListInfo
    count: int
    algorithms: tuple[Algorithm, ...]
    references: Iterator[Reference]


@dataclass(frozen=True, slots=True)
class Mark:
    """One state of a list. ``token`` is random: no other content ever has the same mark.

    A version alone does not tell: a database that was restored from a copy counts on from there.
    ``read_at_ms``: what time it was for whoever read that state. Where a clock is put back,
    references that had expired for that reader hold again.
    """

    version: int
    token: str
    read_at_ms: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a list's references went through since a mark, in one moment with ``info``.

    ``added``: those that are new or have another label, incident or fingerprint, as they are now,
    and those that had expired by a clock that has been put back; can be read once. ``removed``: ids
    that may have been there and are no more, or are disabled or expired. ``next_expiry_ms``: when
    the next one expires, which changes no version.
    """

    info: ListInfo
    mark: Mark
    added: Iterator[Reference]
    removed: tuple[str, ...]
    next_expiry_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Patched:
    """A reference that has patch hashes. ``digest`` is its fingerprint's, of which a list has one.

    ``tracks``: its patch hashes; None where they were not asked for.
    """

    id: str
    digest: str
    tracks: tuple[PatchTrack, ...] | None


class Store(Protocol):
    """Lists and their references, API keys, and the record of their changes.

    Usable from several threads.

    Any method raises StoreError when the store itself fails; all but ``create_list``, ``lists``
    and ``versions`` raise ListNotFound for an unknown list. Each change is one transaction.
    """

    @property
    def keys(self) -> Keys:
        """The API keys."""
        ...

    @property
    def audit(self) -> Audit:
        """The record of all changes to lists and keys."""
        ...

    def by(self, who: str) -> Self:
        """This store, for changes that the audit record says ``who`` has made."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Checks that are answered later."""
        ...

    @property
    def requests(self) -> Idempotency:
        """Requests that may be sent twice and count once."""
        ...

    @property
    def boots(self) -> Boots:
        """The processes that share this store."""
        ...

    def create_list(
        self,
        name: str,
        *,
        policy: Policy,
        source: str | None = None,
        false_alarms_per_100k: float | None = None,
        patches: bool = True,
    ) -> ListInfo:
        """Make an empty list. Raises BadName, BadPolicy, ListExists."""
        ...

    def lists(self) -> list[ListInfo]:
        """All lists in order of names."""
        ...

    def get_list(self, name: str) -> ListInfo:
        """One list."""
        ...

    def update_list(
        self,
        name: str,
        *,
        policy: Policy | None = None,
        source: str | Keep | None = KEEP,
        false_alarms_per_100k: float | Keep | None = KEEP,
        patches: bool | None = None,
    ) -> ListInfo:
        """Set a list's policy, its source and what it accepts. Raises BadName, BadPolicy.

        What is not given stays as it is, whoever else is changing it. ``patches``: whether it keeps
        patch hashes; a list that keeps none has none: those that are there are deleted. Setting
        what is set changes nothing.
        """
        ...

    def delete_list(self, name: str) -> None:
        """Delete a list with its references."""
        ...

    def add(
        self,
        list_name: str,
        references: Iterable[Reference],
        *,
        create: bool = True,
        policy: Policy = Policy.BLOCK,
        source: str | None = None,
        patches: bool = True,
        imported: bool = False,
    ) -> AddResult:
        """Add all references or, when anything raises, none: also when ``references`` does.

        A fingerprint that the list has already is left as it is, whatever id comes with it; but
        where it has no patch hashes it gets those that come along. A list that keeps none takes
        none. With ``create`` an unknown list is made, with ``policy``, ``source`` and ``patches``,
        in the same transaction. Other writers wait while ``references`` is read: let it not wait
        on a network. ``imported``: the audit record calls it an import.
        """
        ...

    def update_reference(
        self,
        list_name: str,
        reference_id: str,
        *,
        label: str | Keep | None = KEEP,
        incident: str | Keep | None = KEEP,
        enabled: bool | None = None,
        expires: Expiry | None = None,
    ) -> ReferenceSummary:
        """Set a reference's label, incident and standing. Raises BadName, ReferenceNotFound.

        What is not given stays as it is, whoever else is changing it. Setting what is set changes
        nothing; another label or incident is one change, and another standing a second one.
        """
        ...

    def set_standing(
        self,
        list_name: str,
        reference_ids: Iterable[str],
        *,
        enabled: bool | None = None,
        expires: Expiry | None = None,
    ) -> StandingResult:
        """Say whether checks look at references, and until when; None leaves that as it is.

        Ids that are not there are reported, and the others changed.
        """
        ...

    def remove(self, list_name: str, reference_ids: Iterable[str]) -> RemoveResult:
        """Remove references; ids that are not there are reported, and the others removed."""
        ...

    def get_reference(self, list_name: str, reference_id: str) -> Reference:
        """One reference with its hashes and its patch hashes. Raises ReferenceNotFound."""
        ...

    def get_summary(self, list_name: str, reference_id: str) -> ReferenceSummary:
        """One reference without its hashes. Raises ReferenceNotFound."""
        ...

    def references(
        self, list_name: str, *, after_id: str | None = None, limit: int = 100
    ) -> list[ReferenceSummary]:
        """At most ``limit`` references in order of ids, from the first after ``after_id``."""
        ...

    def snapshot(self, list_name: str) -> AbstractContextManager[Snapshot]:
        """The whole list as it is now, without what is disabled or expired."""
        ...

    def changes(self, list_name: str, since: Mark | None) -> AbstractContextManager[Changes | None]:
        """What changed since ``since``, while others may change it; all of it since None.

        None where ``since`` is no state that this list went through: read all of it.
        """
        ...

    def fingerprints(self, list_name: str) -> Iterator[Reference]:
        """All references with their hashes, in order of ids, as of the first one taken."""
        ...

    def patches(self, list_name: str, *, known: frozenset[str] = frozenset()) -> Iterator[Patched]:
        """The references that have patch hashes, in order of ids, as of the first one taken;
        without what is disabled or expired.

        Those with ``known`` digests come without their hashes, which are long.
        """
        ...

    def changed_ms(self, list_name: str) -> int:
        """When the list was made or got its last reference, whichever is later."""
        ...

    def versions(self) -> Mapping[str, int]:
        """Each list's version by its name: what tells an index that it is out of date."""
        ...

    def close(self) -> None:
        """Let go of what is held open. Closing twice does nothing; using it after raises."""
        ...
