"""What stops a cell before anything is sent, and what only warns."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.capture.namespace import capture
from flash_jupyter.capture.preflight import look, passed
from flash_jupyter.errors import SecretFoundError, UndefinedNameError

KEY = "sk-" + "a1B2c3D4e5" * 4


def checked(cell: str, space: dict[str, Any] | None = None, **options: Any) -> list[str]:
    namespace = {} if space is None else space
    namespace["__name__"] = "__main__"
    usual = {"deps": [], "image_family": "gpu", "python": "3.12"}
    return passed(look(capture(cell, namespace), namespace=namespace, **{**usual, **options}))


def test_an_undefined_name_stops_with_its_line_and_a_suggestion() -> None:
    with pytest.raises(UndefinedNameError) as caught:
        checked("a = 1\nb = learning_rat * a", {"learning_rate": 0.1})
    assert str(caught.value) == (
        "name is not defined: `learning_rat` (line 2); nothing was sent\n"
        "  → define it in a cell above, or did you mean `learning_rate` instead of `learning_rat`?"
    )


def test_several_undefined_names_are_listed_together() -> None:
    with pytest.raises(UndefinedNameError) as caught:
        checked("qqq\nprnt(1)")
    assert str(caught.value) == (
        "names are not defined: `qqq` (line 1), `prnt` (line 2); nothing was sent\n"
        "  → define them in a cell above, or did you mean `print` instead of `prnt`?"
    )


IMPORTS = [
    # what is declared             cell                       options                                 warns of
    ("nothing, on a CPU image", "import numpy", {"image_family": "cpu"}, "numpy"),
    ("nothing, but the GPU image has it", "import numpy, torch", {"image_family": "gpu"}, ""),
    ("the distribution under its own name", "import sklearn", {"deps": ["scikit-learn>=1.4"]}, ""),
    ("another spelling of it", "import sklearn", {"deps": ["Scikit_Learn"]}, ""),
    ("one that brings it along", "import numpy", {"image_family": "cpu", "deps": ["pandas"]}, ""),
    ("one of the alternatives", "import cv2", {"deps": ["opencv-python"]}, ""),
    ("an image of our own", "import anything", {"image_family": "mine"}, ""),
    ("the standard library needs nothing", "import os, json.decoder", {"image_family": "cpu"}, ""),
    ("the worker's own packages neither", "import yaml, requests", {"image_family": "cpu"}, ""),
]


@pytest.mark.parametrize(("cell", "options", "expected"), [c[1:] for c in IMPORTS], ids=[c[0] for c in IMPORTS])
def test_undeclared_imports(cell: str, options: dict[str, Any], expected: str) -> None:
    warnings = checked(cell, **options)
    assert [f"`{expected}`" in warning for warning in warnings] == ([True] if expected else [])


def test_the_warning_names_modules_image_and_fix() -> None:
    assert checked("import sklearn, nowhere_lib", image_family="cpu") == [
        (
            "`nowhere_lib`, `sklearn` are neither in deps= nor in the worker's image runpod/flash-cpu; "
            "add deps=nowhere-lib,scikit-learn"
        )
    ]
    assert checked("import yaml, sklearn") == [
        "`sklearn` is neither in deps= nor in the worker's image runpod/flash; add deps=scikit-learn"
    ]


def test_a_secret_stops_the_cell() -> None:
    with pytest.raises(SecretFoundError) as caught:
        checked("print(client)", {"client": KEY})
    assert str(caught.value) == (
        "`client` looks like an OpenAI API key; nothing was sent\n"
        "  → pass it as env=CLIENT=… (never stored, masked in output), or leave it out with drop=client"
    )


def test_a_secret_in_a_dict_is_found_with_its_key() -> None:
    with pytest.raises(SecretFoundError, match=r"`cfg` looks like an OpenAI API key \(in \['llm'\]\)"):
        checked("cfg", {"cfg": {"lr": 1, "llm": KEY}})


def test_a_secret_that_the_cell_does_not_use_is_not_looked_at() -> None:
    assert checked("x + 1", {"x": 1, "API_KEY": KEY}) == []


def test_a_secret_that_a_helper_reads_is_found_too() -> None:
    space: dict[str, Any] = {"client": KEY}
    exec("def call(): return client", space)
    with pytest.raises(SecretFoundError):
        checked("call()", space)


def test_a_suspicious_name_alone_only_warns() -> None:
    assert checked("password, cfg", {"password": "hunter2", "cfg": {"api_key": "none"}}) == [
        "`password` sounds like a secret, and travels with the cell; drop=password leaves it here",
        "`cfg['api_key']` sounds like a secret, and travels with the cell; drop=cfg leaves it here",
    ]


def test_numbers_and_lists_under_such_names_are_no_secrets() -> None:
    assert checked("token, password", {"token": 3, "password": ["a"]}) == []
