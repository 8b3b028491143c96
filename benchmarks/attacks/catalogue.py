"""All edits of the suite, and the version of the code that makes each."""

import hashlib
from functools import cache
from pathlib import Path
from types import ModuleType

from benchmarks.attacks import (
    chained,
    colour,
    embedding,
    geometry,
    overlay,
    recapture,
    reencode,
    resolution,
    timing,
)
from benchmarks.attacks.edit import Edit

_MODULES: dict[str, ModuleType] = {
    "A": reencode,
    "B": resolution,
    "C": colour,
    "D": overlay,
    "E": geometry,
    "F": timing,
    "G": recapture,
    "H": embedding,
    "J": chained,
}
_SHARED = ("footage.py", "edit.py", "drawing.py", "encoding.py", "sources.py", "clips.py")
_USES = {"G": "E", "H": "F", "J": "ABCDEF"}  # families whose code another family's is made of
FAMILIES = {
    "A": "re-encode",
    "B": "resolution",
    "C": "colour",
    "D": "overlay",
    "E": "geometry",
    "F": "time",
    "G": "screen captured again",
    "H": "embedding",
    "J": "chained",
}


def edits() -> tuple[Edit, ...]:
    """Every edit, by family."""
    return tuple(edit for module in _MODULES.values() for edit in module.EDITS)


@cache
def version(family: str) -> str:
    """Changes when the code of this family's edits does; chains depend on all families."""
    used = _USES.get(family, "") + family
    names = [str(module.__file__) for key, module in _MODULES.items() if key in used]
    here = Path(__file__).parent
    paths = [here / name for name in _SHARED] + [Path(name) for name in names]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]
