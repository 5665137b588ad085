"""The frames of what a call raises: the caller's, without ours."""

from __future__ import annotations

import inspect
import pickle
import traceback

import pytest

from flash_jupyter.decorator.output import JobOutput
from flash_jupyter.decorator.raising import bound, for_the_caller, of_the_caller
from flash_jupyter.errors import FlashError


def test_only_the_callers_frames_are_left() -> None:
    with pytest.raises(FlashError) as caught:
        JobOutput("fj-1", "FAILED", failure=FlashError("no")).result()
    trace = caught.value.__traceback__
    here = "test_only_the_callers_frames_are_left"
    assert [frame.name for frame in traceback.extract_tb(trace)] == [here, "result"]
    assert [frame.name for frame in traceback.extract_tb(of_the_caller(trace))] == [here]


def test_an_interrupt_is_one_line_in_a_notebook() -> None:
    said, silent = for_the_caller(KeyboardInterrupt("cancelled")), for_the_caller(KeyboardInterrupt())
    assert vars(said)["_render_traceback_"]() == ["KeyboardInterrupt: cancelled"]
    assert vars(silent)["_render_traceback_"]() == ["KeyboardInterrupt"]


def test_what_a_call_raises_can_be_pickled() -> None:
    signature = inspect.signature(lambda text: None)
    with pytest.raises(TypeError) as caught:
        bound("score", signature, ((), {}))
    back, interrupt = pickle.loads(pickle.dumps((caught.value, for_the_caller(KeyboardInterrupt("cancelled")))))
    assert (type(back), back.args) == (TypeError, caught.value.args)
    assert vars(interrupt)["_render_traceback_"]() == ["KeyboardInterrupt: cancelled"]
