"""What lies alike and is no copy, and copies that do not stay in one place."""

from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import pytest

from hashing.extract import CLIP, REFERENCE, Extraction, extract
from hashing.matching import Finding
from hashing.patch_track import Look
from hashing.patches.matching import Asking, Owner, PatchedList, PatchPart, tries
from hashing.verdict import DEFAULT_POLICY, Verdict
from tests import clips, corners
from tests.clips import Frames
from tests.corners import town

WORDS = ("WAIT FOR IT", "THIS IS NOT", "WHAT IT IS", "TRUST ME", "OH MY GOD", "THE END", "OF IT")


def found(listed: Frames, clip: Frames, look: Look = Look.AS_IS) -> list[Finding]:
    """What patches show in a clip of a list of one reference."""
    reference = extract(clips.encode(listed), replace(REFERENCE, patches=True))
    owner = Owner(0, None, reference.fingerprint.duration_ms)
    part = PatchPart.of([("a", reference.patches)])
    index = PatchedList([part], {"a": owner}, lambda _: reference.fingerprint)
    taking = Extraction(BytesIO(clips.encode(clip)), replace(CLIP, held_frames=24))
    fingerprint = taking.whole().fingerprint
    tracks = taking.patches((look,))
    return index.match(Asking(tracks, fingerprint, tries(tracks, 1), DEFAULT_POLICY))


def verdicts(findings: list[Finding]) -> list[Verdict]:
    return [one.verdict for one in findings]


def captioned(frames: Frames) -> Frames:
    """Words in a line across the middle, others in each second."""
    shown = frames.copy()
    for number, frame in enumerate(shown):
        words = WORDS[number // clips.FPS % len(WORDS)]
        for colour, thickness in ((0, 10), (255, 3)):
            place, font = (30, 200), cv2.FONT_HERSHEY_DUPLEX
            cv2.putText(frame, words, place, font, 1.6, colour, thickness, cv2.LINE_AA)
    return shown


def shades(seed: int, seconds: float) -> Frames:
    """A picture that pans and has hardly a corner."""
    soft = np.stack([cv2.GaussianBlur(frame, (0, 0), 12) for frame in town(seed, seconds)])
    shown: Frames = np.clip(128 + 1.5 * (soft.astype(np.float32) - 128), 0, 255).astype(np.uint8)
    return shown


def test_captions_of_one_template_are_no_copy() -> None:
    findings = found(captioned(shades(50, 7.0)), captioned(shades(51, 7.0)))

    assert Verdict.MATCH not in verdicts(findings)


def test_captioned_footage_is_found_cropped() -> None:
    shown = captioned(town(52, 7.0))

    assert verdicts(found(shown, corners.cropped(shown, 0.1, 0.1, 0.8))) == [Verdict.MATCH]


def test_an_inset_that_is_moved_once_is_found() -> None:
    inner, ground = town(53, 8.0), town(54, 8.0)
    half = len(inner) // 2
    moved = np.concatenate(
        [
            corners.in_picture(inner[:half], ground[:half], 0.05, 0.05, 0.6),
            corners.in_picture(inner[half:], ground[half:], 0.35, 0.3, 0.6),
        ]
    )

    (finding,) = found(inner, moved)

    assert finding.verdict is Verdict.MATCH
    ((start_ms, end_ms),) = finding.clip_ranges_ms
    assert end_ms - start_ms >= 6000


@pytest.mark.parametrize(
    ("look", "seen"),
    [pytest.param(Look.AS_IS, False, id="as is"), pytest.param(Look.CLOSER, True, id="closer")],
)
def test_a_small_inset_takes_a_closer_look(look: Look, seen: bool) -> None:
    inner, ground = town(55, 5.0), town(56, 5.0, 960, 720)
    small = corners.in_picture(inner, ground, 0.1, 0.4, 0.3)

    assert (Verdict.MATCH in verdicts(found(inner, small, look))) is seen
