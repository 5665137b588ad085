"""What a run made is deleted, and what could not be is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulated import RealServer

from flash_jupyter.develop.supervisor import remove
from flash_jupyter.errors import UnreachableError
from flash_jupyter.session.links import Links
from flash_jupyter.session.session import Session
from flash_jupyter.settings import Backend, Settings


def settings(home: Path) -> Settings:
    return Settings(home, home, "ann", "local")


@pytest.mark.journey
def test_what_was_made_goes_and_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    server, session = RealServer(tmp_path / "local"), Session(settings(tmp_path))
    try:
        label = {"FLASH_JUPYTER_OWNER": "ann"}
        made = server.endpoint(name="made", env=label)
        server.endpoint(name="unsure", env=label)
        server.endpoint(name="unsure", env={"FLASH_JUPYTER_OWNER": "bob"})
        server.endpoint(name="made", env={"FLASH_JUPYTER_OWNER": "bob"})
        removed = remove({"made": made, "unsure": None, "gone": "no-such-id"}, session)
        assert (sorted(removed.deleted), removed.left, removed.problem) == (["made", "unsure"], (), None)
        assert sorted((view.name, view.owner) for view in session.endpoints()) == [("made", "bob"), ("unsure", "bob")]
    finally:
        session.close()
        server.stop()


def test_what_can_not_be_asked_for_counts_as_left(tmp_path: Path) -> None:
    nobody = Backend("local", "http://127.0.0.1:9", "http://127.0.0.1:9/v2", "key", "")
    session = Session(settings(tmp_path), links=Links(settings(tmp_path), open_local=lambda _settings: nobody))
    try:
        removed = remove({"made": "id"}, session)
    finally:
        session.close()
    assert (removed.deleted, removed.left) == ((), ("made",))
    assert isinstance(removed.problem, UnreachableError)


def test_nothing_made_asks_nobody(tmp_path: Path) -> None:
    session = Session(settings(tmp_path))
    try:
        assert remove({}, session).deleted == ()
        assert session.links.known("local") is None
    finally:
        session.close()
