"""The side of a smoke test that runs in the kernel of the scratch copy: what the notebook gives, what the bundle gives.

Every method prints nothing and returns JSON: who drives the kernel reads it (`build/scratch.py`).
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from flash_jupyter.build.alike import is_alike
from flash_jupyter.build.asking import Served, required
from flash_jupyter.build.callers import Asker, caller_of
from flash_jupyter.build.manifest import Function, Resource
from flash_jupyter.errors import RemoteExecutionError

#: the name that it has in the kernel
NAME = "_flash_rehearsal"
SHOWN_CHARACTERS = 300


class Rehearsal:
    """The functions that are served, and the notebook's own values of them; `order` is the file that says which."""

    def __init__(self, namespace: dict[str, Any], order: str) -> None:
        found = json.loads(Path(order).read_text("utf-8"))
        resources = (Resource.model_validate(each["resource"]) for each in found["served"])
        served = [
            Served(**{**each, "resource": resource}) for each, resource in zip(found["served"], resources, strict=True)
        ]
        self._asker = Asker(found["key"])
        self._functions: dict[str, tuple[Function, Served]] = {
            function.name: (function, each) for each in served for function in each.functions
        }
        self._namespace = namespace
        self._covered: dict[str, Any] = {}
        self._expected: dict[str, Any] = {}

    def keep(self, name: str, outputs: list[str] | None, shell: Any) -> str:
        """Remember what the handler cell that just ran gave: its last value, or the names that it bound."""
        if outputs is None:
            value = shell.last_execution_result.result
        else:
            value = {each: self._namespace[each] for each in outputs if each in self._namespace}
        self._expected[name] = _copied(value) if outputs is None or outputs else None
        return "null"

    def enter(self) -> str:
        """Put the bundle's functions in the place of the notebook's."""
        self._asker.called.clear()
        for name, (function, served) in self._functions.items():
            original = None if name in self._expected else self._namespace.get(name)
            self._covered[name] = self._namespace.get(name, self)
            self._namespace[name] = caller_of(function, served, self._asker, original)
        return "null"

    def leave(self) -> str:
        """Put the notebook's functions back; returns the names of those that were asked for meanwhile."""
        for name, value in self._covered.items():
            if value is self:
                self._namespace.pop(name, None)
            else:
                self._namespace[name] = value
        self._covered.clear()
        return json.dumps(sorted(self._asker.called))

    def compare(self, name: str) -> str:
        """Ask for a function with its defaults, and compare; returns `{"state": ..., "text": ...}`."""
        function, served = self._functions[name]
        try:
            expected = self._expected[name] if name in self._expected else self._here(name)
        except Exception as error:  # the user's own code
            return _verdict("not verified", f"the notebook's own raised {type(error).__name__}: {error}")
        try:
            route = served.resource.is_load_balanced
            got = self._asker.route(function, served, {}) if route else self._asker.plain(function, served, {})
        except RemoteExecutionError as failure:
            return _verdict("differs", f"the notebook gives {_shown(expected)}, the bundle raised {failure}")
        if is_alike(expected, got):
            return _verdict("verified", _shown(got))
        return _verdict("differs", f"the notebook gives {_shown(expected)}, the bundle {_shown(got)}")

    def _here(self, name: str) -> Any:
        """What the notebook's own function gives with its defaults, here."""
        value = self._namespace[name].local()
        if hasattr(value, "__await__"):
            from flash_jupyter.session.loop import run_aside

            return run_aside(value)
        return value

    def can_compare(self, name: str) -> str:
        """Why a function can't be asked with its defaults, empty where it can."""
        function, _ = self._functions[name]
        if function.is_class:
            return json.dumps("a class has no default call; call it in a flash:test cell")
        if name not in self._expected and not hasattr(self._namespace.get(name), "local"):
            return json.dumps("the notebook does not make it")
        if missing := required(function):
            return json.dumps(
                f"{', '.join(missing)} {'has' if len(missing) == 1 else 'have'} no literal default, "
                "and no flash:test cell calls it"
            )
        return json.dumps("")


def _copied(value: Any) -> Any:
    """A copy, where that is possible: later cells may change the object."""
    try:
        return copy.deepcopy(value)
    except Exception:  # of the object's own making
        return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def _verdict(state: str, text: str) -> str:
    return json.dumps({"state": state, "text": text})
