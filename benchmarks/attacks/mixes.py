"""Family O, mixes of five edits and strong compression, as seen after real attacks; j4, harder."""

from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded, x264
from benchmarks.attacks.footage import Footage
from benchmarks.attacks.geometry import crop, mirrored
from benchmarks.attacks.overlay import logo
from benchmarks.attacks.timing import opening, speed


def _mix(side: float, badge: float, intro_s: float) -> Apply:
    """Mirrored, this share cut off each side, a logo of this area, 1.1 as fast, a new intro."""

    def edit(footage: Footage, material: Material) -> Footage:
        for one in (mirrored, crop(side), logo(badge), speed(1.1), opening(intro_s)):
            footage = one(footage, material)
        return footage

    return edit


EDITS: tuple[Edit, ...] = (
    graded(
        "o1 attack mix, graded",
        Recipe("crop 5 %, logo 6 %, intro 5 s, crf 34", _mix(0.05, 0.06, 5), x264(34)),
        Recipe("crop 10 %, logo 6 %, intro 5 s, crf 36", _mix(0.10, 0.06, 5), x264(36)),
        Recipe("crop 15 %, logo 10 %, intro 10 s, crf 40", _mix(0.15, 0.10, 10), x264(40)),
    ),
)
