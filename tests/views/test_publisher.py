from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest
from ipykernel.zmqshell import ZMQDisplayPublisher
from IPython.core.displaypub import CapturingDisplayPublisher, DisplayPublisher
from jupyter_client.session import Session

from flash_jupyter.views.publisher import PromptPublisher, page_of, prompt

LINE = {"text/plain": "on the local Runpod", "text/html": "<div>on the local Runpod</div>"}


class Wire:
    """A socket that keeps what is sent through it."""

    def __init__(self) -> None:
        self.sent: list[list[Any]] = []

    def send_multipart(self, parts: list[Any], **_options: Any) -> None:
        self.sent.append([bytes(part) for part in parts])


class Flushed(io.StringIO):
    """A stream that counts how often somebody waits for it."""

    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def publisher(wire: Wire) -> Any:
    made = ZMQDisplayPublisher(session=Session(key=b""), pub_socket=wire)
    made.set_parent({"header": {"msg_id": "the cell"}})
    return made


def messages(wire: Wire) -> list[dict[str, Any]]:
    session = Session(key=b"")
    unpacked = [session.deserialize(session.feed_identities(parts)[1]) for parts in wire.sent]
    return [{"type": m["msg_type"], "cell": m["parent_header"]["msg_id"], **m["content"]} for m in unpacked]


def test_a_line_is_sent_without_waiting_for_the_streams(publisher: Any, wire: Wire) -> None:
    out, err = Flushed(), Flushed()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        prompt(publisher).publish(LINE, transient={"display_id": "a"})
        prompt(publisher).publish(LINE, transient={"display_id": "a"}, update=True)
    shown = {"data": LINE, "metadata": {}, "transient": {"display_id": "a"}, "cell": "the cell"}
    assert messages(wire) == [{"type": "display_data", **shown}, {"type": "update_display_data", **shown}]
    assert (out.flushes, err.flushes) == (0, 0)


def test_who_listens_in_between_gets_the_line(publisher: Any, wire: Wire) -> None:
    caught: list[dict[str, Any]] = []
    publisher.register_hook(caught.append)
    prompt(publisher).publish(LINE)
    assert [message["content"]["data"] for message in caught] == [LINE]
    assert wire.sent == []


def test_a_line_is_cleared_with_the_cell(publisher: Any, wire: Wire) -> None:
    prompt(publisher).clear_output(wait=True)
    assert messages(wire) == [{"type": "clear_output", "cell": "the cell", "wait": True}]


def test_other_publishers_are_left_as_they_are() -> None:
    terminal = DisplayPublisher()
    assert prompt(terminal) is terminal
    assert not isinstance(prompt(terminal), PromptPublisher)


def test_a_line_goes_to_the_cell_in_which_it_was_prepared(publisher: Any, wire: Wire) -> None:
    ours = prompt(publisher)
    publisher.set_parent({"header": {"msg_id": "the next cell"}})
    ours.publish(LINE)
    assert [message["cell"] for message in messages(wire)] == ["the cell"]


PAGES = [
    ("ipykernel's updates displays", ZMQDisplayPublisher, "live"),
    ("a terminal prints them", DisplayPublisher, "lines"),
    ("%%capture keeps them", CapturingDisplayPublisher, "recorded"),
]


@pytest.mark.parametrize(("kind", "page"), [page[1:] for page in PAGES], ids=[page[0] for page in PAGES])
def test_what_becomes_of_a_display(kind: Any, page: str) -> None:
    assert page_of(kind()) == page
