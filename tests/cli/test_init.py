"""`flash init` as a command: its text, its JSON, its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flash_jupyter.cli.main import app


def flash(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["init", *arguments])


def test_a_project_is_made_and_what_comes_next_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = flash("my shop")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1:] == [
        "next:",
        "  cd 'my shop'",
        "  python main.py    # call its functions on the embedded Runpod, or on Runpod with a key in .env",
        "  flash run         # serve them on http://localhost:8888",
    ]
    assert done.stdout.startswith(f"made my-shop in {tmp_path / 'my shop'}: ")


def test_the_current_folder_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = flash("--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["project"]["folder"] == str(tmp_path)
    assert "cd " not in flash(".", "--force").stdout


def test_collisions_are_listed_and_exit_with_1(tmp_path: Path) -> None:
    (tmp_path / "main.py").touch()
    done = flash(str(tmp_path), "--json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert json.loads(done.stderr)["error"] == {
        "type": "SettingsError",
        "message": f"nothing was written: {tmp_path} has main.py already",
        "fix": "choose another folder, or overwrite them with --force",
    }


def test_words_too_many_are_a_usage_error(tmp_path: Path) -> None:
    assert flash(str(tmp_path / "a"), "b").exit_code == 2
