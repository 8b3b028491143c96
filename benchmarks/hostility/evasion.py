"""The evasion corpus: every trick, and what the answer to it has to be."""

from benchmarks.hostility import behind, damaging, formats, hiding
from benchmarks.hostility.answering import Answer
from benchmarks.hostility.footage import Clip
from benchmarks.hostility.trick import Trick
from hashing.verdict import Verdict

NOT_READ = formats.NOT_READ  # the family of formats and codecs that recirc does not read at all


def tricks() -> list[Trick]:
    """All tricks."""
    return [*formats.tricks(), *hiding.tricks(), *behind.tricks(), *damaging.tricks()]


def is_right(trick: Trick, clip: Clip, answer: Answer) -> bool:
    """Whether the footage was found, or the answer says that it could not be looked for."""
    if not trick.readable:
        return answer.verdict is Verdict.UNSCANNABLE
    return answer.verdict is Verdict.MATCH and answer.reference == clip.name
