"""What is offered where; a `|` stands for the cursor."""

from __future__ import annotations

import pytest
from IPython.core.completer import CompletionContext
from typer.main import get_command

from flash_jupyter.cli.apps import app as apps_app
from flash_jupyter.cli.deploy import app as deploy_app
from flash_jupyter.cli.deploy import environments as env_app
from flash_jupyter.cli.local import app as local_app
from flash_jupyter.magics.completer import APP_COMMANDS, LOCAL_COMMANDS, Known, candidates, make_matcher
from flash_jupyter.magics.remote import STICKY
from flash_jupyter.resources.enums import GpuType
from flash_jupyter.resources.hardware import POOLS, find_gpu
from flash_jupyter.resources.values import FLAGS, KEYS

KNOWN = Known(
    variables=lambda: ("frame", "model"),
    endpoints=lambda: ("trainer", "flash-any-py311-me"),
    jobs=lambda: ("fj-1", "fj-2"),
    flash_words=("status", "undeploy", "attach"),
    sticky=STICKY,
)


def complete(cell: str) -> tuple[str, list[str]] | None:
    """Return the fragment and the words at the cursor."""
    before, _ = cell.split("|", 1) if "#|" not in cell else cell.rsplit("|", 1)
    lines = before.split("\n")
    text = before + cell[len(before) + 1 :]
    found = candidates(text, len(lines) - 1, lines[-1], KNOWN)
    return None if found is None else (found.fragment, list(found.words))


CPUS = ["cpu3c-1-2", "cpu3c-2-4", "cpu3c-4-8", "cpu3c-8-16"]
CASES: list[tuple[str, str, tuple[str, list[str]]]] = [
    ("a key", "%%remote gp|", ("gp", ["gpu="])),
    ("a flag", "%%remote det|", ("det", ["detach"])),
    ("a flag with dashes", "%%remote --de|", ("--de", ["--deps=", "--detach"])),
    ("a key that the line has is not offered again", "%%remote cpu=x c|", ("c", ["count="])),
    ("a group", "%%remote gpu=AMPERE_8|", ("AMPERE_8", ["AMPERE_80"])),
    ("case does not matter", "%%remote gpu=hop|", ("hop", ["HOPPER_141"])),
    ("behind a comma", "%%remote gpu=AMPERE_80,BLACKWELL_1|", ("BLACKWELL_1", ["BLACKWELL_180"])),
    ("what is chosen is not offered again", "%%remote gpu=HOPPER_141,HOP|", ("HOP", [])),
    ("a type by its number", "%%remote gpu=4090|", ("4090", ["NVIDIA_GEFORCE_RTX_4090"])),
    ("cpus that can be created", "%%remote cpu=cpu3c|", ("cpu3c", CPUS)),
    ("a data centre by its place", "%%remote datacenter=ro|", ("ro", ["EU-RO-1"])),
    ("a backend", "%%remote backend=|", ("", ["local", "runpod"])),
    ("an endpoint", "%%remote name=tr|", ("tr", ["trainer"])),
    ("a variable to leave here", "%%remote drop=mo|", ("mo", ["model"])),
    ("several variables", "%%remote include=model,|", ("", ["frame"])),
    ("what the cell binds comes first", "%%remote out=|\nscore = 1", ("", ["score", "frame", "model"])),
    ("a cell that can't be read yet", "%%remote out=|\nscore = (", ("", ["frame", "model"])),
    ("a number has no words", "%%remote timeout=|", ("", [])),
    ("the comment form", "#| remote: gpu=HOP|", ("HOP", ["HOPPER_141"])),
    ("the comment form below a comment", "# why\n#| remote: det|", ("det", ["detach"])),
    ("options of an expression", "y = %remote gpu=HOP|", ("HOP", ["HOPPER_141"])),
    ("an expression's first word", "y = %remote gpu=HOPPER_141 mo|", ("mo", ["model"])),
    ("a word of %flash", "%flash un|", ("un", ["undeploy"])),
    ("an endpoint to delete", "%flash undeploy tr|", ("tr", ["trainer"])),
    ("all endpoints", "%flash undeploy --|", ("--", ["--all"])),
    ("a job to attach", "%flash attach |", ("", ["fj-1", "fj-2"])),
    ("a job to cancel", "%flash cancel fj-2|", ("fj-2", ["fj-2"])),
    ("the logs of a job", "%flash logs fj-1|", ("fj-1", ["fj-1"])),
    ("a default", "%flash config ti|", ("ti", ["timeout="])),
    ("no default twice", "%flash config image=x i|", ("i", ["idle=", "include="])),
    ("the value of a default", "%flash config gpu=AMPERE_80,HOP|", ("HOP", ["HOPPER_141"])),
    ("where cells run", "%flash use r|", ("r", ["runpod"])),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_may_stand_at_the_cursor(cell: str, found: tuple[str, list[str]]) -> None:
    assert complete(cell) == found


LEFT = [
    ("the name of the magic", "%%rem|"),
    ("the body of a remote cell", "%%remote gpu=A\nos.pa|"),
    ("the body of a cell with the comment", "#| remote: gpu=A\nos.pa|"),
    ("a comment on the line", "%%remote gpu=A # gp|"),
    ("the comment form below code", "x = 1\n#| remote: gp|"),
    ("the inside of an expression", "%remote gpu=A f(x, k|"),
    ("another magic", "%%remoted gp|"),
    ("plain code", "gp|"),
    ("a text that speaks of it", "'use %%remote gp|'"),
]


@pytest.mark.parametrize("cell", [case[1] for case in LEFT], ids=[case[0] for case in LEFT])
def test_the_rest_is_left_to_ipython(cell: str) -> None:
    assert complete(cell) is None


def test_all_options_are_offered() -> None:
    assert complete("%%remote |") == ("", [*(f"{key}=" for key in KEYS), *FLAGS])


def test_whatever_is_offered_as_a_gpu_is_one() -> None:
    assert {find_gpu(name) for name in GpuType.__members__} == {gpu.value for gpu in GpuType}
    assert (complete("%%remote gpu=|") or ("", []))[1] == [*POOLS, "any", *GpuType.__members__]


def test_the_commands_of_flash_local_are_offered() -> None:
    assert {*LOCAL_COMMANDS} == get_command(local_app).commands.keys()  # type: ignore[attr-defined]


def test_ipython_gets_the_words_as_the_only_ones() -> None:
    cell = "%%remote gpu=HOP"
    context = CompletionContext("HOP", cell, len(cell), 0, 10)
    result = make_matcher(KNOWN)(context)
    assert [completion.text for completion in result["completions"]] == ["HOPPER_141"]
    assert (result["matched_fragment"], result["suppress"]) == ("HOP", True)


def test_the_commands_of_deploy_env_and_app_are_offered() -> None:
    groups = {"deploy": deploy_app, "env": env_app, "app": apps_app}
    shown = {
        word: {name for name, each in get_command(group).commands.items() if not each.hidden}  # type: ignore[attr-defined]
        for word, group in groups.items()
    }
    assert shown == {word: {*commands} for word, commands in APP_COMMANDS.items()}
