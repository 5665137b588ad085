"""Pictures of README and the notebooks, made of what the browser tests took: `python tests/support/pictures.py FROM TO`.

Each is cut to what it shows and saved with a palette, so that a picture has some ten kilobytes. Without folders it
prints the tests that take them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageChops

THEMES = ("light", "dark")
#: name of a picture -> the tests' pictures that stand in it, one below the other
PICTURES = {
    "card": ("card-running",),
    "phases": (
        "card-preflight",
        "card-provisioning",
        "card-queue",
        "card-starting",
        "card-dependencies",
        "card-running",
        "card-returning",
        "card-over",
    ),
    "waiting": ("card-waiting",),
    "panel": ("panel",),
    "sidebar": ("sidebar",),
}
#: the tests that take those: the sidebar's first, while there is one endpoint, the panel's last, when there are several
TAKEN_BY = (
    "tests/browser/test_sidebar.py::test_what_a_cell_starts_is_seen_cancelled_and_taken_away",
    "tests/browser/test_card.py::test_the_card_can_be_read_in_each_phase",
    "tests/browser/test_card.py::test_a_card_that_is_over_unfolds",
    "tests/browser/test_card.py::test_a_cell_that_waits_says_why",
    "tests/browser/test_panel.py::test_an_endpoint_is_looked_at_and_deleted_with_the_mouse",
)
#: around what is shown, and between pictures that stand below each other; pixels
MARGIN = 10
COLOURS = 128


def cut(picture: Image.Image) -> Image.Image:
    """Take away the empty edges, which have the colour of the last pixel, but for a margin."""
    ground = picture.getpixel((picture.width - 1, picture.height - 1))
    shown = ImageChops.difference(picture, Image.new("RGB", picture.size, ground)).getbbox()
    return picture.crop(shown) if shown else picture


def stack(pictures: list[Image.Image]) -> Image.Image:
    """Set pictures of one ground below each other."""
    first = pictures[0]
    ground = first.getpixel((first.width - 1, first.height - 1))
    pictures = [cut(picture) for picture in pictures]
    width = max(picture.width for picture in pictures) + 2 * MARGIN
    height = sum(picture.height + MARGIN for picture in pictures) + MARGIN
    whole, at = Image.new("RGB", (width, height), ground), MARGIN
    for picture in pictures:
        whole.paste(picture, (MARGIN, at))
        at += picture.height + MARGIN
    return whole


def make(source: Path, target: Path) -> None:
    """Write all pictures, in both themes."""
    for name, parts in PICTURES.items():
        for theme in THEMES:
            whole = stack([Image.open(source / f"{part}-{theme}.png").convert("RGB") for part in parts])
            small = whole.quantize(COLOURS, dither=Image.Dither.NONE)
            small.save(target / f"{name}-{theme}.png", optimize=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        make(*map(Path, sys.argv[1:]))
    else:
        print(*TAKEN_BY)
