"""What the ``lists`` commands do: show the lists, show one, set what it accepts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hashing.verdict import BadPolicy
from service import wording
from service.console import Console, Tone
from service.errors import BadSetting
from service.escaping import shown
from service.store.base import KEEP, ListInfo, ReferenceSummary, Standing, Store
from service.store.sqlite import now_ms

DEFAULT: Final = "default"  # instead of a number: the list has none of its own
_PAGE: Final = 500  # references read at a time


def show_lists(console: Console, store: Store, *, json: bool) -> None:
    """Print all lists."""
    found = store.lists()
    for info in found:
        _print_list(console, info, json=json)
    if not found and not json:
        console.line("There are no lists yet; recirc add makes one.")


def show_list(console: Console, store: Store, name: str, *, json: bool) -> None:
    """Print a list and its references. Raises ListNotFound."""
    info = store.get_list(name)
    if not json:
        console.line(_list_line(info), Tone.HEADING)
    for one in _summaries(store, name):
        if json:
            console.json(_plain_reference(name, one))
            continue
        label = f": {shown(one.label)}" if one.label else ""
        incident = f" (incident {shown(one.incident)})" if one.incident else ""
        usual = one.standing == Standing()
        standing = "" if usual else f", {wording.stands(one.standing, now_ms())}"
        console.detail(
            f"{one.id}{label}{incident} - {one.kind}, {wording.length(one.duration_ms)}, "
            f"{one.frames} hashes{standing}"
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a list is to change; None stays.

    ``false_alarms``: a number, or ``default``; ``patches``: whether it keeps patch hashes.
    """

    false_alarms: str | None
    patches: bool | None


def change(console: Console, store: Store, name: str, wanted: Wanted, *, json: bool) -> None:
    """Set what a list accepts and keeps, and print the list.

    Raises ListNotFound, BadPolicy, and BadSetting where nothing is to change.
    """
    if wanted == Wanted(None, None):
        raise BadSetting("nothing to set; say --false-alarms-per-100k or --patches")
    accepted = KEEP if wanted.false_alarms is None else _number(wanted.false_alarms)
    info = store.update_list(name, false_alarms_per_100k=accepted, patches=wanted.patches)
    _print_list(console, info, json=json)


def _number(untrusted: str) -> float | None:
    if untrusted == DEFAULT:
        return None
    try:
        return float(untrusted)
    except ValueError:
        raise BadPolicy(f"{shown(untrusted)} is no number; take one, or {DEFAULT}") from None


def _print_list(console: Console, info: ListInfo, *, json: bool) -> None:
    if json:
        console.json(_plain_list(info))
    else:
        console.line(_list_line(info))


def _summaries(store: Store, name: str) -> Iterator[ReferenceSummary]:
    after: str | None = None
    while page := store.references(name, after_id=after, limit=_PAGE):
        yield from page
        after = page[-1].id


def _list_line(info: ListInfo) -> str:
    noun = wording.plural(info.references, "reference")
    accepted = info.false_alarms_per_100k
    parts = [f"{info.policy}, {info.references} {noun}, version {info.version}"]
    parts += [] if accepted is None else [f"accepts {wording.false_alarms(accepted)}"]
    parts += [_patches(info)]
    parts += [f"from {shown(info.source)}"] if info.source else []
    return f"{info.name}: {', '.join(parts)}"


def _patches(info: ListInfo) -> str:
    """How many of its references can be found by patches; why, where it keeps none."""
    if not info.patches:
        return "no patch hashes"
    return f"{info.patched} with patch hashes"


def _plain_list(info: ListInfo) -> dict[str, object]:
    return {
        "name": info.name,
        "policy": info.policy.value,
        "source": info.source,
        "false_alarms_per_100k": info.false_alarms_per_100k,
        "patches": info.patches,
        "version": info.version,
        "references": info.references,
        "patched": info.patched,
        "created_at_ms": info.created_at_ms,
    }


def _plain_reference(list_name: str, one: ReferenceSummary) -> dict[str, object]:
    return {
        "list": list_name,
        "id": one.id,
        "label": one.label,
        "incident": one.incident,
        "kind": one.kind.value,
        "duration_ms": one.duration_ms,
        "frames": one.frames,
        "algorithms": [str(algorithm) for algorithm in one.algorithms],
        "digest": one.digest,
        "added_at_ms": one.added_at_ms,
        "enabled": one.standing.enabled,
        "expires_at_ms": one.standing.expires_at_ms,
    }
