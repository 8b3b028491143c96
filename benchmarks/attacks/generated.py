"""Procedural footage: kinds that are easily confused with one another, and scenes where no real
clips are. Harmless by construction."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.attacks.drawing import flat, lettered, letters, resized, u8
from benchmarks.attacks.footage import Footage, Frame, joined
from benchmarks.procedural import scene

HEIGHT, WIDTH, FPS = 270, 480, 25.0
_SECONDS: Final = 8.0
_LEADER_S: Final = 5.0
_WHITE, _DARK = (240, 240, 240), (30, 26, 24)


def made(group: str, seconds: float, shown: Callable[[int], Frame]) -> Footage:
    """Footage of this group, from a function of the frame's number."""
    count = round(seconds * FPS)
    return Footage(
        FPS,
        HEIGHT,
        WIDTH,
        (group,) * count,
        (np.arange(count) * 1000.0 / FPS).astype(np.float64),
        shown,
    )


def scenery(seed: int, seconds: float = _SECONDS) -> Footage:
    """A wandering window over clouds in two colours; unrelated for different seeds."""
    random = np.random.default_rng(seed)
    low, high = random.integers(0, 90, 3), random.integers(160, 256, 3)
    lumas = list(scene(seed, round(seconds * FPS), HEIGHT, WIDTH))

    def shown(number: int) -> Frame:
        luma = lumas[number][:, :, None].astype(np.float32) / 255
        return (low + (high - low) * luma).astype(np.uint8)

    return made(f"scene-{seed}", seconds, shown)


def _black(seed: int) -> Footage:
    random = np.random.default_rng(seed)
    planes = random.integers(0, 3, (8, HEIGHT, WIDTH, 1)).astype(np.uint8)  # a camera's lens cap
    return made(f"black-{seed}", _SECONDS, lambda number: np.repeat(planes[number % 8], 3, axis=2))


def _test_card(seed: int) -> Footage:
    card = flat(HEIGHT, WIDTH, _DARK)
    colours = [(v & 4 and 190, v & 2 and 190, v & 1 and 190) for v in range(7, -1, -1)]
    for place, colour in enumerate(colours):
        card[: HEIGHT * 2 // 3, place * WIDTH // 8 : (place + 1) * WIDTH // 8] = colour
    ramp = np.linspace(0, 255, WIDTH).astype(np.uint8)
    card[HEIGHT * 2 // 3 : HEIGHT * 5 // 6] = ramp[None, :, None]
    random = np.random.default_rng(seed)
    lettered(card, letters(random, 10), (20, HEIGHT - 15), 18, _WHITE)

    def shown(number: int) -> Frame:
        frame = card.copy()
        lettered(frame, f"{number / FPS:05.2f}", (WIDTH - 140, HEIGHT - 15), 18, _WHITE)
        return frame

    return made(f"test-card-{seed}", _SECONDS, shown)


def _slides(seed: int) -> Footage:
    """A deck in one template, two seconds a slide; other seeds have other words."""
    random = np.random.default_rng(seed)
    deck: list[Frame] = []
    for _ in range(round(_SECONDS / 2)):
        slide = flat(HEIGHT, WIDTH, _WHITE)
        slide[:40] = (150, 70, 30)
        lettered(slide, letters(random, 20), (20, 30), 18, _WHITE)
        for row in range(5):
            lettered(slide, letters(random, 30), (40, 85 + 36 * row), 13, _DARK)
        deck.append(slide)
    return made(f"slides-{seed}", _SECONDS, lambda number: deck[int(number / FPS / 2)])


def intro() -> Footage:
    """A channel's logo intro, three seconds: the same wherever it is used, and nobody's."""

    def shown(number: int) -> Frame:
        frame = flat(HEIGHT, WIDTH, (90, 30, 20))
        radius = min(90, 12 + 2 * number)
        cv2.circle(frame, (WIDTH // 2, HEIGHT // 2), radius, (60, 160, 240), -1, cv2.LINE_AA)
        cv2.circle(frame, (WIDTH // 2, HEIGHT // 2), radius // 2, _WHITE, 6, cv2.LINE_AA)
        if number > 35:
            lettered(frame, "CHANNEL NINE", (WIDTH // 2 - 105, HEIGHT - 25), 20, _WHITE)
        return frame

    return made("intro", 3.0, shown).nobodys()


def _behind(start: Footage, group: str, own: Footage) -> Footage:
    """Footage of this group's own after a start that is nobody's."""
    lead_ms = start.duration_s * 1000.0
    owned = replace(own, owners=(group,) * len(own), times_ms=own.times_ms + lead_ms)
    return joined([start, owned])


def _with_intro(seed: int) -> Footage:
    return _behind(intro(), f"intro-show-{seed}", scenery(5000 + seed, 6.0))


def _with_logo(seed: int) -> Footage:
    """A news channel's own: logo, lower third and running line are the same over other scenes."""
    own = scenery(6000 + seed)

    def shown(number: int) -> Frame:
        frame = own.shown(number).copy()
        frame[14:44, WIDTH - 84 : WIDTH - 14] = (40, 30, 170)
        lettered(frame, "NINE", (WIDTH - 78, 37), 18, _WHITE)
        frame[HEIGHT - 66 : HEIGHT - 26, 20 : WIDTH - 20] = (110, 60, 20)
        lettered(frame, "BREAKING NEWS", (32, HEIGHT - 39), 20, _WHITE)
        frame[HEIGHT - 22 :] = _DARK
        lettered(frame, "CHANNEL NINE NEWS " * 3, (-2 * (number % 90), HEIGHT - 6), 12, _WHITE)
        return frame

    return made(f"logo-show-{seed}", _SECONDS, shown)


def _talking_head(seed: int) -> Footage:
    """A face that nods and speaks before a still wall; other seeds are other people."""
    random = np.random.default_rng(seed)
    wall = resized(u8(random.integers(90, 170, (6, 9, 3))), HEIGHT, WIDTH)
    skin = tuple(int(value) for value in random.integers(110, 210, 3))
    shirt = tuple(int(value) for value in random.integers(20, 200, 3))
    rates = random.uniform(0.8, 2.5, 3)

    def shown(number: int) -> Frame:
        time_s = number / FPS
        frame = wall.copy()
        sway = np.sin(time_s * rates[:2]) * (7, 4)
        x, y = WIDTH // 2 + int(sway[0]), HEIGHT // 2 - 15 + int(sway[1])
        cv2.ellipse(frame, (WIDTH // 2, HEIGHT + 20), (130, 100), 0, 0, 360, shirt, -1)
        cv2.ellipse(frame, (x, y), (52, 70), 0, 0, 360, skin, -1, cv2.LINE_AA)
        for side in (-1, 1):
            cv2.circle(frame, (x + side * 20, y - 15), 6, _DARK, -1, cv2.LINE_AA)
        mouth = 3 + int(abs(np.sin(time_s * rates[2] * 4)) * 9)
        cv2.ellipse(frame, (x, y + 35), (18, mouth), 0, 0, 360, (40, 40, 120), -1, cv2.LINE_AA)
        return frame

    return made(f"talking-head-{seed}", _SECONDS, shown)


def _game(seed: int) -> Footage:
    """First-person: a floor that comes on, blocks, crosshair and displays that never change."""
    random = np.random.default_rng(seed)
    blocks = random.uniform((-4, 1.5, 40), (4, 40, 220), (30, 3))

    def shown(number: int) -> Frame:
        frame = flat(HEIGHT, WIDTH, (200, 150, 110))
        frame[HEIGHT // 2 :] = (60, 90, 70)
        ahead = (blocks[:, 1] - number / FPS * 5) % 40 + 0.6
        for place in np.argsort(-ahead):
            _block(frame, blocks[place], float(ahead[place]))
        cv2.drawMarker(frame, (WIDTH // 2, HEIGHT // 2), _WHITE, cv2.MARKER_CROSS, 16, 2)
        cv2.rectangle(frame, (10, HEIGHT - 34), (120, HEIGHT - 12), (40, 40, 200), -1)
        lettered(frame, "30 / 90", (WIDTH - 100, HEIGHT - 16), 14, _WHITE)
        return frame

    return made(f"game-{seed}", _SECONDS, shown)


def _block(frame: Frame, block: NDArray[np.float64], ahead: float) -> None:
    x = WIDTH / 2 + block[0] / ahead * WIDTH / 2
    size = WIDTH / 4 / ahead
    bottom = HEIGHT / 2 + HEIGHT / 3 / ahead
    shade = int(block[2])
    corners = (int(x - size), int(bottom - 2 * size)), (int(x + size), int(bottom))
    cv2.rectangle(frame, *corners, (shade, shade // 2, 255 - shade), -1)
    cv2.rectangle(frame, *corners, _DARK, 1)


def _leader() -> Footage:
    """Numbers and a turning hand, five seconds: the same before every film, and nobody's."""

    def shown(number: int) -> Frame:
        frame = flat(HEIGHT, WIDTH, (120, 120, 120))
        angle = 2 * np.pi * (number / FPS % 1)
        centre = (WIDTH // 2, HEIGHT // 2)
        hand = (int(centre[0] + 110 * np.sin(angle)), int(centre[1] - 110 * np.cos(angle)))
        cv2.circle(frame, centre, 110, _DARK, 3)
        cv2.line(frame, centre, hand, _DARK, 3)
        left = str(int(_LEADER_S - number / FPS))
        lettered(frame, left, (centre[0] - 25, centre[1] + 30), 60, _DARK)
        return frame

    return made("leader", _LEADER_S, shown).nobodys()


def _film(first_seed: int) -> Callable[[int], Footage]:
    """Films after the leader."""
    return lambda seed: _behind(_leader(), f"film-{first_seed + seed}", scenery(first_seed + seed))


# Seeds 1 and 2 of each kind are the same template with other content: seed 1 goes on the list,
# and seed 2 is checked and must not be found. Kinds of one template differ after "of".
KINDS: dict[str, Callable[[int], Footage]] = {
    "black": _black,
    "test card": _test_card,
    "slides": _slides,
    "shared intro": _with_intro,
    "shared logo": _with_logo,
    "talking head": _talking_head,
    "game": _game,
    # What one reference alone begins with cannot be told from its own footage: two begin with it.
    "countdown leader of a film": _film(7000),
    "countdown leader of a newsreel": _film(8000),
    "scenery": scenery,
}


def template(kind: str) -> str:
    """What footage of this kind has in common with that of others."""
    return kind.split(" of ", maxsplit=1)[0]
