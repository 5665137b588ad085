"""Resolution with uv, against an index of small wheels that each test makes itself."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from wheelhouse import make_wheel, only

from flash_jupyter.build.failures import UNREACHABLE
from flash_jupyter.build.installer import Installer, find_installer
from flash_jupyter.build.lock import Lock, read_pins, resolve
from flash_jupyter.errors import BuildError


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    requires = ["torch>=2", "helper[fast]; sys_platform == 'linux'", "winonly; sys_platform == 'win32'"]
    make_wheel(folder, "app", requires=[*requires, "backport; python_version < '3.11'"])
    make_wheel(folder, "helper", extras={"fast": ["speedy"]})
    make_wheel(folder, "backport")
    make_wheel(folder, "speedy", "2.0", tag="cp313-cp313-manylinux_2_27_x86_64")
    make_wheel(folder, "speedy", "1.0", tag="py3-none-any")
    make_wheel(folder, "old", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64")
    make_wheel(folder, "wants", requires=["old"])
    make_wheel(folder, "torch", "2.9", requires=["nvidia-cudnn-cu12"])
    make_wheel(folder, "models", requires=["torch"])
    make_wheel(folder, "nvidia_cudnn_cu12")
    make_wheel(folder, "later", requires_python=">=3.14")
    (folder / "source-1.0.tar.gz").write_bytes(b"no archive")
    return folder


@pytest.fixture
def uv(index: Path) -> Installer:
    found = find_installer()
    assert found.is_uv, "uv is one of our dependencies"
    return only(found, index)


def lock_of(uv: Installer, folder: Path, *requirements: str, python: str = "3.13", leave_out: str = "torch") -> Lock:
    return resolve(requirements, python=python, cache=folder / "cache", leave_out=frozenset({leave_out}), installer=uv)


def pins(lock: Lock) -> list[str]:
    return [f"{package.name}=={package.version}" for package in lock.packages]


@pytest.mark.parametrize(
    ("python", "locked"),
    [
        # its wheel for Python 3.13 says manylinux_2_27, which a worker's glibc runs
        ("3.13", ["app==1.0", "helper==1.0", "speedy==2.0"]),
        ("3.12", ["app==1.0", "helper==1.0", "speedy==1.0"]),
        ("3.10", ["app==1.0", "backport==1.0", "helper==1.0", "speedy==1.0"]),
    ],
)
def test_the_workers_python_and_platform_decide(python: str, locked: list[str], uv: Installer, tmp_path: Path) -> None:
    assert pins(lock_of(uv, tmp_path, "app", python=python)) == locked


def test_a_lock_has_names_versions_and_hashes_and_nothing_of_this_machine(
    index: Path, uv: Installer, tmp_path: Path
) -> None:
    digest = hashlib.sha256((index / "speedy-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    lock = lock_of(uv, tmp_path, f"--find-links {index}", "speedy", python="3.12")
    assert lock.text() == (f"# Python 3.12 on x86_64-manylinux_2_28\nspeedy==1.0 \\\n    --hash=sha256:{digest}\n")
    assert tuple(read_pins(lock.text())) == lock.packages
    assert lock.options == (f"--find-links {index}",)
    assert str(index) not in repr(lock)


CONSTRAINED = [
    ("a lower version", ("helper[fast]", "--constraint speedy<2"), ["helper==1.0", "speedy==1.0"]),
    ("one of another Python", ("speedy", "--constraint speedy<2; python_version < '3.13'"), ["speedy==2.0"]),
    ("of what nobody asks for", ("backport", "--constraint speedy<2"), ["backport==1.0"]),
    ("nothing but constraints", ("--constraint speedy<2",), []),
]


@pytest.mark.parametrize(("lines", "locked"), [row[1:] for row in CONSTRAINED], ids=[row[0] for row in CONSTRAINED])
def test_constraints_say_which_versions_may_be_taken(
    lines: tuple[str, ...], locked: list[str], uv: Installer, tmp_path: Path
) -> None:
    lock = lock_of(uv, tmp_path, *lines)
    assert (pins(lock), [line for line in lock.options if "constraint" in line]) == (locked, [])


def test_resolving_twice_gives_the_same_lock_and_leaves_nothing(uv: Installer, tmp_path: Path) -> None:
    first, second = (lock_of(uv, tmp_path, "app") for _ in range(2))
    assert first.text() == second.text()
    assert list((tmp_path / "cache").iterdir()) == []


def test_nothing_is_asked_for_so_nothing_runs(tmp_path: Path) -> None:
    broken = Installer(("no-such-program",), is_uv=True)
    assert lock_of(broken, tmp_path, "--no-index").packages == ()


REFUSED = [
    (
        "no wheel for this Python",
        "old",
        (
            "old 1.0 has no wheel for Python 3.13 on linux x86_64; it has wheels for Python 3.12 there\n"
            "  → build with --python-version 3.12, or ask for a newer version of old"
        ),
    ),
    (
        "no wheel of what another one requires",
        "wants",
        (
            "old 1.0, which wants requires, has no wheel for Python 3.13 on linux x86_64; it has wheels for Python 3.12 there\n"
            "  → build with --python-version 3.12, or ask for a newer version of old"
        ),
    ),
    (
        "no wheel at all",
        "source==1.0",
        (
            "source 1.0 has no wheel for Python 3.13 on linux x86_64, nor for any other: it would have to be compiled, which a "
            "build does not do\n"
            "  → ask for another version or package, or leave it out with --exclude source where the image has it"
        ),
    ),
    (
        "CUDA, which no bundle can hold",
        "models",
        (
            "torch brings CUDA (nvidia-cudnn-cu12), which is larger than the 500 MB that a bundle may have; of the published "
            "images only those for GPUs have it\n"
            "  → build what needs torch without CPU resources, leave it out with --exclude torch where an image of your own "
            "has it, or name an index that has torch for CPUs"
        ),
    ),
    (
        "no such package",
        "nowhere",
        (
            "the package index has no package called nowhere\n"
            "  → write the name that its project page has (opencv-python, not cv2), or leave it out with --exclude"
        ),
    ),
]


@pytest.mark.parametrize(("requirement", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_be_had_is_said(requirement: str, message: str, uv: Installer, tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        lock_of(uv, tmp_path, requirement, leave_out="nothing")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("requirement", "start", "fix"),
    [
        ("later", "a package is not for the workers' Python: ", "build for another one with --python-version"),
        ("speedy==3", "no versions fit together: ", "change the versions in deps= or requirements.txt"),
    ],
)
def test_other_reasons_are_told_in_the_resolvers_words(
    requirement: str, start: str, fix: str, uv: Installer, tmp_path: Path
) -> None:
    with pytest.raises(BuildError) as caught:
        lock_of(uv, tmp_path, requirement)
    assert caught.value.message.startswith(start)
    assert requirement.partition("=")[0] in caught.value.message
    assert caught.value.fix.startswith(fix)


def test_an_index_that_does_not_answer_is_said(tmp_path: Path) -> None:
    """Uv is told that there is no network, and has nothing from before."""
    tool = Installer(find_installer().command, is_uv=True, options=("--offline", "--no-cache"))
    with pytest.raises(BuildError) as caught:
        lock_of(tool, tmp_path, "six")
    assert caught.value.message.startswith("the package index does not answer: ")
    assert caught.value.fix == "look at the network and at the index that uv or pip are set up for, then build again"


@pytest.mark.parametrize(
    "text",
    [
        "error: Request failed after 3 retries\n  cause: Failed to fetch: `URL`\n  cause: error sending request for url (URL)",
        "  cause: dns error\n  cause: failed to lookup address information: Name or service not known",
        "WARNING: Retrying after connection broken by 'NewConnectionError: Failed to establish a new connection'",
    ],
    ids=["uv, refused", "uv, no name service", "pip"],
)
def test_words_of_a_network_that_fails_are_known(text: str) -> None:
    assert UNREACHABLE.search(text)
