"""What a bundle is asked to hold, put together from all who ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from flash_jupyter.build.manifest import Function
from flash_jupyter.build.project import Export, Project, Wanted
from flash_jupyter.build.requirements import Installed, imported, merge, requirements_of
from flash_jupyter.errors import BuildError
from flash_jupyter.resources.classes import LiveServerless

HERE = Installed(
    modules={
        "numpy": ["numpy"],
        "cv2": ["opencv-python"],
        "PIL": ["Pillow", "pillow"],
        "torch": ["torch"],
        "google": ["protobuf", "google-auth"],
        "mine": ["mine"],
    },
    version={"numpy": "2.2.6", "opencv-python": "4.11.0", "pillow": "11.0.0", "torch": "2.9.1", "mine": ""}.get,
)

MERGED = [
    # what is asked for                                      lines                                         comes out
    ("one of them says a version", ["torch", "torch>=2"], ("torch>=2",)),
    ("both say a version", ["torch<3", "torch>=2"], ("torch<3,>=2",)),
    ("another spelling is the same", ["scikit_learn", "Scikit.Learn>=1"], ("scikit-learn>=1",)),
    ("extras are joined", ["uvicorn[standard]", "uvicorn[x]"], ("uvicorn[standard,x]",)),
    ("a pin that fits stays", ["numpy==2.2.6", "numpy>=2"], ("numpy==2.2.6,>=2",)),
    ("a marker for the workers' Python", ["tomli; python_version < '3.13'"], ("tomli",)),
    ("a marker for another Python", ["tomli; python_version < '3.11'"], ()),
    ("a marker for another platform", ["pywin32; sys_platform == 'win32'"], ()),
    ("two pins for two Pythons", ["a==1; python_version<'3.12'", "a==2; python_version>='3.12'"], ("a==2",)),
    ("what the bundle brings itself", ["flash-jupyter>=1", "six"], ("six",)),
    ("an index is named first", ["six", "--no-index"], ("--no-index", "six")),
]


def wanted(*lines: str) -> list[Wanted]:
    return [Wanted(line, f"place {number}") for number, line in enumerate(lines, start=1)]


@pytest.mark.parametrize(("lines", "merged"), [row[1:] for row in MERGED], ids=[row[0] for row in MERGED])
def test_requirements_are_merged(lines: list[str], merged: tuple[str, ...]) -> None:
    assert merge(wanted(*lines), python="3.12") == merged


def test_what_the_image_has_is_not_asked_for() -> None:
    assert merge(wanted("torch>=2", "six"), python="3.12", leave_out=frozenset({"torch"})) == ("six",)


@pytest.mark.parametrize("other", ["numpy==2.2.6", "numpy>=2", "numpy!=1.26.4"])
def test_a_pin_that_another_place_forbids_is_an_error_that_names_both(other: str) -> None:
    with pytest.raises(BuildError) as caught:
        merge(wanted("numpy==1.26.4", other), python="3.12")
    assert str(caught.value) == (
        f"place 1 asks for numpy==1.26.4, and place 2 for {other}: no version is both\n"
        "  → change one of them; a bundle has one version of a package"
    )


IMPORTED = [
    # case                                       modules               named                        comes out
    ("pinned to what is installed here", {"numpy"}, set(), ["numpy==2.2.6"]),
    ("the distribution has another name", {"cv2", "PIL"}, set(), ["pillow==11.0.0", "opencv-python==4.11.0"]),
    ("somebody names it", {"numpy"}, {"numpy"}, []),
    ("somebody names another one that brings it", {"cv2"}, {"opencv-python-headless"}, []),
    ("the standard library and ours", {"os", "json", "flash_jupyter"}, set(), []),
    ("what is asked for is not installed here, and may bring it", {"odd"}, {"odd-names"}, []),
    ("one of several that bring it is named", {"google"}, {"protobuf"}, []),
]


@pytest.mark.parametrize(("modules", "named", "pins"), [row[1:] for row in IMPORTED], ids=[row[0] for row in IMPORTED])
def test_imports_that_nothing_names_are_pinned(modules: set[str], named: set[str], pins: list[str]) -> None:
    assert [each.text for each in imported(modules, frozenset(named), installed=HERE)] == pins


def test_an_import_that_the_image_has_needs_no_package() -> None:
    assert list(imported({"torch"}, frozenset(), leave_out=frozenset({"torch"}), installed=HERE)) == []
    assert list(imported({"runpod"}, frozenset(), in_image=frozenset({"runpod"}), installed=HERE)) == []


REFUSED = [
    (
        "nothing brings it",
        {"nowhere", "neither"},
        (
            "no package that is asked for or installed here brings `neither`, `nowhere`\n"
            "  → write the package into deps= or requirements.txt, or install it here"
        ),
    ),
    (
        "several bring it",
        {"google"},
        (
            "`google` is imported, and several packages bring it: google-auth, protobuf\n"
            "  → write the one that is meant into deps= or requirements.txt"
        ),
    ),
    (
        "no index has it",
        {"mine"},
        (
            "`mine` is imported from mine, which was installed here from a folder or an address\n"
            "  → put its modules into the project, or write mine with a version of the index into deps="
        ),
    ),
]


@pytest.mark.parametrize(("modules", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_an_import_without_one_package_is_an_error(modules: set[str], message: str) -> None:
    with pytest.raises(BuildError) as caught:
        list(imported(modules, frozenset({"numpy"}), installed=HERE))
    assert str(caught.value) == message


def test_all_who_ask_are_heard() -> None:
    export = Export(
        Function(name="f", module="m"), LiveServerless(name="a"), "cell 2 of n.ipynb", dependencies=("six>=1", "torch")
    )
    project = Project(
        "p",
        Path(),
        (export,),
        {},
        imports=frozenset({"six", "cv2", "torch", "os"}),
        requirements=(Wanted("six<2", "requirements.txt, line 1"),),
    )
    found = requirements_of(project, [export], python="3.12", leave_out=frozenset({"torch"}), installed=HERE)
    assert found == ("opencv-python==4.11.0", "six<2,>=1")


def test_a_contradiction_with_a_cell_names_the_cell() -> None:
    export = Export(Function(name="f", module="m"), LiveServerless(name="a"), "cell 2 of n.ipynb", ("six==1.16.0",))
    project = Project("p", Path(), (export,), {}, requirements=(Wanted("six>=1.17", "requirements.txt, line 1"),))
    with pytest.raises(BuildError, match=r"^deps= of cell 2 of n.ipynb asks for six==1\.16\.0, and requirements\.txt"):
        requirements_of(project, [export], python="3.12", installed=HERE)


def test_what_is_installed_in_this_environment_is_known() -> None:
    """flash-jupyter itself is installed from a folder here, so no index has it."""
    here = Installed()
    assert "packaging" in here.modules["packaging"]
    assert here.version("no-such-distribution") is None
    assert (here.version("packaging") or "")[0].isdigit()


def test_where_a_file_of_ones_own_may_be_meant_the_fix_says_where_its_folder_is_read() -> None:
    with pytest.raises(BuildError) as raised:
        list(imported({"nowhere"}, frozenset(), installed=HERE, unread=("`sys.path.append(f())` of cell 1 of nb.py",)))
    assert raised.value.fix == (
        "write the package into deps= or requirements.txt, or install it here; where it is a file of yours, "
        "write its folder as text in `sys.path.append(f())` of cell 1 of nb.py"
    )
