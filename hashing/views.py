"""Views: ways of looking at a clip's frames before they are hashed, and their names.

What a mirrored frame's hash is comes from the DCT (``hashing.phash``); turned and negative views
come from hashes alone (``hashing.turns``); regions are found by ``hashing.regions``.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import ClassVar, Final

# Supposed crops, in percent of a side. With these no crop up to 12 % is more than 48 bits away in
# the nearest of them, at the median (docs/benchmarks.md, "Crops").
CROPS_PERCENT: Final = (3, 6, 9, 12)


class Region(StrEnum):
    """The part of the frame that a view looks at."""

    WHOLE = "as is"
    BORDERLESS = "without borders"
    INNER = "without surround"


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at a clip; its text stands in fingerprints, evidence and the API.

    The picture is cut to ``region``, set into a frame from which it was supposedly cropped by
    ``cropped_percent`` a side, mirrored left to right, turned counter-clockwise by ``turned_deg``
    (0, 90, 180 or 270) and, with ``negative``, its brightness inverted: what comes out is compared
    with the reference.
    """

    region: Region = Region.WHOLE
    mirrored: bool = False
    turned_deg: int = 0
    negative: bool = False
    cropped_percent: int = 0

    AS_IS: ClassVar["View"]
    MIRRORED: ClassVar["View"]
    BORDERLESS: ClassVar["View"]
    BORDERLESS_MIRRORED: ClassVar["View"]

    def __str__(self) -> str:
        parts = [] if self.region is Region.WHOLE else [self.region.value]
        parts += [f"cropped {self.cropped_percent} %"] if self.cropped_percent else []
        parts += ["mirrored"] if self.mirrored else []
        parts += [f"turned {self.turned_deg}°"] if self.turned_deg else []
        parts += ["negative"] if self.negative else []
        return ", ".join(parts) or Region.WHOLE.value

    @classmethod
    def parse(cls, untrusted: str) -> "View":
        """The view with this text. Raises ValueError where none has it."""
        view = _BY_TEXT.get(untrusted)
        if view is None:
            raise ValueError(f"{untrusted[:80]!a} is not a view")
        return view


@dataclass(frozen=True, slots=True)
class Window:
    """Where in a clip's frames a reference's picture is seen, as its patches say.

    ``left``, ``top``, ``right``, ``bottom``: shares of the clip's width and height, cut at its
    edges. ``turned_deg``: by how much the picture is turned in the clip, counter-clockwise, -179 to
    180. ``scale``: how large all of the reference's picture is there, against the clip's: 2 where
    half of each side was cropped away, 0.4 of a picture in a picture.
    """

    left: float
    top: float
    right: float
    bottom: float
    turned_deg: int
    scale: float
    mirrored: bool = False
    negative: bool = False

    def __str__(self) -> str:
        corners = f"{self.left:.2f},{self.top:.2f}–{self.right:.2f},{self.bottom:.2f}"
        parts = [f"window {corners}"]
        parts += [f"scale {self.scale:.2f}"] if abs(self.scale - 1) >= _SAME_SCALE else []
        parts += ["mirrored"] if self.mirrored else []
        parts += [f"turned {self.turned_deg}°"] if abs(self.turned_deg) >= _SAME_TURN_DEG else []
        parts += ["negative"] if self.negative else []
        return ", ".join(parts)


_SAME_SCALE: Final = 0.05  # what a fit of coarse places is off by, at the most
_SAME_TURN_DEG: Final = 2


View.AS_IS = View()
View.MIRRORED = View(mirrored=True)
View.BORDERLESS = View(Region.BORDERLESS)
View.BORDERLESS_MIRRORED = View(Region.BORDERLESS, mirrored=True)
VIEWS: Final = tuple(
    View(*properties)
    for properties in product(
        Region, (False, True), (0, 90, 180, 270), (False, True), (0, *CROPS_PERCENT)
    )
)
_BY_TEXT: Final = {str(view): view for view in VIEWS}
