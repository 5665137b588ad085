"""Which files belong to a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from flash_jupyter.build.folder import Ignore


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in Ignore(folder).files()]


def test_both_ignore_files_hold_and_the_second_may_take_back(tmp_path: Path) -> None:
    make(tmp_path, "main.py", "data/big.bin", "data/small.bin", "notes.md", "tests/test_a.py")
    (tmp_path / ".gitignore").write_text("data/*\n*.md\n")
    (tmp_path / ".flashignore").write_text("tests/\n!data/small.bin\n")
    assert names(tmp_path) == [".flashignore", ".gitignore", "data/small.bin", "main.py"]


def test_a_project_without_ignore_files_has_all_its_files(tmp_path: Path) -> None:
    make(tmp_path, "b.py", "a.py", "pkg/c.py")
    assert names(tmp_path) == ["a.py", "b.py", "pkg/c.py"]


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.local",
        "deploy/.env",
        "server.pem",
        "keys/id_rsa",
        "certs/a.key",
        ".aws/credentials",
        ".git/config",
    ],
)
def test_a_secret_never_belongs_to_it_whatever_the_files_say(tmp_path: Path, name: str) -> None:
    make(tmp_path, name)
    (tmp_path / ".flashignore").write_text(f"!{name}\n")
    assert names(tmp_path) == [".flashignore"]


def test_an_example_of_a_secrets_file_is_none(tmp_path: Path) -> None:
    make(tmp_path, ".env.example")
    assert names(tmp_path) == [".env.example"]


def test_it_says_whether_an_ignore_file_kept_a_file_away(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("workers/\n")
    ignore = Ignore(tmp_path)
    assert ignore.says("workers/gpu.py") is True
    assert ignore.says("main.py") is False
    assert ignore.says(".env") is False


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "a.py")
    (tmp_path / "round").symlink_to(tmp_path, target_is_directory=True)
    assert names(tmp_path) == ["a.py"]


def test_the_rule_that_keeps_a_file_away_is_named(tmp_path: Path) -> None:
    make(tmp_path, "a/b.py", "c.py", "d.py", ".env")
    (tmp_path / ".gitignore").write_text("# no\n\na/\n*.py\n")
    (tmp_path / ".flashignore").write_text("!d.py\nc*\n")
    ignore = Ignore(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in ignore.excluded()] == ["a/b.py", "c.py"]
    assert ignore.rule("c.py") == "the rule c* of .flashignore"
    assert ignore.rule("a/b.py") == "the rule *.py of .gitignore"
    assert ignore.rule("d.py") == ""
    assert ignore.rule(".env") == ""
