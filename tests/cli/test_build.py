"""`flash build` as a command: its text, its JSON, its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from projects import MODEL, WEB
from typer.testing import CliRunner, Result

from flash_jupyter.cli.main import app


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "model.py").write_text(MODEL)
    (folder / "web.py").write_text(WEB)
    monkeypatch.chdir(folder)
    return folder


def flash(home: Path, *arguments: str) -> Result:
    environ = {"FLASH_JUPYTER_HOME": str(home), "FLASH_JUPYTER_BACKEND": "local"}
    return CliRunner().invoke(app, ["build", *arguments], env=environ)


def test_what_was_built_is_told(project: Path, flash_home: Path) -> None:
    done = flash(flash_home, "--python-version", "3.12")
    assert done.exit_code == 0, done.output
    size = (project / ".flash" / "artifact.tar.gz").stat().st_size
    assert done.stdout == (
        f"built shop for Python 3.12: .flash/artifact.tar.gz, {size / 1e3:.1f} kB\n"
        "resource  runs as                     serves\n"
        "numbers   queue on cpu3g-2-8          double, quadruple, Counter\n"
        "web       load balancer on cpu3g-2-8  POST /price, GET /items/{number}, POST /both\n"
    )
    assert done.stderr == ""


def test_as_json(project: Path, flash_home: Path) -> None:
    done = flash(flash_home, str(project), "--json", "--keep-build", "--output", "out", "--exclude", "Torch")
    assert done.exit_code == 0, done.output
    built = json.loads(done.stdout)["build"]
    assert built["archive"] == str(project / "out" / "artifact.tar.gz")
    assert built["manifest"] == str(project / "out" / "flash_manifest.json")
    assert built["folder"] == str(project / ".flash" / ".build")
    assert built["resources"]["numbers"] == {
        "kind": "queue",
        "hardware": "cpu3g-2-8",
        "serves": ["double", "quadruple", "Counter"],
    }
    assert built["notes"] == ["--exclude torch: nothing asks for it"]


def test_what_can_t_be_built_exits_with_1(project: Path, flash_home: Path) -> None:
    (project / "broken.py").write_text("def f(:\n")
    done = flash(flash_home, "--json")
    assert (done.exit_code, done.stdout) == (1, "")
    error = json.loads(done.stderr)["error"]
    assert error["type"] == "BuildError"
    assert error["message"].startswith("broken.py, line 1: ")
    assert not (project / ".flash" / "artifact.tar.gz").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("nowhere.ipynb",),
        ("--python-version", "three"),
        ("a", "b"),
        ("--unknown",),
        ("--preview=cloud",),
        ("--try-defaults",),
    ],
    ids=[
        "no such path",
        "no version",
        "words too many",
        "an unknown option",
        "another place for a preview",
        "what is for a preview only",
    ],
)
def test_what_is_not_understood_exits_with_2(arguments: tuple[str, ...], project: Path, flash_home: Path) -> None:
    assert flash(flash_home, *arguments).exit_code == 2
    assert not (project / ".flash").exists()
