"""The pictures of README and the notebooks: each is shown somewhere, in words too, and is small."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from pictures import MARGIN, PICTURES, TAKEN_BY, THEMES, stack
from PIL import Image, ImageStat

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "notebooks" / "images"
LARGEST_BYTES = 60_000
NAMES = [f"{name}-{theme}.png" for name in PICTURES for theme in THEMES]


def shown() -> dict[str, str]:
    """Name of each picture that README or a notebook shows -> the words that stand for it."""
    readme = (ROOT / "README.md").read_text()
    links = re.findall(r'<img alt="([^"]+)" src="notebooks/images/([^"]+)"', readme)
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(notebook, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        links += re.findall(r"!\[([^\]]+)\]\(images/([^)]+)\)", text)
    return {name: words for words, name in links}


def test_what_is_shown_is_what_is_made_and_what_is_there() -> None:
    assert set(shown()) == {f"{name}-light.png" for name in PICTURES}
    assert sorted(path.name for path in IMAGES.iterdir()) == sorted(NAMES)
    dark = re.findall(r'srcset="notebooks/images/([^"]+)"', (ROOT / "README.md").read_text())
    assert set(dark) < set(NAMES)


def test_each_picture_is_told_in_words() -> None:
    assert all(len(words.split()) >= 8 for words in shown().values())


@pytest.mark.parametrize("test", TAKEN_BY)
def test_a_test_that_takes_pictures_is_there(test: str) -> None:
    file, name = test.split("::")
    assert f"\ndef {name}(" in (ROOT / file).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_small_and_of_its_theme(name: str) -> None:
    assert (IMAGES / name).stat().st_size < LARGEST_BYTES
    with Image.open(IMAGES / name) as picture:
        assert picture.mode == "P"
        ground = ImageStat.Stat(picture.convert("L")).median[0]
    assert (ground > 128) == ("light" in name)


def test_pictures_are_cut_and_stand_below_each_other() -> None:
    wide, high = Image.new("RGB", (50, 20), "white"), Image.new("RGB", (50, 20), "white")
    wide.paste("black", (5, 5, 45, 8))
    high.paste("black", (5, 5, 8, 18))
    assert stack([wide, high]).size == (40 + 2 * MARGIN, 3 + 13 + 3 * MARGIN)
