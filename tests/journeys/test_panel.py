"""The panel of `%flash`, driven as a frontend drives it: presses are comm messages to a real kernel."""

from __future__ import annotations

from typing import Any

import pytest
from buttons import WIDGET_VIEW, Frontend

from flash_jupyter.magics.panel import LOOKS_S
from flash_jupyter.views.controls import CONTROLS_VIEW, fallback
from flash_jupyter.views.panel import AGAIN

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def frontend(shared_desk: Any) -> Frontend:
    """A frontend that has the panel open, and looks at it; the endpoints of this module are its own."""
    notebook = shared_desk.open()
    for name in ("panel-one", "panel-two"):
        notebook.ok(f"%%remote cpu=cpu3c-2-4 name={name}\nprint('said by {name}')")
    frontend = Frontend(notebook.client)
    frontend.execute("%flash")
    return frontend


def pressed(frontend: Frontend, *texts: str, says: str) -> str:
    """Press buttons one after the other; returns what the panel says then."""
    for text in texts:
        frontend.press(text)
    return str(frontend.wait(lambda: says in frontend.said() and frontend.said()))


def test_the_panel_lists_what_runs_and_its_buttons_stand_beside_it(frontend: Frontend) -> None:
    lines = frontend.table().splitlines()
    assert lines[0].startswith("the local Runpod · owner tester · ")
    assert {"panel-one", "panel-two"} <= {line.split(" ")[0] for line in lines}
    assert WIDGET_VIEW not in frontend.displays[frontend.saved[0]]
    controls = dict(frontend.controls())
    widget = controls.pop(WIDGET_VIEW)
    assert set(widget) == {"version_major", "version_minor", "model_id"}
    # for our extension, which knows when the widget is gone
    assert controls.pop(CONTROLS_VIEW) == {"model_id": widget["model_id"]}
    assert controls == fallback()
    assert controls["text/plain"] == AGAIN


def test_a_job_s_output_is_read_out(frontend: Frontend) -> None:
    frontend.press("Logs", nth=1)
    shown = frontend.wait(lambda: "said by panel-two" in frontend.said() and frontend.said())
    assert "COMPLETED · panel-two" in shown


def test_the_log_of_an_endpoint_s_worker_is_read_out(frontend: Frontend) -> None:
    frontend.choose("panel-one")
    frontend.press("Logs", nth=0)
    shown = frontend.wait(lambda: "worker " in frontend.said() and frontend.said())
    assert "said by panel-one" in shown


def made(frontend: Frontend, desk: Any, name: str) -> Any:
    """Let another kernel make an endpoint, choose it in a new panel, and return that kernel."""
    other = desk.open()
    other.ok(f"%%remote cpu=cpu3c-2-4 name={name}\n1")
    frontend.execute("%flash")
    frontend.choose(name)
    return other


def test_what_is_deleted_is_pressed_twice(frontend: Frontend, shared_desk: Any, fresh: str) -> None:
    made(frontend, shared_desk, fresh)
    frontend.press("Undeploy")
    frontend.wait(lambda: f"Really delete {fresh} (yours)?" in str(frontend.widgets))
    frontend.press("Keep")
    frontend.wait(lambda: "Really delete" not in str(frontend.widgets))
    frontend.press("Undeploy")
    frontend.wait(lambda: "Really delete" in str(frontend.widgets))
    pressed(frontend, f"Really delete {fresh} (yours)?", says=f"deleted: {fresh}")
    names = [line.split(" ")[0] for line in frontend.table().splitlines()]
    assert fresh not in names[: names.index("job")]
    assert "panel-two" in names


def test_an_error_is_said_in_the_panel(frontend: Frontend, shared_desk: Any, fresh: str) -> None:
    """Somebody else was quicker: what is chosen is not there any more."""
    other = made(frontend, shared_desk, fresh)
    other.ok(f"%flash undeploy {fresh}")
    frontend.press("Undeploy")
    frontend.wait(lambda: f"Really delete {fresh} (yours)?" in str(frontend.widgets))
    shown = pressed(frontend, f"Really delete {fresh} (yours)?", says="there is no endpoint")
    assert "→ choose one of: " in shown


def test_the_panel_looks_again_by_itself_only_while_it_is_seen(frontend: Frontend) -> None:
    frontend.execute("%flash")
    before = frontend.table()
    frontend.drain(LOOKS_S[0] + 0.5)
    assert frontend.table() == before
    frontend.execute("%flash")
    frontend.look_at_it()
    before = frontend.table()
    frontend.wait(lambda: frontend.table() != before)


def test_a_new_panel_takes_the_buttons_of_the_one_before(frontend: Frontend) -> None:
    frontend.execute("%flash")
    before = frontend.saved[1]
    assert WIDGET_VIEW in frontend.displays[before]
    frontend.execute("%flash")
    frontend.wait(lambda: frontend.displays[before] == fallback())


def test_a_detached_job_is_cancelled_or_brought_home(frontend: Frontend) -> None:
    frontend.execute("%%remote cpu=cpu3c-2-4 name=panel-three detach\nprint('at work')\nfound = 6 * 7")
    frontend.execute("%flash")
    pressed(frontend, "Attach", says="bound: found")
    assert "at work" in frontend.said()
    frontend.execute("assert found == 42, found")
    assert frontend.texts == []
    frontend.execute("%%remote cpu=cpu3c-2-4 name=panel-three detach\nimport time\ntime.sleep(600)")
    frontend.execute("%flash")
    pressed(frontend, "Cancel", says="cancelled")


def test_who_only_executes_notebooks_gets_no_buttons(frontend: Frontend) -> None:
    frontend.execute("%flash", allow_stdin=False)
    assert len(frontend.saved) == 1


def test_unloading_takes_the_buttons_away(frontend: Frontend) -> None:
    frontend.execute("%flash")
    controls = frontend.saved[1]
    frontend.execute("%unload_ext flash_jupyter")
    frontend.wait(lambda: frontend.displays[controls] == fallback())
    assert frontend.texts == []
    frontend.execute("%load_ext flash_jupyter")
