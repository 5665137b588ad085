"""What remote functions show of a wait in a script; a journey looks at the notebook."""

from __future__ import annotations

import pytest

from flash_jupyter.session.events import Waiting
from flash_jupyter.session.show import show


def test_in_a_script_each_reason_is_one_line_for_all_calls(capsys: pytest.CaptureFixture[str]) -> None:
    for text, cause in [("a worker starts", "starting")] * 3 + [
        ("it says: 10 %", "starting"),
        ("all are busy", "busy"),
    ]:
        show(Waiting(text, "wait", cause, "script-1"))
    show(Waiting("", "", wait="script-1"))
    assert capsys.readouterr().err == "waiting: a worker starts → wait\nwaiting: all are busy → wait\n"


def test_another_wait_is_told_again(capsys: pytest.CaptureFixture[str]) -> None:
    show(Waiting("a worker starts", "wait", "starting", "script-2"))
    show(Waiting("a worker starts", "wait", "starting", "script-3"))
    assert capsys.readouterr().err == "waiting: a worker starts → wait\n" * 2


def test_the_end_of_a_wait_that_was_not_told_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    show(Waiting("", "", wait="script-4"))
    assert capsys.readouterr().err == ""
