"""All edits of the suite, and the version of the code that makes each.

The suite has 57 named edits. These 52 are in, some in several rows:

- A re-encode: a1 h264, a2 messenger, a3 codec, a4 gif, a5 mjpeg
- B resolution: b1 downscale, b2 aspect squeeze, b3 pixelate, b4 blur
- C colour: c1 brightness, c2 contrast (gamma is c2g), c3 grey, sepia, two levels, c4 hue (negative
  is c4n), c5 noise, c6 film filter
- D overlay: d1 logo, d2 banner (one line of text is d2s), d3 captions, d4 sticker (small ones are
  d4s), d5 watermark, d6 censor blur, d7 blend
- E geometry: e1 crop, e2 off-centre crop, e3 letterbox (pillarbox is e3p), e4 border (a photo's is
  e4p, blurred fill e4f), e5 mirror (and crop e5c, and border e5b), e6 upside down (turned e6a to
  e6c), e7 tilt, e8 zoom and pan, e9 perspective, e10 meme format
- F time: f1 length (short ones are f1s), f2 speed (slower is f2s), f3 frame rate, f4 new opening,
  f5 drops and doubles, f6 shuffle, f7 slideshow, f8 reverse (freezes f8f, flashes f8w)
- G screen captured again: g1 screen recording (a chat's is g1c), g2 refilmed screen, g3 phone
- H embedding: h1 picture in picture, h2 split screen, h3 in other footage, h4 compilation, h5 on
  television
- J chained: j1 two, j2 three, j3 five medium edits, j4 attack mix

Families K to P go further, to where no whole frame is left to hash; ``benchmarks.patches`` measures
them:

- K framing: k1 off-centre crop, k2 half the frame, k3 turned (any angle is k3a), k4 turned and
  cropped (k4a), k5 keystone
- L covered: l1 large sticker (many are l1m), l2 tiled watermark, l3 ticker, l4 captions, l5 meme
  bars
- M in company: m1 split screen, aspect kept, m2 framed inset, m3 short-video app
- N filmed off a screen: n1 in a room, n2 close
- O mixes: o1 attack mix, graded
- P beyond: p1 small inset, p2 short crop, p3 stylised

Five are of sound and wait for audio fingerprints: i1 removed, i2 replaced by music, i3 pitch, i4
voice over, i5 8 kHz; so do the sound of a2 (AAC at 32 kbit/s), f2 (pitch kept or not) and g2 (a
room's noise).
"""

import hashlib
from functools import cache
from pathlib import Path
from types import ModuleType

from benchmarks.attacks import (
    beyond,
    chained,
    colour,
    company,
    covered,
    embedding,
    framing,
    geometry,
    mixes,
    overlay,
    recapture,
    reencode,
    refilmed,
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
    "K": framing,
    "L": covered,
    "M": company,
    "N": refilmed,
    "O": mixes,
    "P": beyond,
}
_SHARED = ("footage.py", "edit.py", "drawing.py", "encoding.py", "sources.py", "clips.py")
_USES = {
    "G": "E",
    "H": "F",
    "J": "ABCDEF",
    "O": "DEF",
    "P": "FKM",
}  # families whose code another family's is made of
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
    "K": "framing",
    "L": "covered",
    "M": "in company",
    "N": "filmed off a screen",
    "O": "mixes",
    "P": "beyond",
}
WHOLE_FRAME = "ABCDEFGHJ"  # families of which whole-frame hashes are asked to find most


def edits(families: str = "".join(FAMILIES)) -> tuple[Edit, ...]:
    """Every edit, by family; or those of these families only."""
    return tuple(edit for family in families for edit in _MODULES[family].EDITS)


@cache
def version(family: str) -> str:
    """Changes when the code of this family's edits does; chains depend on all families."""
    used = _USES.get(family, "") + family
    names = [str(module.__file__) for key, module in _MODULES.items() if key in used]
    here = Path(__file__).parent
    paths = [here / name for name in _SHARED] + [Path(name) for name in names]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]
