"""requirements.txt, pyproject.toml and script blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from flash_jupyter.build.project import Wanted
from flash_jupyter.build.requirement_files import read_files, read_script, unread_settings
from flash_jupyter.errors import BuildError

READ = [
    # case                                   requirements.txt                                         texts
    ("names and versions", "six\nnumpy>=2,<3\n", ["six", "numpy>=2,<3"]),
    ("comments and empty lines", "# all\n\nsix  # for strings\n", ["six"]),
    ("a mark of the encoding in front", "\ufeffsix\n", ["six"]),
    ("markers", "tomli; python_version < '3.11'\n", ["tomli; python_version < '3.11'"]),
    ("a line that goes on", "numpy>=2,\\\n  <3\nsix\n", ["numpy>=2,  <3", "six"]),
    ("a lock of another tool", "six==1.17.0 \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd\n", ["six==1.17.0"]),
    ("another file", "-r more.txt\nsix\n", ["tabulate", "six"]),
    ("another file, with the long name", "--requirement=more.txt\n", ["tabulate"]),
    ("the project itself", "-e .\n.\nsix\n", ["six"]),
    (
        "an index",
        "--extra-index-url https://index.test/simple\nsix\n",
        ["--extra-index-url https://index.test/simple", "six"],
    ),
    ("an index, with the short name", "-i=https://index.test/simple\n", ["--index-url https://index.test/simple"]),
    ("options that change nothing", "--prefer-binary\n--only-binary=:all:\nsix\n", ["six"]),
    ("the same line twice", "six\nsix\n", ["six", "six"]),
]


@pytest.mark.parametrize(("text", "texts"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_requirements_txt_is_read(text: str, texts: list[str], tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(text, "utf-8")
    (tmp_path / "more.txt").write_text("-r requirements.txt\ntabulate\n")  # a circle ends
    assert [each.text for each in read_files(tmp_path)] == texts


def test_each_line_knows_its_place(tmp_path: Path) -> None:
    (tmp_path / "deps").mkdir()
    (tmp_path / "requirements.txt").write_text("# all\n-r deps/gpu.txt\n")
    (tmp_path / "deps" / "gpu.txt").write_text("\nsix\n")
    assert read_files(tmp_path) == (Wanted("six", "deps/gpu.txt, line 2"),)


def test_a_folder_of_wheels_is_named_from_the_file_that_says_it(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("--find-links wheels\n-f https://index.test/wheels\n")
    assert [each.text for each in read_files(tmp_path)] == [
        f"--find-links {(tmp_path / 'wheels').resolve()}",
        "--find-links https://index.test/wheels",
    ]


def test_constraints_ask_for_nothing_and_know_their_place(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-c limits.txt\nsix\n")
    (tmp_path / "limits.txt").write_text("six<2\n--constraint more.txt\n--no-index\n")
    (tmp_path / "more.txt").write_text("numpy==2.1; python_version < '3.13'\n")
    assert read_files(tmp_path) == (
        Wanted("--constraint six<2", "limits.txt, line 1"),
        Wanted("--constraint numpy==2.1; python_version < '3.13'", "more.txt, line 1"),
        Wanted("--no-index", "limits.txt, line 3"),
        Wanted("six", "requirements.txt, line 2"),
    )


def test_a_constraint_with_extras_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-c limits.txt\n")
    (tmp_path / "limits.txt").write_text("six[fast]<2\n")
    with pytest.raises(BuildError) as raised:
        read_files(tmp_path)
    assert str(raised.value) == "limits.txt, line 1: a constraint has no extras: `six[fast]<2`\n  → take [...] away"


READ_BY_OTHERS = """
[project]
name = "shop"
[tool.uv.sources]
torch = { index = "cpu" }
tools = { path = "../tools", editable = true }
[[tool.uv.index]]
name = "cpu"
url = "https://index.test/simple"
[tool.poetry.dependencies]
six = "*"
"""


def test_settings_that_only_other_tools_read_are_named(tmp_path: Path) -> None:
    assert unread_settings(tmp_path) == ()
    (tmp_path / "pyproject.toml").write_text(READ_BY_OTHERS)
    instead = "is not read; what a build asks for stands in [project] or requirements.txt"
    assert unread_settings(tmp_path) == (
        f"pyproject.toml: [tool.uv] sources of torch, tools {instead}",
        f"pyproject.toml: [tool.uv] index {instead}",
        f"pyproject.toml: [tool.poetry.dependencies] of six {instead}",
    )


ADDRESS = "is an address or a path; a bundle's packages are locked by name, version and hash"
PUT = "write name and version of a package that an index has, or put its modules into the project"
REFUSED = [
    ("a repository", "git+https://host.test/x.git", f"`git+https://host.test/x.git` {ADDRESS}\n  → {PUT}"),
    ("a wheel's address", "x @ https://host.test/x.whl", f"`x @ https://host.test/x.whl` {ADDRESS}\n  → {PUT}"),
    ("a wheel's path", "wheels/x-1-py3-none-any.whl", f"`wheels/x-1-py3-none-any.whl` {ADDRESS}\n  → {PUT}"),
    ("another project", "-e ../other", f"`../other` {ADDRESS}\n  → {PUT}"),
    ("no file", "-r none.txt", "there is no file none.txt\n  → write its path relative to this file"),
    (
        "constraints that are not there",
        "-c none.txt",
        "there is no file none.txt\n  → write its path relative to this file",
    ),
    ("an option of pip's", "--pre", "a build can't do `--pre`\n  → write name and version of each package"),
]


@pytest.mark.parametrize(("line", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_be_locked_is_an_error_with_its_place(line: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"six\n{line}\n")
    with pytest.raises(BuildError) as caught:
        read_files(tmp_path)
    assert str(caught.value) == f"requirements.txt, line 2: {message}"


def test_a_line_that_is_no_requirement_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("six=1\n")
    with pytest.raises(
        BuildError, match=r"^requirements\.txt, line 1: `six=1` is no requirement: .*\n  → write it as in"
    ):
        read_files(tmp_path)


def test_pyproject_asks_for_its_dependencies_and_not_for_itself(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "Shop"\ndependencies = ["six", "shop[gpu]"]\n'
        '[project.optional-dependencies]\ngpu = ["cupy"]\ndev = ["pytest"]\n'
    )
    assert read_files(tmp_path) == (Wanted("six", "pyproject.toml"), Wanted("cupy", "pyproject.toml"))


def test_requirements_may_name_extras_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "shop"\n[project.optional-dependencies]\ngpu = ["cupy"]\ndev = ["pytest"]\n'
    )
    (tmp_path / "requirements.txt").write_text("-e .[gpu]\n")
    assert read_files(tmp_path) == (Wanted("cupy", "pyproject.toml"),)


def test_a_pyproject_that_is_no_toml_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    with pytest.raises(BuildError, match=r"^pyproject.toml is no TOML: .*\n  → repair it$"):
        read_files(tmp_path)


def test_a_folder_without_files_asks_for_nothing(tmp_path: Path) -> None:
    assert read_files(tmp_path) == ()


SCRIPTS = [
    ("a block at the top", '# /// script\n# dependencies = ["six"]\n# ///\nimport six\n', ["six"]),
    (
        "as juv writes it",
        '# /// script\n# requires-python = ">=3.11"\n# dependencies = [\n#     "six",\n#     "tabulate>=0.9",\n# ]\n# ///',
        ["six", "tabulate>=0.9"],
    ),
    ("an empty comment line in it", '# /// script\n#\n# dependencies = ["six"]\n# ///\n', ["six"]),
    ("without dependencies", '# /// script\n# requires-python = ">=3.11"\n# ///\n', []),
    ("a block of another kind", '# /// other\n# dependencies = ["six"]\n# ///\n', []),
    ("a block without an end", '# /// script\n# dependencies = ["six"]\nimport six\n', []),
    ("no block", "import six\n", []),
]


@pytest.mark.parametrize(("text", "texts"), [row[1:] for row in SCRIPTS], ids=[row[0] for row in SCRIPTS])
def test_script_blocks_are_read(text: str, texts: list[str]) -> None:
    assert [each.text for each in read_script(text, "job.py")] == texts


def test_a_script_block_that_is_wrong_names_its_file() -> None:
    with pytest.raises(BuildError, match=r"^the script block of job\.py is no TOML"):
        read_script("# /// script\n# dependencies = [\n# ///\n", "job.py")
