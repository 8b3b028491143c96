"""Frames that many clips share around footage of their own: negatives that fool local features.

A template is a function from footage to footage. It draws the same words, logos and buttons
whatever the footage is, so that two clips in one template have hundreds of patches in common, at
the same places, and show different things.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from benchmarks.attacks.drawing import covering, flat, lettered, letters, pasted, resized, u8
from benchmarks.attacks.footage import Footage, Frame

HEIGHT, WIDTH = 360, 640
_WHITE, _BLACK, _DARK, _GREY = (245, 245, 245), (0, 0, 0), (28, 26, 24), (110, 110, 115)
_RED, _BLUE, _GREEN = (40, 40, 200), (160, 70, 20), (80, 160, 60)
_BUBBLES = ("have you seen this one", "where is that", "no idea, my cousin sent it", "lol")

Template = Callable[[Footage], Footage]


def _inside(footage: Footage, ground: Frame, top: int, left: int, size: tuple[int, int]) -> Footage:
    """The footage at this place and of this (height, width) on a still picture."""
    inner = covering(footage, *size)
    return inner.each(
        lambda frame, _: pasted(ground, frame, top, left),
        height=ground.shape[0],
        width=ground.shape[1],
    )


def _over(footage: Footage, draw: Callable[[Frame, float], None]) -> Footage:
    """``draw`` on each frame of the footage, which fills the frame; it gets the time in seconds."""

    def drawn(frame: Frame, number: int) -> Frame:
        result = resized(frame, HEIGHT, WIDTH).copy()
        draw(result, number / footage.fps)
        return result

    return covering(footage, HEIGHT, WIDTH).each(drawn)


def _meme_frame(footage: Footage) -> Footage:
    ground = flat(HEIGHT + 160, WIDTH, _WHITE)
    lettered(ground, "WHEN YOU FINALLY FIND OUT", (20, 35), 24, _BLACK)
    lettered(ground, "WHAT THEY DID LAST NIGHT", (20, 70), 24, _BLACK)
    lettered(ground, "tag someone who needs to see", (20, HEIGHT + 120), 18, _BLACK)
    lettered(ground, "@best.of.memes", (430, HEIGHT + 148), 14, _GREY)
    return _inside(footage, ground, 80, 0, (HEIGHT, WIDTH))


def _player_page(footage: Footage) -> Footage:
    """A video site: the player, a title, buttons, other clips beside it."""
    random = np.random.default_rng(71)
    page = flat(480, 854, (250, 250, 250))
    cv2.rectangle(page, (0, 0), (854, 38), _WHITE, -1)
    lettered(page, "VideoPlace", (40, 26), 15, _RED)
    cv2.rectangle(page, (260, 8), (600, 30), _GREY, 1)
    lettered(page, "Search", (270, 25), 11, _GREY)
    for row in range(6):
        top = 50 + row * 70
        thumb = resized(u8(random.integers(20, 230, (4, 6, 3))), 60, 106)
        page[top : top + 60, 610:716] = thumb
        for line in range(3):
            words = letters(random, 14)
            lettered(page, words, (724, top + 14 + line * 18), 9, _DARK)
    lettered(page, "You will not believe what happens next", (20, 400), 15, _DARK)
    lettered(page, "128 301 views   2 days ago", (20, 424), 11, _GREY)
    for place, word in enumerate(("Like", "Dislike", "Share", "Save", "Report")):
        cv2.rectangle(page, (20 + 90 * place, 440), (100 + 90 * place, 466), _GREY, 1)
        lettered(page, word, (30 + 90 * place, 458), 11, _DARK)
    playing = _inside(footage, page, 48, 20, (324, 576))

    def controlled(frame: Frame, number: int) -> Frame:
        shown = frame.copy()
        done = 20 + round(576 * (number + 1) / len(playing))
        cv2.line(shown, (20, 360), (596, 360), _GREY, 3)
        cv2.line(shown, (20, 360), (done, 360), _RED, 3)
        lettered(shown, "|> 0:04 / 0:31     HD  [ ]", (28, 352), 9, _WHITE)
        return shown

    return playing.each(controlled)


def _news_studio(footage: Footage) -> Footage:
    """Two boxes before a channel's wall: the footage, and an anchor who hardly moves."""
    wall = flat(HEIGHT, WIDTH, _BLUE)
    for place in range(0, WIDTH, 32):
        cv2.line(wall, (place, 0), (place - 120, HEIGHT), (190, 100, 40), 5)
    cv2.circle(wall, (320, 60), 44, (220, 140, 60), 6)
    wall[20:280, 15:405] = _WHITE
    wall[20:280, 425:625] = _WHITE
    wall[26:274, 431:619] = (120, 90, 60)
    cv2.ellipse(wall, (525, 300), (70, 90), 0, 180, 360, (60, 40, 40), -1)
    cv2.ellipse(wall, (525, 150), (34, 46), 0, 0, 360, (150, 180, 220), -1)
    wall[290:326] = _RED
    lettered(wall, "LIVE", (24, 316), 18, _WHITE)
    lettered(wall, "NINE NEWS TONIGHT", (120, 316), 18, _WHITE)
    inside = _inside(footage, wall, 26, 21, (248, 378))

    def running(frame: Frame, number: int) -> Frame:
        shown = frame.copy()
        shown[330:] = _WHITE
        left = 200 - round(number * 110 / footage.fps)
        lettered(shown, "MARKETS CLOSE HIGHER +++ RAIN EXPECTED +++ " * 3, (left, 352), 13, _BLACK)
        return shown

    return inside.each(running)


def _captions(footage: Footage) -> Footage:
    """The same words at the same times in the same letters."""
    texts = ("WAIT FOR IT", "THIS IS NOT", "WHAT IT LOOKS LIKE", "TRUST ME", "OH MY GOD", "THE END")

    def draw(frame: Frame, time_s: float) -> None:
        words = texts[int(time_s) % len(texts)]
        for colour, thickness in ((_BLACK, 12), (_WHITE, 4)):
            font = cv2.FONT_HERSHEY_DUPLEX
            (across, _), _ = cv2.getTextSize(words, font, 1.6, 4)
            start = ((WIDTH - across) // 2, 210)
            cv2.putText(frame, words, start, font, 1.6, colour, thickness, cv2.LINE_AA)

    return _over(footage, draw)


def _subtitles(footage: Footage) -> Footage:
    """A film's subtitles: yellow, two lines, the same words."""
    random = np.random.default_rng(72)
    texts = [[letters(random, 34).capitalize() for _ in range(2)] for _ in range(8)]

    def draw(frame: Frame, time_s: float) -> None:
        for line, words in enumerate(texts[int(time_s / 1.5) % len(texts)]):
            start = (70, 308 + 30 * line)
            lettered(frame, words, (start[0] + 1, start[1] + 1), 17, _BLACK)
            lettered(frame, words, start, 17, (60, 230, 250))

    return _over(footage, draw)


def _watermark(footage: Footage) -> Footage:
    sheet = np.zeros((900, 900, 3), np.uint8)
    for row in range(0, 900, 64):
        for left in range(-(row % 128), 900, 200):
            lettered(sheet, "(c) stockfilm", (left, row), 18, _WHITE)
    turn = cv2.getRotationMatrix2D((450, 450), 30, 1.0)
    tiles = u8(cv2.warpAffine(sheet, turn, (900, 900)))[270 : 270 + HEIGHT, 130 : 130 + WIDTH]
    ink = tiles[:, :, :1].astype(np.float32) / 255 * 0.5

    def draw(frame: Frame, time_s: float) -> None:
        del time_s
        frame[:] = u8(frame * (1 - ink) + 255 * ink)

    return _over(footage, draw)


def _game_display(footage: Footage) -> Footage:
    """A first-person game's displays and the player's hands over another world."""
    random = np.random.default_rng(73)
    radar = resized(u8(random.integers(60, 200, (9, 9, 3))), 90, 90)
    hands = np.array([[380, 360], [430, 250], [470, 236], [560, 300], [640, 330], [640, 360]])

    def draw(frame: Frame, time_s: float) -> None:
        frame[12:102, 12:102] = radar
        cv2.rectangle(frame, (12, 12), (102, 102), _WHITE, 2)
        cv2.fillPoly(frame, [hands], (50, 60, 70))
        cv2.polylines(frame, [hands], isClosed=True, color=_BLACK, thickness=3)
        cv2.drawMarker(frame, (320, 180), _WHITE, cv2.MARKER_CROSS, 20, 2)
        cv2.rectangle(frame, (16, 322), (176, 342), _RED, -1)
        lettered(frame, "HP 87", (20, 338), 13, _WHITE)
        lettered(frame, f"{30 - int(time_s) % 30} | 120", (520, 342), 18, _WHITE)
        for row, name in enumerate(("Rook > Mantis", "ZeroZero > kim_9", "Ada > Pixel")):
            lettered(frame, name, (470, 30 + 20 * row), 12, _WHITE)

    return _over(footage, draw)


def _lower_third(footage: Footage) -> Footage:
    def draw(frame: Frame, time_s: float) -> None:
        frame[270:312, 30:470] = _DARK
        frame[312:336, 30:380] = _RED
        lettered(frame, "JANE EXAMPLE, REPORTER", (42, 300), 20, _WHITE)
        lettered(frame, "Reporting from the harbour", (42, 330), 14, _WHITE)
        cv2.circle(frame, (580, 40), 24, _BLUE, -1)
        lettered(frame, "C9", (562, 48), 18, _WHITE)
        lettered(frame, f"21:0{int(time_s / 60)}", (560, 84), 12, _WHITE)

    return _over(footage, draw)


def _camera_stamp(footage: Footage) -> Footage:
    """A surveillance camera's words: name, date and a running clock."""

    def draw(frame: Frame, time_s: float) -> None:
        lettered(frame, "CAM 04  NORTH ENTRANCE", (14, 28), 16, _WHITE)
        lettered(frame, f"2024-03-11 18:42:{10 + time_s:05.2f}", (370, 28), 16, _WHITE)
        cv2.circle(frame, (20, 340), 7, _RED, -1)
        lettered(frame, "REC", (34, 346), 15, _WHITE)
        cv2.rectangle(frame, (6, 6), (WIDTH - 6, HEIGHT - 6), _WHITE, 1)
        for x in (40, WIDTH - 40):
            for y in (60, HEIGHT - 60):
                cv2.drawMarker(frame, (x, y), _WHITE, cv2.MARKER_CROSS, 24, 1)

    return _over(footage, draw)


def _chat_with_clip(footage: Footage) -> Footage:
    """A messenger on a phone: the clip in a message, others around it, the keyboard below."""
    screen = flat(860, 400, (225, 232, 228))
    screen[:56] = _GREEN
    lettered(screen, "< Family group", (18, 38), 18, _WHITE)
    for row, words in enumerate(_BUBBLES):
        top = 330 + row * 44
        left = 20 if row % 2 else 90
        cv2.rectangle(screen, (left, top), (left + 290, top + 34), _WHITE, -1)
        lettered(screen, words, (left + 10, top + 23), 12, _DARK)
    keys(screen, 560)
    return _inside(footage, screen, 84, 20, (203, 360))


def keys(screen: Frame, top: int) -> None:
    """A phone's keyboard across the screen, from this row down."""
    width = screen.shape[1]
    screen[top:] = (205, 208, 210)
    size = width / 10
    for row, word in enumerate(("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")):
        inset = (width - size * len(word)) / 2
        for place, letter in enumerate(word):
            x, y = round(inset + place * size), round(top + 8 + row * size * 1.35)
            corner = (round(x + size - 5), round(y + size * 1.2))
            cv2.rectangle(screen, (x + 2, y), corner, _WHITE, -1)
            lettered(screen, letter, (round(x + size * 0.3), round(y + size * 0.8)), 14, _DARK)
    bar = round(top + 8 + 4 * size * 1.35)
    cv2.rectangle(screen, (round(width * 0.25), bar), (round(width * 0.75), bar + 36), _WHITE, -1)
    lettered(screen, "space", (round(width * 0.43), bar + 24), 12, _DARK)


def _short_video(footage: Footage) -> Footage:
    """A short-video app: tall, buttons and words over the picture."""
    tall = covering(footage, 700, 392)

    def drawn(frame: Frame, number: int) -> Frame:
        shown = frame.copy()
        lettered(shown, "Following | For You", (96, 40), 15, _WHITE)
        for row, count in enumerate(("84K", "1204", "911", "Share")):
            cv2.circle(shown, (358, 360 + row * 64), 18, _WHITE, -1, cv2.LINE_AA)
            cv2.circle(shown, (358, 360 + row * 64), 9, _RED, 3, cv2.LINE_AA)
            lettered(shown, count, (340, 394 + row * 64), 11, _WHITE)
        lettered(shown, "@daily.clips", (14, 616), 15, _WHITE)
        lettered(shown, "#fyp #viral #wow original sound", (14, 642), 12, _WHITE)
        for place, word in enumerate(("Home", "Shop", "  +", "Inbox", "Me")):
            lettered(shown, word, (14 + 78 * place, 688), 12, _WHITE)
        done = round(392 * (number + 1) / len(footage))
        cv2.line(shown, (0, 664), (done, 664), _WHITE, 2)
        return shown

    return tall.each(drawn)


def _logo_wall(footage: Footage) -> Footage:
    """A press conference: sponsors' logos all over the wall, and the footage on a screen in it."""
    wall = flat(HEIGHT, WIDTH, _WHITE)
    for row in range(7):
        for column in range(6):
            x, y = column * 116 - 50 * (row % 2), row * 54 + 30
            if (row + column) % 2:
                cv2.circle(wall, (x, y - 6), 13, _RED, -1)
                lettered(wall, "ACME", (x + 18, y), 14, _RED)
            else:
                lettered(wall, "Bank of 9", (x - 10, y), 13, _BLUE)
                cv2.rectangle(wall, (x - 16, y + 4), (x + 90, y + 7), _BLUE, -1)
    return _inside(footage, wall, 60, 380, (130, 231))


TEMPLATES: Final[dict[str, Template]] = {
    "meme frame": _meme_frame,
    "player page": _player_page,
    "news studio": _news_studio,
    "captions": _captions,
    "subtitles": _subtitles,
    "watermark": _watermark,
    "game display": _game_display,
    "lower third": _lower_third,
    "camera stamp": _camera_stamp,
    "chat with a clip": _chat_with_clip,
    "short-video app": _short_video,
    "logo wall": _logo_wall,
}
