"""Files that a notebook names for its bundle, and those that it reads and does not name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flash_jupyter.build.include import unshipped
from flash_jupyter.build.project import Project
from flash_jupyter.build.sources import read_project
from flash_jupyter.errors import BuildError

FILES = {
    "data/a.csv": "a",
    "data/b.csv": "b",
    "data/deep/c.txt": "c",
    "data/.env": "KEY=1",
    "labels.json": "{}",
    "kept.csv": "k",
    ".gitignore": "kept.csv\n",
    "server.key": "x",
}


def read(folder: Path, comment: str) -> Project:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    (folder / "nb.py").write_text(
        f'# %% tags=["flash:handler:score"]\n{comment}\nopen("labels.json").read()\n', "utf-8"
    )
    return read_project(folder / "nb.py")


NAMED = [
    ("one file", "#| flash: include=labels.json", ["labels.json"]),
    ("a pattern", "#| flash: include=data/*.csv", ["data/a.csv", "data/b.csv"]),
    ("a folder, without the secret in it", "#| flash: include=data", ["data/a.csv", "data/b.csv", "data/deep/c.txt"]),
    (
        "the notebook's folder",
        "#| flash: include=.",
        [".gitignore", "data/a.csv", "data/b.csv", "data/deep/c.txt", "labels.json", "nb.py"],
    ),
    ("several", "#| flash: include=labels.json,data/a.csv", ["data/a.csv", "labels.json"]),
    ("beside the role", "#| flash: handler name=score include=labels.json", ["labels.json"]),
]
REFUSED = [
    (
        "a file that is not there",
        "data/z.csv",
        (
            "cell 1 of nb.py includes data/z.csv, and there is no such file in {folder}\n"
            "  → name files from the notebook's folder, as in data/*.csv; a folder means all that is below it"
        ),
    ),
    (
        "a file that an ignore file keeps away",
        "kept.csv",
        (
            "cell 1 of nb.py includes kept.csv, and the rule kept.csv of .gitignore keeps kept.csv out of the bundle\n"
            "  → write !kept.csv into .flashignore"
        ),
    ),
    (
        "a secret",
        "server.key",
        (
            "cell 1 of nb.py includes server.key, and a rule of every build keeps server.key out of the bundle\n"
            "  → a secret is stored at Runpod and read from a variable: env=NAME={{{{ RUNPOD_SECRET_name }}}}"
        ),
    ),
    (
        "a file above the notebook",
        "../other.csv",
        (
            "cell 1 of nb.py includes ../other.csv, which is not below the notebook's folder; "
            "a worker has nothing above its own\n  → move the files below the notebook, and name them from there"
        ),
    ),
]


@pytest.mark.parametrize(("comment", "names"), [case[1:] for case in NAMED], ids=[case[0] for case in NAMED])
def test_what_a_cell_names_is_in_the_bundle_where_the_cell_looks_for_it(
    comment: str, names: list[str], tmp_path: Path
) -> None:
    found = read(tmp_path, comment)
    assert [name for name in found.files if name != "notebook_nb.py"] == names


@pytest.mark.parametrize(("pattern", "said"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_can_not_be_shipped_is_named(pattern: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError) as raised:
        read(tmp_path, f"#| flash: include={pattern}")
    assert str(raised.value) == said.format(folder=tmp_path)


LINKS = [
    (
        "a folder elsewhere",
        ("exports", "{home}/exports"),
        (
            "cell 1 of nb.py includes exports, and a link makes exports/a.csv of it {home}/exports/a.csv, "
            "which is outside of {folder}\n"
            "  → copy what the functions need to a place below the notebook, and name it there"
        ),
    ),
    (
        "a secret elsewhere",
        ("harmless", "{home}/.aws/credentials"),
        (
            "cell 1 of nb.py includes harmless, and a link makes harmless of it {home}/.aws/credentials, "
            "which is outside of {folder}\n"
            "  → copy what the functions need to a place below the notebook, and name it there"
        ),
    ),
    (
        "a secret of the project",
        ("harmless", "server.key"),
        (
            "cell 1 of nb.py includes harmless, and a rule of every build keeps server.key out of the bundle\n"
            "  → a secret is stored at Runpod and read from a variable: env=NAME={{{{ RUNPOD_SECRET_name }}}}"
        ),
    ),
    (
        "what an ignore file keeps away",
        ("harmless", "kept.csv"),
        (
            "cell 1 of nb.py includes harmless, and the rule kept.csv of .gitignore keeps kept.csv out of the bundle\n"
            "  → write !kept.csv into .flashignore"
        ),
    ),
]


@pytest.mark.parametrize(("link", "said"), [case[1:] for case in LINKS], ids=[case[0] for case in LINKS])
def test_a_link_brings_nothing_that_its_target_could_not(link: tuple[str, str], said: str, tmp_path: Path) -> None:
    folder, home = (tmp_path / name for name in ("shop", "home"))
    for name in ("exports/a.csv", ".aws/credentials"):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text("x")
    folder.mkdir()
    name, target = link
    (folder / name).symlink_to(target.format(home=home))
    with pytest.raises(BuildError) as raised:
        read(folder, f"#| flash: include={name}")
    assert str(raised.value) == said.format(folder=folder, home=home)


def test_a_link_to_a_file_of_the_project_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "newest.csv").symlink_to("data/a.csv")
    assert read(tmp_path, "#| flash: include=newest.csv").files["newest.csv"] == b"a"


def test_a_file_that_is_read_and_not_named_is_told(tmp_path: Path) -> None:
    assert read(tmp_path, "").notes == (
        "nb.py names labels.json, which the bundle has not: add `#| flash: include=labels.json` to a cell",
    )
    assert read(tmp_path, "#| flash: include=labels.json").notes == ()


def test_the_notebook_of_a_subfolder_has_its_files_where_its_functions_run(tmp_path: Path) -> None:
    book = tmp_path / "books"
    book.mkdir()
    read(book, "#| flash: include=labels.json")
    found = read_project(tmp_path)
    assert {"labels.json", "books/labels.json"} <= set(found.files)


@pytest.mark.parametrize("text", ["'data'", "'../nb.py'", "'/etc/passwd'", "'x' * 9", "'no\\0thing.txt'"])
def test_a_text_that_is_no_file_beside_the_notebook_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert unshipped(text, tmp_path, ()) == []


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="pathlib takes it from Python 3.13 on")
def test_a_pattern_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"includes data/\*\*\.csv, which is no pattern") as told:
        read(tmp_path, "#| flash: include=data/**.csv")
    assert told.value.fix == "write ** for whole folders only, as in data/**/*.csv"
