"""What the command line and the routes do with lists: add, import, export, remove."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from hashing.errors import IncompatibleHash
from hashing.fingerprint import PDQ, PHASH, Fingerprint
from hashing.formats import listfile
from hashing.formats.listfile import BadLine, Header, LineProblem
from hashing.patch_track import PatchTrack
from hashing.reference import Policy, Reference
from service.errors import ListNotFound, NothingToCompare, PolicyConflict, ReferenceConflict
from service.store.base import Patched, RemoveResult, Store


@dataclass(frozen=True, slots=True)
class Added:
    """The id under which the list has the fingerprint, and whether it is new there."""

    reference_id: str
    new: bool


@dataclass(frozen=True, slots=True)
class ImportReport:
    """References that are new, that were there already, and the lines that were left out."""

    added: int
    unchanged: int
    bad_lines: tuple[BadLine, ...]


def add_fingerprint(
    store: Store,
    list_name: str,
    fingerprint: Fingerprint,
    *,
    reference_id: str | None = None,
    label: str | None = None,
    incident: str | None = None,
    patches: tuple[PatchTrack, ...] = (),
    keep_patches: bool = True,
) -> Added:
    """Put a fingerprint on a list, which is made with policy ``block`` where it does not exist.

    A fingerprint that the list has already stays as it is, under the id that it has; where it has
    no ``patches`` it gets these. ``keep_patches``: whether a list that is made keeps any. Without
    ``reference_id`` the id is the start of the fingerprint's digest. Raises BadName,
    IncompatibleHash, NothingToCompare, ReferenceConflict.
    """
    require_comparable(fingerprint)
    wanted = fingerprint.reference_id if reference_id is None else reference_id
    reference = Reference(wanted, label, incident, fingerprint, patches)
    result = store.add(list_name, [reference], patches=keep_patches)
    if result.conflicts:
        raise ReferenceConflict(
            f"list {list_name} has a reference {wanted} of another clip; "
            "choose another id, or remove that one first"
        )
    return Added((result.added + result.unchanged)[0], bool(result.added))


def import_file(store: Store, list_name: str, lines: Iterable[bytes]) -> ImportReport:
    """Add the references of a list file in recirc's own format.

    A bad line is left out and reported with its number, and all others go in, in one transaction:
    after a crash the list has all of them or none, so that doing it again is always right. The
    file is read once and never held whole. Other writers wait for that long, so pass a file's or
    a memory's lines (``listfile.bounded_lines``), never a network's.

    A list that does not exist is made with the file's policy and source. Raises BadList for a
    bad header or too many bad lines, and PolicyConflict where the list has another policy; then
    nothing is changed.
    """
    header, items = listfile.read(lines)
    bad_lines: list[BadLine] = []
    numbers: dict[str, int] = {}

    def references() -> Iterator[Reference]:
        # Read in the change itself: nobody else can make the list or change its policy meanwhile.
        _require_policy(store, list_name, header.policy)
        yield from _comparable(items, bad_lines, numbers)

    result = store.add(
        list_name,
        references(),
        policy=header.policy,
        source=header.source,
        imported=True,
    )
    bad_lines += [
        BadLine(
            numbers[reference_id],
            LineProblem.REFERENCE_CONFLICT,
            f"list {list_name} has a reference {reference_id} of another clip, which stays",
        )
        for reference_id in result.conflicts
    ]
    bad_lines.sort(key=lambda bad_line: bad_line.number)
    return ImportReport(len(result.added), len(result.unchanged), tuple(bad_lines))


def export(store: Store, list_name: str, *, patches: bool = False) -> Iterator[str]:
    """The lines of the list's file in recirc's own format, as the list is at the first line.

    With ``patches`` also its patch hashes, which show more of a picture than frame hashes do.
    Raises ListNotFound at once, not with the first line.
    """
    store.get_list(list_name)
    return _lines(store, list_name, patches=patches)


def remove(store: Store, list_name: str, reference_ids: Iterable[str]) -> RemoveResult:
    """Take references off a list. Raises ListNotFound."""
    return store.remove(list_name, reference_ids)


def require_comparable(fingerprint: Fingerprint) -> None:
    """Raise unless this version can compare the fingerprint: on a list it would be a silent miss.

    Raises IncompatibleHash for hashes made with other parameters, NothingToCompare for no hashes.
    """
    tracks = fingerprint.of(PHASH) + fingerprint.of(PDQ)
    if not any(len(track) for track in tracks):
        raise NothingToCompare(
            f"it has no frame hashes of {PHASH.name} or {PDQ.name}, so it could never match"
        )


def _comparable(
    items: Iterator[listfile.Line | BadLine], bad_lines: list[BadLine], numbers: dict[str, int]
) -> Iterator[Reference]:
    """The references; on the way, bad lines and the line numbers of ids go into the arguments."""
    for item in items:
        if isinstance(item, BadLine):
            bad_lines.append(item)
            continue
        try:
            require_comparable(item.reference.fingerprint)
        except (IncompatibleHash, NothingToCompare) as problem:
            code = LineProblem(problem.code)
            bad_lines.append(BadLine(item.number, code, str(problem)))
            continue
        numbers[item.reference.id] = item.number
        yield item.reference


def _require_policy(store: Store, list_name: str, policy: Policy) -> None:
    try:
        existing = store.get_list(list_name)
    except ListNotFound:
        return
    if existing.policy is not policy:
        raise PolicyConflict(
            f"the file's policy is {policy}, that of list {list_name} is {existing.policy}; "
            "import it under another name"
        )


def _lines(store: Store, list_name: str, *, patches: bool) -> Iterator[str]:
    with store.snapshot(list_name) as snapshot:
        info = snapshot.info
        header = Header(info.name, info.policy, info.source, snapshot.algorithms, snapshot.count)
        patched = store.patches(list_name) if patches else iter(())
        yield from listfile.write(header, _with_patches(snapshot.references, patched))


def _with_patches(
    references: Iterable[Reference], patched: Iterator[Patched]
) -> Iterator[Reference]:
    """The references, each with its patch hashes where it has some; both come in order of ids."""
    following = next(patched, None)
    for one in references:
        while following is not None and following.id < one.id:  # added since
            following = next(patched, None)
        if following is None or following.id != one.id:
            yield one
        else:
            yield replace(one, patches=following.tracks or ())
