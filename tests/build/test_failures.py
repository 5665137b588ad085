"""Why no wheel of a package fits a worker."""

from __future__ import annotations

import pytest

from flash_jupyter.build.failures import no_wheel

MESSAGES = [
    (
        "Python 3.13, and wheels for older ones only",
        "3.13",
        [
            "p-2.0-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "p-2.0-cp312-cp312-manylinux_2_27_x86_64.whl",
        ],
        (
            "p 2.0 has no wheel for Python 3.13 on linux x86_64; it has wheels for Python 3.10, 3.12 there\n"
            "  → build with --python-version 3.12, or ask for a newer version of p"
        ),
    ),
    (
        "an older Python than the wheels have",
        "3.10",
        ["p-2.0-cp311-cp311-manylinux_2_28_x86_64.whl", "p-2.0-cp314-cp314-manylinux_2_28_x86_64.whl"],
        (
            "p 2.0 has no wheel for Python 3.10 on linux x86_64; it has wheels for Python 3.11, 3.14 there\n"
            "  → build with --python-version 3.11, or ask for an older version of p"
        ),
    ),
    (
        "only Pythons without an image",
        "3.13",
        ["p-2.0-cp39-cp39-manylinux1_x86_64.whl"],
        (
            "p 2.0 has no wheel for Python 3.13 on linux x86_64; it has wheels for Python 3.9 there\n"
            "  → ask for a newer version of p"
        ),
    ),
    (
        "a stable ABI of a newer Python",
        "3.10",
        ["p-2.0-cp312-abi3-manylinux_2_17_x86_64.whl"],
        (
            "p 2.0 has no wheel for Python 3.10 on linux x86_64; it has wheels for Python 3.12 and newer there\n"
            "  → build with --python-version 3.12, or ask for an older version of p"
        ),
    ),
    (
        "a newer glibc than the images promise",
        "3.13",
        ["p-2.0-cp313-cp313-manylinux_2_34_x86_64.whl", "p-2.0-cp313-cp313-manylinux_2_39_x86_64.whl"],
        (
            "p 2.0 has no wheel for Python 3.13 on linux x86_64 and glibc 2.28, which the images promise; its wheels ask for "
            "glibc 2.34 (manylinux_2_34)\n"
            "  → ask for an older version of p"
        ),
    ),
    (
        "other platforms only",
        "3.12",
        [
            "p-2.0-cp312-cp312-win_amd64.whl",
            "p-2.0-cp312-cp312-macosx_11_0_arm64.whl",
            "p-2.0-cp312-cp312-musllinux_1_2_x86_64.whl",
            "p-2.0-cp312-cp312-manylinux_2_28_aarch64.whl",
            "p-2.0-pp310-pypy310_pp73-manylinux_2_28_x86_64.whl",
        ],
        (
            "p 2.0 has no wheel for Python 3.12 on linux x86_64; it has wheels for Python 3.12 on Windows, linux on other "
            "processors, linux with musl, macOS\n"
            "  → workers run linux: do without p in what they run, or ask for a version that has such wheels"
        ),
    ),
    (
        "no wheels at all",
        "3.12",
        ["p-2.0.tar.gz"],
        (
            "p 2.0 has no wheel for Python 3.12 on linux x86_64, nor for any other: it would have to be compiled, which a build "
            "does not do\n"
            "  → ask for another version or package, or leave it out with --exclude p where the image has it"
        ),
    ),
]


@pytest.mark.parametrize(
    ("python", "files", "message"), [row[1:] for row in MESSAGES], ids=[row[0] for row in MESSAGES]
)
def test_what_a_package_has_is_said(python: str, files: list[str], message: str) -> None:
    assert str(no_wheel("p", "2.0", files, python=python)) == message


def test_who_requires_the_package_is_named() -> None:
    error = no_wheel("p", "2.0", ["p-2.0-cp39-cp39-manylinux1_x86_64.whl"], python="3.13", required_by="shop")
    assert error.message.startswith("p 2.0, which shop requires, has no wheel for Python 3.13")
