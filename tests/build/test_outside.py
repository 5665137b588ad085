"""The rules that hold for modules from outside of a project."""

from __future__ import annotations

from pathlib import Path

from flash_jupyter.build.outside import Excluded, Outside


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def test_a_module_is_asked_about_at_its_project_and_at_its_folder(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": "", ".gitignore": "src/made/\n", "src/.flashignore": "own.py\n"})
    source = tmp_path / "src"
    outside = Outside()
    names = ("made/a.py", "own.py", "keys/id_rsa.py", "free.py")
    assert {name: outside.excluding(source / name, source) for name in names} == {
        "made/a.py": Excluded(tmp_path, "src/made/a.py", "the rule src/made/ of .gitignore"),
        "own.py": Excluded(source, "own.py", "the rule own.py of .flashignore"),
        "keys/id_rsa.py": Excluded(tmp_path, "src/keys/id_rsa.py", ""),
        "free.py": None,
    }


def test_folders_above_the_project_have_no_say(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "*\n", "tools/pyproject.toml": ""})
    assert Outside().excluding(tmp_path / "tools/lib/a.py", tmp_path / "tools/lib") is None
