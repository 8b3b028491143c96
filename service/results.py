"""Results: what a check answers."""

from dataclasses import dataclass

from hashing.fingerprint import Kind
from hashing.verdict import Verdict
from service.weighing import Match


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer to a check. ``kind`` is None when the bytes were no media at all.

    ``matches`` are sorted best first, one a reference; ``suppressed`` are those that an allow list
    explains. ``problems`` are stable codes; with any of them the check was not complete. ``early``:
    the clip was clear by its key frames and its end, and ``checked_ms`` is how much of it was
    decoded besides key frames. ``notes``: stable codes of what a check of these references cannot
    see, however complete.
    """

    verdict: Verdict
    kind: Kind | None
    duration_ms: int
    checked_ms: int
    frames: int
    problems: tuple[str, ...]
    matches: tuple[Match, ...]
    suppressed: tuple[Match, ...]
    lists: tuple[tuple[str, int], ...]
    elapsed_ms: int
    early: bool = False
    notices: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing kept the check from being one of the whole clip, against references.

        A check that was ended early is complete: the verdict on the whole clip is the same.
        """
        return not self.problems


def unscannable(
    code: str, versions: tuple[tuple[str, int], ...], *, elapsed_ms: int = 0
) -> CheckResult:
    """The answer where nothing could be looked at, against the lists in these versions."""
    return CheckResult(
        verdict=Verdict.UNSCANNABLE,
        kind=None,
        duration_ms=0,
        checked_ms=0,
        frames=0,
        problems=(code,),
        matches=(),
        suppressed=(),
        lists=versions,
        elapsed_ms=elapsed_ms,
    )
