"""Whatever makes an endpoint: nothing waits for money, nothing runs for ever, nothing is run again by itself (need 4)."""

from __future__ import annotations

import inspect
from datetime import datetime, timezone
from typing import Any

import pytest

import flash_jupyter
from flash_jupyter import limits
from flash_jupyter.decorator.functions import CallOptions
from flash_jupyter.decorator.target import Target
from flash_jupyter.resources.endpoint import EndpointSpec, create_body, endpoint_spec
from flash_jupyter.resources.model import Resource
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.calling import start_call, start_payload
from flash_jupyter.session.running import Runner
from flash_jupyter.session.session import Session
from flash_jupyter.settings import read_settings

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
CLASSES = [
    kind
    for name in flash_jupyter.__all__
    if isinstance(kind := getattr(flash_jupyter, name), type) and issubclass(kind, Resource)
]


def resource(kind: type[Resource], **values: Any) -> Resource:
    return kind(name="n", **({} if kind.is_live else {"imageName": "me/mine:1"}), **values)


def session(folder: Any) -> Session:
    return Session(read_settings({"FLASH_JUPYTER_HOME": str(folder), "FLASH_JUPYTER_OWNER": "ann"}, project=folder))


WAYS: list[tuple[str, Any]] = [
    ("a cell", lambda _session: endpoint_spec(make_options(), owner="ann")),
    ("a cell with a CPU", lambda _session: endpoint_spec(make_options(cpu=("cpu3c-2-4",)), owner="ann")),
    ("a cell with a name", lambda _session: endpoint_spec(make_options(name="trainer"), owner="ann")),
    ("a function", lambda session: Target().spec(session)),
    ("a class", lambda session: Target().for_class("Model").spec(session)),
    *((kind.__name__, lambda session, kind=kind: Target(resource(kind)).spec(session)) for kind in CLASSES),
    *(
        (
            f"instances on {kind.__name__}",
            lambda session, kind=kind: Target(resource(kind)).for_class("M").spec(session),
        )
        for kind in CLASSES
        if kind.is_live and not kind.is_load_balanced
    ),
    *((f"{kind.__name__} without a limit", lambda session, kind=kind: _unlimited(kind, session)) for kind in CLASSES),
]


def _unlimited(kind: type[Resource], session: Session) -> EndpointSpec:
    """A class that says 0, which is no limit to the released client."""
    spec = Target(resource(kind, executionTimeoutMs=0)).spec(session)
    assert isinstance(spec, EndpointSpec)
    return spec


def test_there_are_eight_classes() -> None:
    assert len(CLASSES) == 8


@pytest.mark.parametrize("make", [way[1] for way in WAYS], ids=[way[0] for way in WAYS])
def test_it_scales_to_zero_has_a_time_limit_and_labels(make: Any, tmp_path: Any) -> None:
    spec = make(session(tmp_path))
    body = create_body(spec, now=NOW)
    assert body["workers"]["min"] == 0
    assert limits.EXECUTION_TIMEOUT_MIN_S * 1000 <= body["timeout"] <= limits.OUR_EXECUTION_TIMEOUT_S * 1000
    labels = {name: value for name, value in body["env"].items() if name.startswith("FLASH_JUPYTER_")}
    labels.pop("FLASH_JUPYTER_PYTHON", None)
    assert (labels.pop("FLASH_JUPYTER_INSTANCES", None) == "1") == spec.has_instances == (body["workers"]["max"] == 1)
    assert labels == {
        "FLASH_JUPYTER_OWNER": "ann",
        "FLASH_JUPYTER_CREATED": "2026-11-22T00:00:00Z",
        "FLASH_JUPYTER_EXPIRES": "2026-11-23T00:00:00Z",
    }


def test_nothing_is_run_again_unless_the_user_says_so() -> None:
    assert make_options().retries == 0
    assert CallOptions().retries == 0
    for function in (start_call, start_payload, Runner.run):
        assert inspect.signature(function).parameters["retries"].default == 0
