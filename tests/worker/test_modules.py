"""Overlay folders: whole or not there, wherever one is killed, full, or read-only."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flash_jupyter.worker.modules import (
    RUBBISH_AGE_S,
    FolderTakesNothing,
    find_overlay,
    make_overlay,
    overlay_folders,
)


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The overlays of a volume; the worker's own folder lies beside."""
    monkeypatch.setenv("RUNPOD_VOLUME_PATH", str(tmp_path / "volume"))
    monkeypatch.delenv("FLASH_JUPYTER_OVERLAYS", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / "volume" / ".flash_jupyter" / "overlays"


def fill(folder: Path) -> None:
    (folder / "module.py").write_text("x = 1")


def test_the_volume_goes_first_then_the_machine_then_the_worker(volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [folder.owner for folder in overlay_folders()] == ["volume", "worker"]
    assert overlay_folders()[0].path == volume
    monkeypatch.setenv("FLASH_JUPYTER_OVERLAYS", "/machine")
    assert [folder.owner for folder in overlay_folders()] == ["volume", "machine", "worker"]
    monkeypatch.delenv("RUNPOD_VOLUME_PATH")
    assert [folder.owner for folder in overlay_folders()] == ["machine", "worker"]


def test_it_is_there_when_it_is_whole(volume: Path) -> None:
    assert find_overlay("abc") is None
    folder, reason = make_overlay("abc", fill)
    assert (folder.owner, reason) == ("volume", "")
    assert find_overlay("abc") == folder
    assert [path.name for path in volume.iterdir()] == ["abc"]


def test_an_installer_that_is_killed_leaves_no_overlay(volume: Path) -> None:
    program = (
        "import os, signal\n"
        "from flash_jupyter.worker.modules import make_overlay\n"
        "def fill(folder):\n"
        "    (folder / 'half.py').write_text('')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "make_overlay('abc', fill)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    (rubbish,) = volume.iterdir()
    assert find_overlay("abc") is None
    make_overlay("abc", fill)
    assert rubbish.exists(), "it may be another worker's"
    old = time.time() - RUBBISH_AGE_S - 1
    os.utime(rubbish, (old, old))
    make_overlay("def", fill)
    assert sorted(path.name for path in volume.iterdir()) == ["abc", "def"]


def test_who_comes_second_uses_the_first_ones(volume: Path) -> None:
    def slow(folder: Path) -> None:
        fill(folder)
        make_overlay("abc", fill)  # meanwhile, another worker
        (volume / "abc" / "first").write_text("")

    make_overlay("abc", slow)
    assert (volume / "abc" / "first").exists()
    assert [path.name for path in volume.iterdir()] == ["abc"]


def test_a_full_volume_is_passed_over(volume: Path) -> None:
    def full(folder: Path) -> None:
        if folder.is_relative_to(volume):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder, reason = make_overlay("abc", full)
    assert (folder.owner, reason) == ("worker", "the volume can't be written (No space left on device)")
    assert list(volume.iterdir()) == []
    assert find_overlay("abc") == folder


def test_where_nothing_can_be_written_it_says_so(volume: Path) -> None:
    def full(_folder: Path) -> None:
        raise FolderTakesNothing("Read-only file system")

    with pytest.raises(FolderTakesNothing) as caught:
        make_overlay("abc", full)
    assert str(caught.value) == (
        "the volume can't be written (Read-only file system); the worker can't be written (Read-only file system)"
    )
    assert list(volume.iterdir()) == []
