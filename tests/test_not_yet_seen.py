"""CONTRIBUTING's table of what only the cloud can prove: each row names its recorded examples, and each example has a row."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

HERE = Path(__file__).parent
#: what the platform and its workers say to each other, and the document itself: our client asks for none of it
NOT_THE_CLIENTS = ("worker-*", "openapi-*")
EXAMPLES = sorted(
    path.stem
    for path in (HERE / "contract").glob("*.json")
    if not any(fnmatch(path.stem, pattern) for pattern in NOT_THE_CLIENTS)
)


def grounds() -> dict[str, str]:
    """What each row says (the first column), and what it rests on (the second one)."""
    text = (HERE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Not yet seen on the real Runpod\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").partition(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {what: ground for what, _, ground in rows[1:]}


def named(ground: str) -> set[str]:
    """The examples that a row names, itself or by a pattern."""
    return {name for name in EXAMPLES for word in re.findall(r"`([^`]+)`", ground) if fnmatch(name, word)}


def test_each_row_names_its_examples_or_says_that_there_is_none() -> None:
    assert [what for what, ground in grounds().items() if not named(ground) and "no example" not in ground] == []


def test_each_example_of_the_client_has_a_row() -> None:
    assert set().union(*map(named, grounds().values())) == set(EXAMPLES)
