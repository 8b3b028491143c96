"""Family D, overlays: logos, captions, stickers, watermarks, censoring, blends."""

import cv2
import numpy as np

from benchmarks.attacks.drawing import (
    blurred,
    covering,
    lettered,
    letters,
    mixed,
    pasted,
    resized,
)
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded
from benchmarks.attacks.footage import Footage, Frame

_WHITE, _YELLOW, _DARK = (255, 255, 255), (40, 210, 250), (25, 25, 35)


def logo(area: float) -> Apply:
    """A station's logo in a corner, opaque, covering this share of the area."""

    def edit(footage: Footage, material: Material) -> Footage:
        random = material.random
        height = max(8, round(footage.height * np.sqrt(area)))
        width = max(8, round(footage.width * np.sqrt(area)))
        colour = random.integers(60, 230, 3)
        badge = np.empty((height, width, 3), np.uint8)
        badge[:] = colour
        cv2.circle(badge, (width // 4, height // 2), max(2, height // 3), _WHITE, -1)
        lettered(badge, letters(random, 4), (width // 2, height * 2 // 3), height / 4, _WHITE)
        margin = footage.height // 30
        top = margin if random.random() < 0.5 else footage.height - height - margin
        left = margin if random.random() < 0.5 else footage.width - width - margin
        return footage.each(lambda frame, _: pasted(frame, badge, top, left))

    return edit


def _banner(share: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        height = max(8, round(footage.height * share))
        banner = np.full((height, footage.width, 3), _DARK, np.uint8)
        banner[: max(1, height // 12)] = (40, 40, 200)
        for line in range(2):
            words = letters(material.random, 40)
            baseline = round(height * (0.45 + 0.4 * line))
            lettered(banner, words, (footage.width // 40, baseline), height / 5, _WHITE)
        top = footage.height - height - footage.height // 20
        return footage.each(lambda frame, _: pasted(frame, banner, top, 0))

    return edit


def _text_line(share: float) -> Apply:
    """One line of text on a dark band across the foot, this share of the height and of the area."""

    def edit(footage: Footage, material: Material) -> Footage:
        height = max(6, round(footage.height * share))
        band = np.full((height, footage.width, 3), _DARK, np.uint8)
        words = letters(material.random, 60)
        lettered(band, words, (footage.width // 40, round(height * 0.8)), height * 0.6, _WHITE)
        top = footage.height - height - footage.height // 20
        return footage.each(lambda frame, _: pasted(frame, band, top, 0))

    return edit


def _scrolling(lines: int) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        texts = [letters(material.random, 300) for _ in range(lines)]
        size_px = footage.height / 18
        speed_px = footage.width / 5 / footage.fps  # across the frame in five seconds

        def captioned(frame: Frame, number: int) -> Frame:
            result = frame.copy()
            for place, words in enumerate(texts):
                baseline = round(footage.height - size_px * (0.8 + 1.6 * place))
                left = footage.width // 2 - round(number * speed_px)
                lettered(result, words, (left + 1, baseline + 1), size_px, (0, 0, 0))
                lettered(result, words, (left, baseline), size_px, _YELLOW)
            return result

        return footage.each(captioned)

    return edit


def _sticker(area: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        radius = round(np.sqrt(area * footage.height * footage.width / np.pi))
        shift = material.random.uniform(-0.1, 0.1, 2)
        centre = (
            round(footage.width * (0.5 + shift[0])),
            round(footage.height * (0.5 + shift[1])),
        )
        eye = max(1, radius // 6)

        def stuck(frame: Frame, _: int) -> Frame:
            result = frame.copy()
            cv2.circle(result, centre, radius, _YELLOW, -1, cv2.LINE_AA)
            for side in (-1, 1):
                place = (centre[0] + side * radius // 3, centre[1] - radius // 4)
                cv2.circle(result, place, eye, _DARK, -1, cv2.LINE_AA)
            mouth = (radius // 2, radius // 2)
            cv2.ellipse(result, centre, mouth, 0, 20, 160, _DARK, max(1, radius // 10))
            return result

        return footage.each(stuck)

    return edit


def _watermark(alpha: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        sheet = np.zeros((footage.height, footage.width, 3), np.uint8)
        for line in range(6):
            baseline = round(footage.height * (line + 0.7) / 6)
            left = -(line % 2) * footage.width // 8
            words = letters(material.random, 30)
            lettered(sheet, words, (left, baseline), footage.height / 14, _WHITE)
        ink = sheet[:, :, :1].astype(np.float32) / 255 * alpha

        def marked(frame: Frame, _: int) -> Frame:
            return (frame * (1 - ink) + 255 * ink).astype(np.uint8)

        return footage.each(marked)

    return edit


def _censor(area: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        height = round(footage.height * np.sqrt(area))
        width = round(footage.width * np.sqrt(area))
        phases = material.random.uniform(0, 2 * np.pi, 2)
        room = np.array([footage.height - height, footage.width - width]) / 2

        def censored(frame: Frame, number: int) -> Frame:
            angles = number / footage.fps * np.array([0.9, 0.6]) + phases
            top, left = (room * (1 + 0.6 * np.sin(angles))).astype(int)
            region = frame[top : top + height, left : left + width]
            return pasted(frame, blurred(region, footage.height / 16), int(top), int(left))

        return footage.each(censored)

    return edit


def _blend(share: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        rated = material.other.at_rate(footage.fps)
        start = int(material.random.integers(0, max(1, len(rated) - len(footage))))
        over = covering(rated, footage.height, footage.width)

        def blended(frame: Frame, number: int) -> Frame:
            second = over.shown((start + number) % len(over))
            return mixed(frame, resized(second, footage.height, footage.width), share)

        return footage.each(blended)

    return edit


EDITS: tuple[Edit, ...] = (
    graded("d1 corner logo", *(Recipe(f"{a:.0%}", logo(a)) for a in (0.02, 0.06, 0.15))),
    graded("d2 text banner", *(Recipe(f"{s:.0%}", _banner(s)) for s in (0.08, 0.18, 0.30))),
    graded("d2s text line", *(Recipe(f"{s:.0%}", _text_line(s)) for s in (0.02, 0.04, 0.06))),
    graded("d3 scrolling captions", *(Recipe(f"{n} lines", _scrolling(n)) for n in (1, 2, 4))),
    graded("d4 sticker", *(Recipe(f"{a:.0%}", _sticker(a)) for a in (0.05, 0.12, 0.25))),
    graded("d4s small sticker", *(Recipe(f"{a:.0%}", _sticker(a)) for a in (0.02, 0.04, 0.06))),
    graded("d5 watermark", *(Recipe(f"alpha {a}", _watermark(a)) for a in (0.1, 0.25, 0.4))),
    graded("d6 censor blur", *(Recipe(f"{a:.0%}", _censor(a)) for a in (0.05, 0.15, 0.30))),
    graded("d7 blend", *(Recipe(f"alpha {a}", _blend(a)) for a in (0.1, 0.25, 0.4))),
)
