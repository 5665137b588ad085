"""Which environment variables the modules of a resource need."""

from __future__ import annotations

import pytest

from flash_jupyter.build.variables import environment_variables, told_of_secrets

TOKEN = "hf_" + "a1B2" * 8
RANDOM = "Zq81nPx0LmR7vT2c"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        pytest.param('import os\nKEY = os.environ["KEY"]', ["KEY"], id="read as an item"),
        pytest.param('import os\ndef f():\n    return os.getenv("KEY")', ["KEY"], id="read in a function"),
        pytest.param('from os import environ, getenv\ngetenv("A"), environ["B"]', ["A", "B"], id="imported by name"),
        pytest.param('import os\nos.getenv("KEY", "x"), os.environ.get("KEY")', [], id="what has a default"),
        pytest.param('import os\nos.getenv("KEY", default="x")', [], id="a default by name"),
        pytest.param('import os\nos.environ["KEY"] = "1"', [], id="set, not read"),
        pytest.param('environment = {}\nenvironment["KEY"]', [], id="another name"),
        pytest.param("def f(:", [], id="no Python"),
    ],
)
def test_variables_are_those_that_are_read_without_a_default(source: str, names: list[str]) -> None:
    assert environment_variables(["m"], {"m.py": source.encode()}) == names


def test_local_modules_that_are_imported_count_and_others_do_not() -> None:
    files = {
        "workers/__init__.py": b"import os; os.environ['PACKAGE']",
        "workers/gpu.py": b"from . import tools\nfrom .more import thing",
        "workers/tools.py": b"import os; os.environ['TOOLS']",
        "workers/more/__init__.py": b"from ..deep import x; import os; os.environ['MORE']",
        "workers/deep.py": b"import os; os.environ['DEEP']; import workers.gpu",
        "other.py": b"import os; os.environ['OTHER']",
    }
    assert environment_variables(["workers.gpu"], files) == ["DEEP", "MORE", "PACKAGE", "TOOLS"]


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
