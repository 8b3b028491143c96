"""One finding that tests change to what they need, so that a new field is written in one place."""

from hashing.fingerprint import PHASH
from hashing.matching import Finding
from hashing.verdict import Verdict
from hashing.views import View

FINDING = Finding(
    reference=0,
    verdict=Verdict.MATCH,
    algorithm=PHASH,
    view=View.MIRRORED,
    speed=1.0,
    chance=1e-9,
    frames=45,
    frames_matched=41,
    distinct_hits=30,
    mean_distance_bits=12.4,
    agreement=0.9,
    clip_ranges_ms=((3000, 25_000),),
    reference_ranges_ms=((0, 22_000),),
    clip_coverage=0.9,
    reference_coverage=1.0,
)
