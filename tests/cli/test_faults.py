"""`flash local faults`, `flash local clock` and `flash local limits`, against a real embedded Runpod."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from flash_jupyter.cli.faults import help_text
from flash_jupyter.cli.local import app
from flash_jupyter.session.local_admin import fault_table


class Cli:
    def __init__(self, home: Path) -> None:
        self._env = {"FLASH_JUPYTER_HOME": str(home), "COLUMNS": "80"}

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env=self._env)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(tmp_path / "home")
    assert cli("start").exit_code == 0
    yield cli
    cli("stop")


def test_the_help_names_every_fault_with_what_it_shows() -> None:
    text = " ".join(CliRunner().invoke(app, ["faults", "--help"], env={"COLUMNS": "80"}).output.split())
    for name, row in fault_table().items():
        assert f" {name} {row['what']}. Shows: {row['shows']}." in text
        if row["seconds_mean"]:
            assert f"--seconds {row['seconds_mean']}" in text
    assert "What is set is gone with `clear`, and when the embedded Runpod ends" in text
    assert "demo--fault-slow-pull-30s--fault-500-x2" in text


def test_the_help_fits_into_80_columns() -> None:
    assert max(map(len, help_text().splitlines())) <= 76


@pytest.mark.journey
def test_set_list_clear(local: Cli) -> None:
    assert local("faults", "list").output == "no fault is set\n"
    line = "500  endpoint=one route=run times=2 every=3  hits: 0\n"
    options = ("--endpoint", "one", "--route", "run", "--times", "2", "--every", "3")
    assert local("faults", "set", "500", *options).output == line
    assert local("faults", "list").output == line
    assert local("faults", "set", "no-stock", "--hardware", "ADA_24,cpu3c").output == (
        "no-stock  endpoint=* hardware=ADA_24,cpu3c every=1  hits: 0\n"
    )
    listed = json.loads(local("faults", "list", "--json").output)["faults"]
    assert [fault["kind"] for fault in listed] == ["500", "no-stock"]
    assert local("faults", "clear", "500").output == "cleared: 1\n"
    assert json.loads(local("faults", "clear", "--json").output) == {"removed": 1}


@pytest.mark.journey
def test_the_admin_route_does_what_the_help_says(local: Cli) -> None:
    text = " ".join(local("faults", "--help").output.split())
    assert "GET $RUNPOD_API_BASE_URL/_flash/faults lists" in text
    assert "Authorization: Bearer $RUNPOD_API_KEY" in text
    (shown,) = re.findall(r'\{"kind".*?\}', text)
    env = json.loads(local("env", "--json").output)["env"]
    url, key = f"{env['RUNPOD_API_BASE_URL']}/_flash/faults", {"Authorization": f"Bearer {env['RUNPOD_API_KEY']}"}
    body, taken = json.loads(shown), set[str]()
    for name, row in fault_table().items():
        given = {word: value for word, value in body.items() if word in row["takes"]} | {"kind": name}
        answer = httpx.post(url, headers=key, json=given)
        assert (answer.status_code, {word: answer.json()[word] for word in given}) == (201, given)
        taken |= given.keys()
    assert taken == body.keys()
    assert len(httpx.get(url, headers=key).json()["faults"]) == len(fault_table())
    assert httpx.delete(f"{url}?kind=throttled", headers=key).json() == {"removed": 1}
    assert httpx.delete(url, headers=key).json() == {"removed": len(fault_table()) - 1}
    assert [httpx.request(method, url, json=body).status_code for method in ("GET", "POST", "DELETE")] == [401] * 3


@pytest.mark.journey
def test_what_does_not_exist_is_said_with_what_is_near(local: Cli) -> None:
    result = local("faults", "set", "trottled")
    assert result.exit_code == 1
    assert result.stderr == (
        "error: no fault 'trottled'; did you mean 'throttled'?\n  → the list: flash local faults --help\n"
    )


@pytest.mark.journey
def test_the_limits_are_shown_and_begin_anew(local: Cli) -> None:
    assert local("limits").output == (
        "minute  0 of 60 requests\nhour    0 of 3,000 requests\nday     0 of 50,000 requests\n"
    )
    env = json.loads(local("env", "--json").output)["env"]
    headers = {"Authorization": f"Bearer {env['RUNPOD_API_KEY']}"}
    assert httpx.get(f"{env['RUNPOD_API_BASE_URL']}/v2/serverless", headers=headers).status_code == 200
    assert re.match(r"minute  1 of 60 requests, forgotten in \d+ s\n", local("limits").output)
    assert local("limits", "--reset").output.startswith("minute  0 of 60 requests\n")
    assert [window["used"] for window in json.loads(local("limits", "--json").output)["limits"]] == [0, 0, 0]


@pytest.mark.journey
def test_the_faults_are_gone_with_the_server_and_the_clock_is_right_again(local: Cli) -> None:
    assert local("faults", "set", "throttled").exit_code == 0
    assert local("clock", "--advance", "1800").output.endswith("  1800 s ahead\n")
    local("stop")
    local("start")
    assert local("faults", "list").output == "no fault is set\n"
    assert json.loads(local("clock", "--json").output)["ahead_s"] == 0


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path) -> None:
    result = Cli(tmp_path / "none")("faults", "list")
    assert result.exit_code == 1
    assert result.stderr == "error: the embedded Runpod does not run\n  → start it: flash local start\n"
