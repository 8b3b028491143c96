"""Family B, resolution: smaller, squeezed, pixelated, blurred."""

import cv2

from benchmarks.attacks.drawing import blurred, even, resized, sized, u8
from benchmarks.attacks.edit import Apply, Edit, Material, Recipe, graded
from benchmarks.attacks.footage import Footage, Frame


def _downscale(short_px: int) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        del material
        # Small sources still have to shrink, or the edit would be none.
        scale = min(0.75, short_px / min(footage.height, footage.width))
        return sized(footage, even(footage.height * scale), even(footage.width * scale))

    return edit


def _squeeze(share: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        del material
        return sized(footage, footage.height, even(footage.width * share))

    return edit


def _pixelate(cell: int) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        del material
        height, width = footage.height, footage.width

        def coarse(frame: Frame, _: int) -> Frame:
            small = resized(frame, max(1, height // cell), max(1, width // cell))
            return u8(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST))

        return footage.each(coarse)

    return edit


def _blur(sigma_at_480p: float) -> Apply:
    def edit(footage: Footage, material: Material) -> Footage:
        del material
        sigma_px = sigma_at_480p * min(footage.height, footage.width) / 480
        return footage.each(lambda frame, _: blurred(frame, sigma_px))

    return edit


EDITS: tuple[Edit, ...] = (
    graded("b1 downscale", *(Recipe(f"{px}p", _downscale(px)) for px in (480, 240, 120))),
    graded(
        "b2 aspect squeeze", *(Recipe(str(share), _squeeze(share)) for share in (0.85, 0.7, 0.5))
    ),
    graded("b3 pixelate", *(Recipe(f"1/{cell}", _pixelate(cell)) for cell in (4, 8, 16))),
    graded("b4 blur", *(Recipe(f"sigma {sigma}", _blur(sigma)) for sigma in (2, 5, 10))),
)
