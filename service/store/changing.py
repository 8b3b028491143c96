"""Changing: what a list or a reference is to be, from what it is and what of it is given.

To be asked in the transaction that writes it: else of two changes at a time one would be lost.
"""

from dataclasses import replace

from hashing.reference import Policy, require_text
from hashing.verdict import require_false_alarms
from service.store.base import Keep, ListInfo, ReferenceSummary, kept


def settings(
    before: ListInfo,
    *,
    policy: Policy | None,
    source: str | Keep | None,
    false_alarms_per_100k: float | Keep | None,
    patches: bool | None,
) -> ListInfo:
    """The list with these settings. Raises BadName, BadPolicy."""
    wanted = before.policy if policy is None else policy
    named = kept(before.source, source)
    require_text(named, "source")
    accepted = kept(before.false_alarms_per_100k, false_alarms_per_100k)
    return replace(
        before,
        policy=wanted,
        source=named,
        false_alarms_per_100k=require_false_alarms(accepted, wanted),
        patches=before.patches if patches is None else patches,
    )


def texts(
    before: ReferenceSummary, *, label: str | Keep | None, incident: str | Keep | None
) -> tuple[str | None, str | None]:
    """A reference's label and incident. Raises BadName."""
    found = kept(before.label, label), kept(before.incident, incident)
    for text, what in zip(found, ("label", "incident"), strict=True):
        require_text(text, what)
    return found
