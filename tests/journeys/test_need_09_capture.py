"""Need 9: what is huge or secret does not travel unseen: what is not read stays, what is read is shown before."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytestmark = pytest.mark.journey

#: as large as the need says, and never touched: the system gives such memory only when it is written to
HUGE = "import numpy as np, pandas as pd\ndf = pd.DataFrame(np.zeros((250_000_000, 1)), columns=['a'], copy=False)"
KEY = "API_KEY = 'sk-' + 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1b'"


def jobs(notebook: Any) -> Any:
    return notebook.ok("%flash jobs --json").bundles


def explained(cell: Any) -> dict[str, Any]:
    (bundle,) = cell.bundles
    return dict(bundle["application/json"]["cell"])


def test_need_09_what_the_cell_does_not_read_is_not_sent(notebook: Any) -> None:
    notebook.ok(f"{HUGE}\n{KEY}\nx = 20")
    started = time.monotonic()
    assert notebook.ok("%%remote\ny = x + 1\ny").result == "21"
    assert time.monotonic() - started < 60, "2 GB would have taken longer"
    shown = explained(notebook.ok("%flash explain --json"))
    assert [row["name"] for row in shown["sent"]] == ["x"]
    assert shown["size_bytes"] < 100_000


def test_need_09_a_huge_value_stops_before_anything_is_provisioned(desk: Any) -> None:
    notebook = desk.open()
    notebook.ok(f"{HUGE}\nx = 1")
    text = (
        "PayloadTooLargeError: what the cell reads takes 2,000.0 MB, a request holds 10.5 MB; nothing was sent\n"
        "    df                       2,000.0 MB\n"
        "    x                            0.0 MB\n"
        "  → load `df` in the cell itself, or leave it out with drop=df"
    )
    assert notebook.run("%%remote\nmean = df.a.mean() + x").traceback == text
    cell = notebook.run("%%remote dry\nmean = df.a.mean() + x")
    assert cell.traceback == text
    table = cell.displays[0].splitlines()
    assert table[1:5] == [
        "sends 2 names",
        "name  type                              size                why",
        "df    pandas.DataFrame 250,000,000 x 1  at least 2000.0 MB  line 2",
        "x     int                               at least 0 B        line 2",
    ]
    assert "comes back: mean, df if it is changed, the value of the last expression" in table
    assert not (desk.home / "local").exists(), "the embedded Runpod was not even started"
    assert notebook.ok("%%remote drop=df\nx + 1").result == "2"


SECRETS = [
    (
        "by its value",
        "token = 'hf_' + 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1b'",
        "len(token)",
        (
            "SecretFoundError: `token` looks like a Hugging Face token; nothing was sent\n"
            "  → pass it as env=TOKEN=… (never stored, masked in output), or leave it out with drop=token"
        ),
    ),
    (
        "by its name, where the value is random",
        "db_password = 'Zq81nPx0LmR7vT2c'",
        "len(db_password)",
        (
            "SecretFoundError: `db_password` looks like a secret (a random value under a name like that); nothing was sent\n"
            "  → pass it as env=DB_PASSWORD=… (never stored, masked in output), or leave it out with drop=db_password"
        ),
    ),
    (
        "inside of a dict that a helper reads",
        "conf = {'key': 'sk-' + 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1b'}\ndef connect(): return conf['key']",
        "connect()",
        (
            "SecretFoundError: `conf` looks like an OpenAI API key (in ['key']); nothing was sent\n"
            "  → pass it as env=CONF=… (never stored, masked in output), or leave it out with drop=conf"
        ),
    ),
]


@pytest.mark.parametrize(("here", "there", "text"), [case[1:] for case in SECRETS], ids=[case[0] for case in SECRETS])
def test_need_09_a_secret_stops_and_the_fix_is_named(notebook: Any, here: str, there: str, text: str) -> None:
    notebook.ok(here)
    before = jobs(notebook)
    assert notebook.run(f"%%remote\n{there}").traceback == text
    dry = notebook.run(f"%%remote dry\n{there}")
    assert dry.traceback == text
    assert "aB3dE5gH7jK9" not in str(dry)
    assert jobs(notebook) == before


def test_need_09_env_is_the_way_for_a_secret(notebook: Any) -> None:
    notebook.ok(f"{KEY}\nimport os; os.environ['API_KEY'] = API_KEY")
    cell = notebook.ok(
        "%%remote env=API_KEY drop=API_KEY\nimport os\nprint(os.environ['API_KEY'])\nlen(os.environ['API_KEY'])"
    )
    assert cell.result == "37"
    assert "aB3dE5gH7jK9" not in cell.stdout


def test_need_09_explain_says_what_travels_and_why(notebook: Any, shared_desk: Any) -> None:
    (shared_desk.folder / "explained.py").write_text("def clean(x):\n    return x\n")
    notebook.ok("import explained\nRATE = 3\ndef helper(x): return explained.clean(x) * RATE\nitems = [1, 2]")
    cell = notebook.ok(
        "%%remote dry gpu=any deps=torch env=MODE=x out=total,items\nitems.append(helper(2))\ntotal = sum(items)"
    )
    lines = cell.displays[0].splitlines()
    assert lines[0].startswith("would run on the local Runpod · flash-any-py")
    assert " · any GPU · Python 3." in lines[0]
    assert lines[0].endswith(" · costs nothing")
    assert lines[2].split() == ["name", "type", "size", "why"]
    assert {line.split()[0] for line in lines[3:8]} == {"helper", "explained", "items", "RATE", "explained.py"}
    why = {row["name"]: (row["type"], row["why"]) for row in explained(notebook.ok("%flash explain --json"))["sent"]}
    assert why == {
        "helper": ("function", "line 2"),
        "items": ("list of 2", "line 2"),
        "explained": ("module explained", "helper reads it"),
        "RATE": ("int", "helper reads it"),
        "explained.py": ("local module", "imported"),
    }
    assert lines[8:] == [
        "comes back: total, items if it is changed, the value of the last expression",
        "packages: torch",
        "environment, values hidden: MODE",
        "nothing was sent",
    ]
    assert notebook.value("'total' in globals(), items") == (False, [1, 2])


def test_need_09_explain_names_undeclared_imports_and_the_price(notebook: Any) -> None:
    notebook.run("%%remote dry backend=runpod gpu=AMPERE_80\nimport surely_not_there")
    shown = explained(notebook.ok("%flash explain --json"))
    assert shown["undeclared"] == {"surely_not_there": "surely-not-there"}
    assert shown["price_per_hour_usd"] == 2.736
    assert shown["image"].startswith("runpod/flash:py3.")
    text = notebook.ok("%flash explain").status
    assert "on Runpod" in text
    assert "at most $2.74 per hour of a worker" in text


def test_need_09_explain_before_any_cell_says_so(shared_desk: Any) -> None:
    notebook = shared_desk.open()
    assert notebook.run("%flash explain").stderr == (
        "UsageError: no remote cell has run in this kernel\n  → write %%remote dry on top of the cell\n"
    )
