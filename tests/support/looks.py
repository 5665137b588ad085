"""Whether a part of a page can be read: measured in the browser, from what it computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: WCAG 2.2, success criterion 1.4.3, for text of normal size
CONTRAST = 4.5
#: says in colour what the word beside it says: the criterion does not hold for it
DECORATION = "●"
#: rounding of boxes, in CSS pixels
TOLERANCE_PX = 1

#: every text with its contrast, and what is wider than the box that it stands in; a text that ends in an ellipsis, and is
#: whole under the pointer, is meant so
_MEASURE = """(root) => {
    const numbers = colour => {
        const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
        return colour.startsWith('color(') ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
    };
    const over = ([r, g, b, a], [r2, g2, b2]) =>
        [r * a + r2 * (1 - a), g * a + g2 * (1 - a), b * a + b2 * (1 - a), 1];
    const ancestors = element => element ? [element, ...ancestors(element.parentElement)] : [];
    const luminance = colour => colour.slice(0, 3).map(value => value / 255)
        .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
    const contrast = element => {
        const path = ancestors(element);
        const ground = path.map(one => numbers(getComputedStyle(one).backgroundColor))
            .reduceRight((below, colour) => over(colour, below), [255, 255, 255, 1]);
        const colour = numbers(getComputedStyle(element).color);
        const seen = path.reduce((product, one) => product * Number(getComputedStyle(one).opacity), 1);
        const [dark, light] = [luminance(ground), luminance(over([...colour.slice(0, 3), colour[3] * seen], ground))]
            .sort((a, b) => a - b);
        return (light + 0.05) / (dark + 0.05);
    };
    const right = root.getBoundingClientRect().right;
    const texts = [], wide = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement, text = walker.currentNode.data.trim();
        if (text && element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}))
            texts.push({text, contrast: contrast(element)});
    }
    for (const element of [root, ...root.querySelectorAll('*')]) {
        const box = element.getBoundingClientRect();
        const {overflowX, textOverflow} = getComputedStyle(element);
        const hidden = overflowX !== 'visible' && !(textOverflow === 'ellipsis' && element.title);
        if (box.width && (box.right > right + TOLERANCE || hidden && element.scrollWidth > element.clientWidth + TOLERANCE))
            wide.push(`${element.tagName.toLowerCase()}.${element.className}: ${element.innerText ?? ''}`.slice(0, 120));
    }
    return {texts, wide};
}""".replace("TOLERANCE", str(TOLERANCE_PX))


@dataclass(frozen=True)
class Looks:
    """What was measured: contrast of each text, and elements that are too wide."""

    contrasts: dict[str, float]
    too_wide: list[str]

    @property
    def pale(self) -> dict[str, float]:
        """The texts that are hard to read."""
        return {
            text: round(ratio, 2) for text, ratio in self.contrasts.items() if ratio < CONTRAST and text != DECORATION
        }


def measure(locator: Any) -> Looks:
    """Measure a part of a page, which must be one element."""
    measured = locator.evaluate(_MEASURE)
    contrasts: dict[str, float] = {}
    for text in measured["texts"]:  # of the same text twice, the paler one
        contrasts[text["text"]] = min(text["contrast"], contrasts.get(text["text"], 21.0))
    return Looks(contrasts, measured["wide"])


def assert_readable(locator: Any) -> None:
    """Fail where a text is pale, something overflows, there is a horizontal scrollbar, or a price became a formula."""
    looks = measure(locator)
    assert looks.contrasts, "there is no text"
    assert not looks.pale, f"contrast below {CONTRAST}: {looks.pale}"
    assert not looks.too_wide, f"wider than its place: {looks.too_wide}"
    assert not locator.locator("mjx-container").count(), "MathJax found a formula in it"
