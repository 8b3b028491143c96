"""Family J, chains: edits on edits, as in TRECVID's T8 and T10."""

from benchmarks.attacks import colour, geometry, overlay, reencode, resolution, timing
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, Severity, single, x264
from benchmarks.attacks.footage import Footage, NotApplicable
from benchmarks.attacks.geometry import crop, mirrored
from benchmarks.attacks.overlay import logo
from benchmarks.attacks.timing import opening, speed

# What a chain draws from: edits of all families that leave a picture to edit further. The length
# is left alone, so that a chain is as hard as its links are.
_LINKS = tuple(
    edit
    for module in (reencode, resolution, colour, overlay, geometry, timing)
    for edit in module.EDITS
    if edit.key not in {"a1", "a3", "a4", "a5", "f1", "f1s"}
)


def _random(links: int) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        applied = 0
        for place in material.random.permutation(len(_LINKS)):
            recipe = _LINKS[place].recipes[Severity.MEDIUM]
            try:
                footage = recipe.apply(footage, material)
            except NotApplicable:
                continue
            applied += 1
            if applied == links:
                break
        return footage

    return edit


def _attack_mix(footage: Footage, material: Material) -> Footage:
    """What was seen after a real attack, in one: mirror, crop, logo, speed, new opening."""
    for edit in (mirrored, crop(0.05), logo(0.06), speed(1.1), opening(5)):
        footage = edit(footage, material)
    return footage


EDITS: tuple[Edit, ...] = (
    single("j1 two random", Recipe("2 medium edits", _random(2), x264(30))),
    single("j2 three random", Recipe("3 medium edits", _random(3), x264(30))),
    single("j3 five random", Recipe("5 medium edits", _random(5), x264(30))),
    single("j4 attack mix", Recipe("mirror, crop, logo, speed, opening", _attack_mix, x264(36))),
)
