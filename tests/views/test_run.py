"""What `flash run` says, whole."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.views.run import event_text, serving_bundle, stopped_bundle

PLACE = {"endpoint": "shop-gpu", "hardware": "AMPERE_80", "workers_min": 0, "workers_max": 2, "usd_per_hour": 2.736}
SERVING: dict[str, Any] = {
    "event": "serving",
    "project": "shop",
    "backend": "runpod",
    "docs": "/docs",
    "url": "http://localhost:8889",
    "taken": 8888,
    "is_public": False,
    "reload": True,
    "routes": [
        {"method": "GET", "path": "/", "function": "index", "where": "", "place": {}},
        {"method": "POST", "path": "/shop-gpu/runsync", "function": "<f>", "where": "gpu.py, line 3", "place": PLACE},
    ],
}


def test_a_server_in_a_terminal() -> None:
    assert event_text(SERVING) == (
        "shop on http://localhost:8889 (8888 is taken) · explorer http://localhost:8889/docs · runs on Runpod\n"
        "  method  path               function  endpoint      hardware   cost\n"
        "  GET     /                  index     this process\n"
        "  POST    /shop-gpu/runsync  <f>       shop-gpu      AMPERE_80  at most $2.74 an hour a worker, up to 2\n"
        "starts again when a file is saved\n"
        "endpoints that this run makes are removed when it ends"
    )


def test_a_server_that_others_reach_says_whose_cost_it_is() -> None:
    text = event_text({**SERVING, "is_public": True, "reload": False})
    assert text.splitlines()[-2:] == [
        "other machines reach it too: who calls it runs your functions, at your cost",
        "endpoints that this run makes are removed when it ends",
    ]


def test_a_server_in_a_notebook() -> None:
    bundle = serving_bundle(SERVING, "%flash run stop ends it")
    assert bundle["text/plain"] == f"{event_text(SERVING)}\n%flash run stop ends it"
    assert '<a href="http://localhost:8889/docs" target="_blank">' in bundle["text/html"]
    assert "&lt;f&gt;" in bundle["text/html"]
    assert "<f>" not in bundle["text/html"]


EVENTS = [
    ("a change", {"event": "reloading", "files": ["a.py", "b.py"]}, "saved: a.py, b.py; starting again"),
    (
        "what is broken",
        {"event": "broken", "error": {"type": "BuildError", "message": "no", "fix": "mend it"}},
        "not served: no\n  → mend it",
    ),
    ("an endpoint that is made", {"event": "provisioning", "text": "making endpoint a"}, "making endpoint a"),
    ("the end", {"event": "stopping", "endpoints": ["a", "b"]}, "stopping; removing a, b"),
    ("an end without endpoints", {"event": "stopping", "endpoints": []}, ""),
    (
        "nothing to remove",
        {"event": "stopped", "deleted": [], "left": [], "problem": ""},
        "stopped; nothing to remove",
    ),
    (
        "something left whose price is not known",
        {"event": "stopped", "deleted": [], "left": [{"name": "a", "usd_per_hour": None}], "problem": "no answer"},
        "stopped\nNOT removed: a, free, or its price is not known (no answer)\n  → flash undeploy a",
    ),
]


@pytest.mark.parametrize(("event", "text"), [e[1:] for e in EVENTS], ids=[e[0] for e in EVENTS])
def test_the_text_of_an_event(event: dict[str, Any], text: str) -> None:
    assert event_text(event) == text


def test_the_end_in_a_notebook_is_escaped() -> None:
    event = {"deleted": ["<a>"], "left": [], "problem": ""}
    assert stopped_bundle(event)["text/plain"] == "stopped; removed: <a>"
    assert "&lt;a&gt;" in stopped_bundle(event)["text/html"]
