"""Family L, large things over the picture: stickers, watermark tiles, tickers, captions, memes."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.drawing import even, flat, lettered, letters, pasted, resized, u8
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded, single
from benchmarks.attacks.footage import Footage, Frame

_WHITE, _BLACK, _DARK = (250, 250, 250), (0, 0, 0), (25, 25, 35)
_YELLOW, _PINK = (40, 210, 250), (120, 60, 235)
_CAPTION_S = 1.3  # how long one caption stands
_MANY = 9
_STICKER_PX = 256

Mask = NDArray[np.bool_]


def _sticker_of(area: float) -> Apply:
    """One sticker over this share of the frame, anywhere in it."""

    def edit(footage: Footage, material: Material) -> Footage:
        return _stuck(footage, material, [area])

    return edit


def _stickers_of(area: float) -> Apply:
    """Many that cover this share of the frame together; they may overlap a little."""

    def edit(footage: Footage, material: Material) -> Footage:
        return _stuck(footage, material, [area / _MANY] * _MANY)

    return edit


def _stuck(footage: Footage, material: Material, areas: list[float]) -> Footage:
    """Stickers of these shares of the frame, each in a cell of its own where there are many."""
    random = material.random
    size = footage.height, footage.width
    layer, mask = flat(*size, _BLACK), np.zeros(size, np.bool_)
    cells = random.permutation(9) if len(areas) > 1 else [4] * len(areas)
    for cell, area in zip(cells, areas, strict=True):
        picture, shape = _sticker(random, material.other, size, area)
        room = np.array(size) - picture.shape[:2]
        place = random.uniform(0, 1, 2)
        if len(areas) > 1:
            place = np.array([cell // 3, cell % 3]) / 2 + random.uniform(-0.12, 0.12, 2)
        top, left = np.clip(room * place, 0, np.maximum(room, 0)).astype(int)
        part = slice(top, top + picture.shape[0]), slice(left, left + picture.shape[1])
        layer[part][shape] = picture[shape]
        mask[part] |= shape

    def covered(frame: Frame, _: int) -> Frame:
        result = frame.copy()
        result[mask] = layer[mask]
        return result

    return footage.each(covered)


def _sticker(
    random: np.random.Generator, other: Footage, size: tuple[int, int], area: float
) -> tuple[Frame, Mask]:
    """A face, a heart or a cut-out photo with a white rim, and where it is opaque: this share of
    a frame of this size, stretched where it is too high for it."""
    picture = [_face, _heart, _photo][int(random.integers(3))](random, other)
    ink = (picture.max(axis=2) > 0).astype(np.uint8) * 255
    pixels = area * size[0] * size[1] / float((ink > 0).mean())
    height = min(np.sqrt(pixels), 0.97 * size[0])
    width = min(pixels / height, 0.97 * size[1])
    scaled = [resized(one, round(height), round(width)) for one in (picture, ink)]
    return scaled[0], scaled[1] > 127


def _face(random: np.random.Generator, other: Footage) -> Frame:
    del random, other
    shade = np.linspace(1.0, 0.8, _STICKER_PX)[:, None, None] * np.array(_YELLOW)
    picture = u8(np.repeat(shade, _STICKER_PX, axis=1))
    half = _STICKER_PX // 2
    for side in (-1, 1):
        eye = (half + side * half // 3, half * 3 // 4)
        cv2.ellipse(picture, eye, (half // 8, half // 5), 0, 0, 360, _DARK, -1, cv2.LINE_AA)
    cv2.ellipse(picture, (half, half), (half * 3 // 5, half // 2), 0, 15, 165, _DARK, half // 10)
    return _cut_out(picture, _disc())


def _heart(random: np.random.Generator, other: Footage) -> Frame:
    del random, other
    angles = np.linspace(0, 2 * np.pi, 120)
    x = 16 * np.sin(angles) ** 3
    y = 13 * np.cos(angles) - 5 * np.cos(2 * angles) - 2 * np.cos(3 * angles)
    outline = np.stack([x / 34 + 0.5, 0.46 - y / 34], axis=1) * _STICKER_PX
    shade = np.linspace(1.0, 0.7, _STICKER_PX)[:, None, None] * np.array(_PINK)
    return _cut_out(u8(np.repeat(shade, _STICKER_PX, axis=1)), outline)


def _photo(random: np.random.Generator, other: Footage) -> Frame:
    still = other.shown(int(random.integers(len(other))))
    square = min(still.shape[:2])
    left = (still.shape[1] - square) // 2
    picture = np.maximum(resized(still[:square, left : left + square], *[_STICKER_PX] * 2), 1)
    rim = _disc().astype(np.int32)
    cv2.polylines(picture, [rim], isClosed=True, color=_WHITE, thickness=_STICKER_PX // 14)
    return _cut_out(picture, _disc())


def _disc() -> NDArray[np.float64]:
    angles = np.linspace(0, 2 * np.pi, 120)
    return (0.5 + 0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)) * (_STICKER_PX - 1)


def _cut_out(picture: Frame, outline: NDArray[np.float64]) -> Frame:
    """Black outside of the outline."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(mask, [outline.astype(np.int32)], 255)
    return u8(np.where(mask[:, :, None] > 0, picture, 0))


def _tiled_watermark(alpha: float) -> Apply:
    """An agency's name slantwise all over, as on previews that nobody has paid for."""

    def edit(footage: Footage, material: Material) -> Footage:
        height, width = footage.height, footage.width
        side = 2 * max(height, width)
        sheet = np.zeros((side, side, 3), np.uint8)
        size_px = height / 22
        words = letters(material.random, 9).strip() or "STOCK"
        across = round((len(words) + 2) * size_px * 1.0)
        for row in range(0, side, round(size_px * 4.5)):
            shift = across // 2 if row // round(size_px * 4.5) % 2 else 0
            for left in range(-shift, side, across):
                lettered(sheet, words, (left, row), size_px, _WHITE)
                cv2.circle(sheet, (left - round(size_px), row), round(size_px / 2), _WHITE, 2)
        turn = cv2.getRotationMatrix2D((side / 2, side / 2), 28.0, 1.0)
        slanted = cv2.warpAffine(sheet, turn, (side, side))
        top, left = (side - height) // 2, (side - width) // 2
        ink = slanted[top : top + height, left : left + width, :1].astype(np.float32) / 255 * alpha
        return footage.each(lambda frame, _: u8(frame * (1 - ink) + 255 * ink))

    return edit


def _ticker(share: float) -> Apply:
    """A news channel's foot: label, headline, running text, clock; its logo in the corner."""

    def edit(footage: Footage, material: Material) -> Footage:
        random = material.random
        height, width = footage.height, footage.width
        foot = max(16, round(height * share))
        upper = foot * 3 // 5
        blue, green, red = (int(value) for value in random.integers(20, 160, 3))
        band = flat(foot, width, (blue, green, red))
        label = round(width * 0.2)
        band[:upper, :label] = (30, 30, 190)
        lettered(
            band, "BREAKING", (width // 60, upper * 2 // 3), min(upper * 0.36, label / 9), _WHITE
        )
        headline = letters(random, 40)
        lettered(band, headline, (label + width // 50, upper * 2 // 3), upper * 0.4, _WHITE)
        running = (letters(random, 60) + "   +++   ") * 3
        size_px = (foot - upper) * 0.5
        badge = flat(height // 9, height // 6, (30, 30, 190))
        lettered(badge, "TV9", (4, height // 12), height / 20, _WHITE)

        def broadcast(frame: Frame, number: int) -> Frame:
            lower = flat(foot - upper, width, _WHITE)
            left = width // 3 - round(number * width / 6 / footage.fps)
            lettered(lower, running, (left, round(len(lower) * 0.75)), size_px, _BLACK)
            lower[:, -width // 9 :] = _DARK
            clock = f"12:{number // round(footage.fps * 60):02}"
            start = (width - width // 10, round(len(lower) * 0.75))
            lettered(lower, clock, start, size_px, _WHITE)
            shown = pasted(frame, badge, height // 20, width - width // 30 - badge.shape[1])
            shown = pasted(shown, band, height - foot, 0)
            return pasted(shown, lower, height - foot + upper, 0)

        return footage.each(broadcast)

    return edit


def _outlined(frame: Frame, words: str, top: float, size_px: float) -> None:
    """One line in the middle, white with a black outline, as phones' editors write."""
    scale, thickness = size_px / 21.0, max(2, round(size_px / 6))
    font = cv2.FONT_HERSHEY_DUPLEX
    (across, _), _ = cv2.getTextSize(words, font, scale, thickness)
    start = ((frame.shape[1] - across) // 2, round(top + size_px))
    cv2.putText(frame, words, start, font, scale, _BLACK, thickness * 3, cv2.LINE_AA)
    cv2.putText(frame, words, start, font, scale, _WHITE, thickness, cv2.LINE_AA)


def _captions(draw: Callable[[Frame, list[str]], None], lines: int, count: int) -> Apply:
    """Captions that change every second or so: ``draw`` writes ``lines`` of ``count`` letters."""

    def edit(footage: Footage, material: Material) -> Footage:
        every = max(1, round(_CAPTION_S * footage.fps))
        texts = [
            [letters(material.random, count).strip() or "NOW" for _ in range(lines)]
            for _ in range(len(footage) // every + 1)
        ]

        def captioned(frame: Frame, number: int) -> Frame:
            result = frame.copy()
            draw(result, texts[number // every])
            return result

        return footage.each(captioned)

    return edit


def _subtitles(frame: Frame, texts: list[str]) -> None:
    size_px = frame.shape[0] / 18
    for line, words in enumerate(texts):
        _outlined(frame, words, frame.shape[0] * 0.78 + 1.7 * size_px * line, size_px)


def _big_words(frame: Frame, texts: list[str]) -> None:
    size_px = min(frame.shape[0] / 8, frame.shape[1] / 9)
    for line, words in enumerate(texts):
        _outlined(frame, words, frame.shape[0] * 0.4 + 1.6 * size_px * line, size_px)


def _boxed(frame: Frame, texts: list[str]) -> None:
    """Black words in white boxes, a third of the frame in all."""
    height, width = frame.shape[:2]
    step = height * 0.34 / len(texts)
    for line, words in enumerate(texts):
        top = round(height * 0.33 + line * step)
        cv2.rectangle(
            frame, (width // 20, top), (width - width // 20, round(top + step)), _WHITE, -1
        )
        size_px = min(step * 0.5, width / 28)
        lettered(frame, words, (width // 14, round(top + step * 0.75)), size_px, _BLACK)


def _meme_bars(share: float, *, over: bool) -> Apply:
    """Bars with words above and below, each this share of the height: around the picture, or over
    it."""

    def edit(footage: Footage, material: Material) -> Footage:
        height, width = footage.height, footage.width
        bar = even(height * share)
        ground, ink = (_WHITE, _BLACK) if material.random.random() < 0.5 else (_BLACK, _WHITE)
        bars = []
        for _ in range(2):
            one = flat(bar, width, ground)
            for line in range(2):
                words = letters(material.random, 20)
                start = (width // 25, round(bar * (0.43 + 0.42 * line)))
                lettered(one, words, start, min(bar * 0.27, width / 22), ink)
            bars.append(one)
        total = height if over else height + 2 * bar

        def barred(frame: Frame, _: int) -> Frame:
            shown = frame if over else pasted(flat(total, width, ground), frame, bar, 0)
            return pasted(pasted(shown, bars[0], 0, 0), bars[1], total - bar, 0)

        return footage.each(barred, height=total)

    return edit


EDITS: tuple[Edit, ...] = (
    graded("l1 large sticker", *(Recipe(f"{a:.0%}", _sticker_of(a)) for a in (0.2, 0.3, 0.4))),
    single("l1m many stickers", Recipe("30 % in all", _stickers_of(0.3))),
    graded(
        "l2 tiled watermark",
        *(Recipe(f"alpha {a}", _tiled_watermark(a)) for a in (0.25, 0.4, 0.6)),
    ),
    graded("l3 ticker", *(Recipe(f"{s:.0%}", _ticker(s)) for s in (0.12, 0.18, 0.25))),
    graded(
        "l4 captions",
        Recipe("two lines below", _captions(_subtitles, 2, 26)),
        Recipe("large, in the middle", _captions(_big_words, 2, 8)),
        Recipe("boxes over a third", _captions(_boxed, 5, 24)),
    ),
    graded(
        "l5 meme bars",
        Recipe("20 % around", _meme_bars(0.2, over=False)),
        Recipe("12 % over it", _meme_bars(0.12, over=True)),
        Recipe("20 % over it", _meme_bars(0.2, over=True)),
    ),
)
