"""The grammar of the line: what is read, and the whole text of every refusal."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.line import parse_line, split_expression
from flash_jupyter.resources.options import RemoteOptions
from flash_jupyter.resources.values import FLAGS, KEYS

READ: list[tuple[str, str, dict[str, Any]]] = [
    ("nothing", "", {}),
    ("only a comment", "   # cell 3", {}),
    ("one option", "gpu=AMPERE_80", {"gpu": ("AMPERE_80",)}),
    ("several values", "gpu=AMPERE_80,ADA_80_PRO", {"gpu": ("AMPERE_80", "ADA_80_PRO")}),
    ("a key like a long flag", "--gpu=AMPERE_80", {"gpu": ("AMPERE_80",)}),
    ("a bare flag", "detach", {"detach": True}),
    ("a long flag", "--detach", {"detach": True}),
    ("a comment behind options", "detach # gpu=A", {"detach": True}),
    ("a hash inside a word is no comment", "deps=a@git+https://h/a#egg=a", {"deps": ("a@git+https://h/a#egg=a",)}),
    ("an operator belongs to the piece before", "deps=numpy>=2,<3,torch", {"deps": ("numpy>=2,<3", "torch")}),
    ("brackets hold commas", "deps=a[b,c],d", {"deps": ("a[b,c]", "d")}),
    ("quotes hold spaces", "deps='numpy >= 2, torch'", {"deps": ("numpy >= 2", "torch")}),
    ("quotes inside a value", 'deps=torch,"numpy>=2"', {"deps": ("torch", "numpy>=2")}),
    ("environment", "env=A=1,B", {"env": {"A": "1", "B": None}}),
    ("an empty environment value", "env=A=", {"env": {"A": ""}}),
    ("most workers", "workers=5", {"workers": (0, 5)}),
    ("least and most workers", "workers=1-5", {"workers": (1, 5)}),
    ("numbers", "timeout=600 idle=5", {"timeout": 600, "idle": 5}),
    ("a time span", "ttl=2h", {"ttl": 7200}),
    ("return nothing", "out=", {"out": ()}),
    ("names", "out=a,b drop=c", {"out": ("a", "b"), "drop": ("c",)}),
    ("many spaces and tabs", "  gpu=A \t local ", {"gpu": ("A",), "local": True}),
]


@pytest.mark.parametrize(("line", "values"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_a_line_is_read(line: str, values: dict[str, Any]) -> None:
    assert parse_line(line) == values


ALL = ", ".join([*KEYS, *FLAGS])
REFUSED = [
    ("a misspelt key", "gpus=A", "`gpus` is not an option\n  → did you mean `gpu`?"),
    ("a misspelt flag", "detatch", "`detatch` is not an option\n  → did you mean `detach`?"),
    ("a misspelt long flag", "--lokal", "`lokal` is not an option\n  → did you mean `local`?"),
    ("a word that is near nothing", "zzz=1", f"`zzz` is not an option\n  → options are {ALL}"),
    ("a key alone", "deps", "`deps` has no value\n  → write deps=VALUE without spaces around ="),
    ("spaces around the sign", "gpu = A", "`gpu` has no value\n  → write gpu=VALUE without spaces around ="),
    ("an empty value", "gpu=", "`gpu=` has no value\n  → write gpu=VALUE without spaces around ="),
    ("a flag with a value", "detach=yes", "`detach` takes no value\n  → write detach alone, or leave it out"),
    (
        "the same key twice",
        "deps=a deps=b",
        "`deps` is given twice\n  → give deps once; several values have commas between them",
    ),
    ("an open quote", "deps='a b", "a quote is not closed: deps='a b\n  → add the closing '"),
    (
        "a time that is no number",
        "timeout=10m",
        "timeout=10m: `10m` is not a whole number\n  → write digits only; seconds, where it is a time",
    ),
    (
        "a negative number",
        "idle=-1",
        "idle=-1: `-1` is not a whole number\n  → write digits only; seconds, where it is a time",
    ),
    ("workers upside down", "workers=3-1", "workers=3-1: `3-1`: at least 3 and at most 1\n  → write workers=0-3"),
    (
        "not a name",
        "out=a.b",
        "out=a.b: `a.b` is not a Python name\n  → give names of variables, with commas between them",
    ),
]


@pytest.mark.parametrize(("line", "text"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_line_is_refused_with_what_to_do(line: str, text: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_line(line)
    assert str(caught.value) == text


EXPRESSIONS = [
    ("only an expression", "f(x)", ("", "f(x)")),
    ("options before it", "gpu=A deps=b f(x)", ("gpu=A deps=b", "f(x)")),
    ("keywords inside it stay", "gpu=A f(x, gpu=3)", ("gpu=A", "f(x, gpu=3)")),
    ("a comparison is no option", "gpu==3", ("", "gpu==3")),
    ("quotes in the expression stay", "detach f('a  b')", ("detach", "f('a  b')")),
    ("two dashes force it", "-- local + 1", ("", "local + 1")),
    ("two dashes behind options", "gpu=A -- local", ("gpu=A", "local")),
    ("quoted option values", "deps='a, b' f()", ("deps='a, b'", "f()")),
    ("a misspelt option is kept for the parser to refuse", "gpus=A f(x)", ("gpus=A", "f(x)")),
    ("nothing behind the options", "gpu=A", ("gpu=A", "")),
    ("nothing at all", "  ", ("", "")),
]


@pytest.mark.parametrize(("line", "split"), [case[1:] for case in EXPRESSIONS], ids=[case[0] for case in EXPRESSIONS])
def test_options_end_where_the_expression_begins(line: str, split: tuple[str, str]) -> None:
    assert split_expression(line) == split


def test_grammar_and_model_know_the_same_options() -> None:
    assert {*KEYS, *FLAGS} == set(RemoteOptions.model_fields) - {"expression"}
