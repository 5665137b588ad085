"""What a build says of secrets that stand in its sources."""

from __future__ import annotations

import pytest

from flash_jupyter.build.leaks import told_of_secrets

TOKEN = "hf_" + "a1B2" * 8
RANDOM = "Zq81nPx0LmR7vT2c"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (f"TOKEN = {TOKEN!r}", "line 1: TOKEN looks like a Hugging Face token"),
        (f"\nself.token: str = {TOKEN!r}", "line 2: token looks like a Hugging Face token"),
        (f"login(api_key={RANDOM!r})", "line 1: api_key looks like a secret"),
        (f"{{'password': {RANDOM!r}}}", "line 1: password looks like a secret"),
        (f"login({TOKEN!r})", "line 1: a text looks like a Hugging Face token"),
    ],
    ids=["a name", "an attribute", "an argument", "an entry", "a bare text"],
)
def test_a_secret_is_told_once_and_without_its_value(source: str, said: str) -> None:
    (note,) = told_of_secrets({"churn.py": source.encode()})
    assert note.startswith(f"churn.py, {said}")
    assert TOKEN not in note
    assert RANDOM not in note


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("churn.py", "import os\nTOKEN = os.environ['TOKEN']\nMODEL = 'sklearn/digits-classifier'\ntoken = 'short'"),
        ("broken.py", f"TOKEN = {TOKEN!r} ("),
        ("data.csv", TOKEN),
    ],
    ids=["read from the environment", "no Python", "no module"],
)
def test_what_holds_none_is_not_told(path: str, source: str) -> None:
    assert told_of_secrets({path: source.encode()}) == ()
