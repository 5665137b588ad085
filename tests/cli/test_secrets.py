"""`flash local secrets` and `flash local keys`, against a real embedded Runpod."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from flash_jupyter.cli.local import app


class Cli:
    def __init__(self, home: Path) -> None:
        self._env = {"FLASH_JUPYTER_HOME": str(home), "COLUMNS": "80"}

    def __call__(self, *arguments: str, piped: str | None = None) -> Result:
        return CliRunner().invoke(app, arguments, env=self._env, input=piped)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(tmp_path / "home")
    assert cli("start").exit_code == 0
    yield cli
    cli("stop")


@pytest.mark.journey
def test_a_secret_is_piped_in_listed_by_name_and_deleted(local: Cli) -> None:
    assert local("secrets", "list").output == "no secrets\n"
    stored = local("secrets", "set", "token", piped="the value\n")
    assert stored.output == "stored: {{ RUNPOD_SECRET_token }}\n"
    assert local("secrets", "set", "token", piped="another\r\n").output == "replaced: {{ RUNPOD_SECRET_token }}\n"
    (listed,) = json.loads(local("secrets", "list", "--json").output)["secrets"]
    assert sorted(listed) == ["createdAt", "name"]
    assert local("secrets", "delete", "token").output == "deleted: token\n"
    gone = local("secrets", "delete", "token")
    assert gone.exit_code == 1
    assert gone.stderr == "error: there is no secret token\n  → see: flash local secrets list\n"


@pytest.mark.journey
def test_a_secret_without_a_value_is_refused(local: Cli) -> None:
    refused = local("secrets", "set", "token", piped="\n")
    assert refused.exit_code == 1
    assert refused.stderr == (
        "error: there is no value for secret token\n  → pipe it in: flash local secrets set token < FILE\n"
    )


@pytest.mark.journey
def test_a_key_is_shown_once_and_does_what_it_was_made_for(local: Cli) -> None:
    key = local("keys", "create", "reader", "--account", "read", "--environment", "e1").output.strip()
    url = json.loads(local("status", "--json").output)["url"]
    headers = {"Authorization": f"Bearer {key}"}
    assert httpx.get(f"{url}/v2/serverless", headers=headers, timeout=60).status_code == 200
    assert httpx.post(f"{url}/v2/serverless", headers=headers, json={}, timeout=60).status_code == 403
    assert local("keys", "list").output == "reader  account=read  environments=e1\n"
    assert key not in local("keys", "list", "--json").output
    assert local("keys", "delete", "reader").output == "deleted: reader\n"
    assert local("keys", "list").output == "no restricted keys\n"
