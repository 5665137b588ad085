from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.options import make_options, public_options

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("a slip in a name", {"depps": ("x",)}, "there is no option depps=\n  → did you mean deps=?"),
    ("an unknown gpu", {"gpu": ("ADA_25",)}, "gpu=ADA_25 does not exist\n  → did you mean gpu=ADA_24?"),
    (
        "gpu and cpu together",
        {"gpu": ("any",), "cpu": ("cpu3c-2-4",)},
        "gpu= and cpu= exclude each other\n  → keep one of the two",
    ),
    (
        "an idle time that the platform refuses",
        {"idle": 4000},
        "idle=4000 does not fit: input should be less than or equal to 3600\n  → see %%remote? for what idle= takes",
    ),
    (
        "a timeout that the platform refuses",
        {"timeout": 1},
        "timeout=1 does not fit: input should be greater than or equal to 5\n  → see %%remote? for what timeout= takes",
    ),
    (
        "no worker at all",
        {"workers": (0, 0)},
        "workers=0 lets no worker run the cell\n  → write workers=1 or more; 0-3 is what a new endpoint has",
    ),
    (
        "a Python that is none",
        {"python": "3"},
        "python=3 is no minor version of Python\n  → write one as in python=3.13",
    ),
    (
        "a job that is no name",
        {"job": "my job"},
        "job=my job is not a Python name\n  → give the name of a variable, as in job=run1",
    ),
    (
        "an endpoint that nobody would delete",
        {"detach": True, "once": True},
        "detach and once exclude each other\n  → keep one: nobody would be there to undeploy",
    ),
    (
        "a job on an endpoint without a queue",
        {"detach": True, "via": "lb"},
        "via=lb has no queue, which detach needs\n  → leave via=lb away",
    ),
    (
        "retries on an endpoint without a queue",
        {"retries": 1, "via": "lb"},
        "via=lb has no queue, which retries= needs\n  → leave via=lb away",
    ),
    (
        "workers the wrong way round",
        {"workers": (3, 1)},
        "workers=3-1 is not a range\n  → write the smaller number first, as in workers=0-3",
    ),
    (
        "a name that no URL can hold",
        {"name": "my endpoint"},
        "name=my endpoint can't name an endpoint\n  → use letters, digits, - _ and .",
    ),
    (
        "an unknown backend",
        {"backend": "aws"},
        "backend=aws does not exist\n  → use backend=local or backend=runpod",
    ),
    (
        "a slip in a word of few",
        {"backend": "runpd"},
        "backend=runpd does not exist\n  → did you mean backend=runpod?",
    ),
]


@pytest.mark.parametrize(("values", "text"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_does_not_exist_is_an_option_error(values: dict[str, Any], text: str) -> None:
    with pytest.raises(OptionError) as caught:
        make_options(**values)
    assert str(caught.value) == text


def test_options_are_frozen() -> None:
    with pytest.raises(ValidationError):
        make_options().gpu = ("any",)


def test_a_word_without_neighbours_lists_all_options() -> None:
    with pytest.raises(OptionError) as caught:
        make_options(qqqq=1)
    assert caught.value.suggestion is None
    assert caught.value.fix == f"use one of {', '.join(public_options())}"
    assert "expression" not in public_options()
