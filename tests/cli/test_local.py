from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flash_jupyter._version import __version__
from flash_jupyter.cli.local import app

pytestmark = pytest.mark.journey


class Cli:
    def __init__(self, home: Path) -> None:
        self._env = {"FLASH_JUPYTER_HOME": str(home)}

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env=self._env)

    def json(self, *arguments: str) -> dict[str, object]:
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        document: dict[str, object] = json.loads(result.stdout)
        return document


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(tmp_path / "home")
    yield cli
    cli("stop")


def test_start_status_stop(local: Cli) -> None:
    assert local.json("status") == {"running": False}
    started = local.json("start")
    assert set(started) == {"url", "api_key", "pid", "version", "env"}
    assert started["version"] == __version__
    assert local.json("status") == {"running": True, **started}
    assert local.json("start") == started
    assert local.json("stop") == {"stopped": True}
    assert local.json("stop") == {"stopped": False}


def test_plain_words(local: Cli) -> None:
    assert "flash local start" in local("status").output
    assert local("start").output.startswith(f"the embedded Runpod {__version__} runs at http://127.0.0.1:")
    assert "since 20" in local("status").output
    assert local("stop").output == "stopped\n"
    assert local("stop").output == "it does not run\n"


def test_env_prints_export_lines(local: Cli) -> None:
    lines = local("env").output.splitlines()
    info = local.json("status")
    assert f"export RUNPOD_API_KEY={info['api_key']}" in lines
    assert f"export RUNPOD_ENDPOINT_BASE_URL={info['url']}/v2" in lines
    assert local.json("env") == {"env": info["env"]}


def test_logs_are_the_servers(local: Cli, tmp_path: Path) -> None:
    path = tmp_path / "home" / "local" / "server.log"
    assert local("logs").output == f"nothing in {path}\n"
    path.parent.mkdir(parents=True)
    path.write_text("a\nb\nc\n")
    assert local("logs", "-n", "2").output == "b\nc\n"
    assert local.json("logs") == {"path": str(path), "lines": ["a", "b", "c"]}


def test_an_error_is_exit_code_1_with_its_fix_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    local = Cli(tmp_path / "home")
    result = local("start")
    assert result.exit_code == 1
    assert "can't be used: Not a directory" in result.stderr
    assert "FLASH_JUPYTER_HOME" in result.stderr
    error = json.loads(local("start", "--json").stderr)["error"]
    assert (error["type"], set(error)) == ("SettingsError", {"type", "message", "fix"})


def test_a_wrong_option_is_exit_code_2(local: Cli) -> None:
    assert local("start", "--port", "x").exit_code == 2
