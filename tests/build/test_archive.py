"""The artifact: the same bytes for the same content, and no larger than may be."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from flash_jupyter.build.archive import write_archive
from flash_jupyter.errors import BuildError
from flash_jupyter.worker.deployed import unpack


def project(folder: Path) -> Path:
    (folder / "pkg" / "__pycache__").mkdir(parents=True)
    (folder / "handler_a.py").write_text("print('a')\n")
    (folder / "pkg" / "data.bin").write_bytes(bytes(range(256)))
    (folder / "pkg" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "pkg" / "run.sh").chmod(0o755)
    (folder / "pkg" / "__pycache__" / "x.pyc").write_bytes(b"x")
    return folder


def test_two_archives_of_the_same_content_are_the_same_bytes(tmp_path: Path) -> None:
    first, second = project(tmp_path / "one"), project(tmp_path / "another")
    for path in second.rglob("*"):
        os.utime(path, (1, 1))
    (second / "handler_a.py").chmod(0o600)
    write_archive(first, tmp_path / "a.tar.gz")
    write_archive(second, tmp_path / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


def test_an_archive_has_files_below_a_point_and_no_bytecode(tmp_path: Path) -> None:
    size_bytes = write_archive(project(tmp_path / "p"), tmp_path / ".flash" / "artifact.tar.gz")
    assert size_bytes == (tmp_path / ".flash" / "artifact.tar.gz").stat().st_size
    with tarfile.open(tmp_path / ".flash" / "artifact.tar.gz") as archive:
        found = {member.name: (member.mode, member.mtime, member.uid) for member in archive}
    assert found == {
        "./handler_a.py": (0o644, 0, 0),
        "./pkg/data.bin": (0o644, 0, 0),
        "./pkg/run.sh": (0o755, 0, 0),
    }


def test_a_worker_unpacks_what_was_packed(tmp_path: Path) -> None:
    write_archive(project(tmp_path / "p"), tmp_path / "a.tar.gz")
    unpack(tmp_path / "a.tar.gz", tmp_path / "app")
    assert (tmp_path / "app" / "pkg" / "data.bin").read_bytes() == bytes(range(256))


def test_one_that_is_too_large_names_the_largest_and_leaves_the_old_one(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    (folder / "torch").mkdir()
    (folder / "torch" / "lib.so").write_bytes(os.urandom(3_000_000))
    (tmp_path / "a.tar.gz").write_bytes(b"the old one")
    with pytest.raises(BuildError) as raised:
        write_archive(folder, tmp_path / "a.tar.gz", limit_bytes=2_000_000)
    assert str(raised.value) == (
        "the bundle takes 3.0 MB, a deployment may have 2 MB; unpacked, the largest are\n"
        "    torch                                  3.0 MB\n"
        "    pkg                                    0.0 MB\n"
        "    handler_a.py                           0.0 MB\n"
        "  → leave out what the image has, with --exclude, or load data from a volume"
    )
    assert (tmp_path / "a.tar.gz").read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []
