"""What `%flash WORD` says of a command that was written wrongly: how it is written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from flash_jupyter.errors import OptionError
from flash_jupyter.magics.commands import run_command

MADE = (
    "a network volume is made by what uses it first\n"
    "  → write volume=NAME:GB behind %%remote, or networkVolume=NetworkVolume(name=NAME, size=GB) in an endpoint"
)
WRONG = [
    ("an argument is missing", "volumes delete", "write %flash volumes delete NAME [--yes] [--json]; more with --help"),
    (
        "an option has a value",
        "env create",
        "write %flash env create ENV [--app-name APP_NAME] [--json]; more with --help",
    ),
    (
        "an option is a number",
        "jobs --limit all",
        "write %flash jobs [--json] [--limit LIMIT] [--all]; more with --help",
    ),
    ("a group does something alone", "volumes all", "write %flash volumes [delete] [--json]; more with --help"),
    ("a group does nothing alone", "app all", "write %flash app list|get|create|delete; more with --help"),
]


def told(line: str) -> OptionError:
    """What a notebook hears; nothing of a session is asked for before a command is understood."""
    session: Any = None
    with pytest.raises(OptionError) as raised:
        run_command(SimpleNamespace(display_pub=None), session, line.split()[0], line.split()[1:])
    return raised.value


@pytest.mark.parametrize(("line", "fix"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_command_that_is_not_understood_says_how_it_is_written(line: str, fix: str) -> None:
    assert told(line).fix == fix


@pytest.mark.parametrize("line", ["volumes create", "volumes create models --size 100"])
def test_who_wants_to_create_a_volume_is_told_how(line: str) -> None:
    assert str(told(line)) == MADE
