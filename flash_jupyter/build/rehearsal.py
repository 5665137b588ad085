"""The side of a smoke test that runs in the kernel of the scratch copy: what the notebook gives, what the bundle gives.

Every method prints nothing and returns JSON: who drives the kernel reads it (`build/scratch.py`).
"""

from __future__ import annotations

import copy
import importlib
import json
import math
import sys
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from types import ModuleType
from typing import Any

import flash_jupyter
from flash_jupyter.build.asker import Asker
from flash_jupyter.build.asking import Served, inputs_of, no_default_call
from flash_jupyter.build.callers import caller_of
from flash_jupyter.build.evaluate import RELEASED
from flash_jupyter.build.examples import run_examples, shown_docs
from flash_jupyter.build.manifest import Function, Resource
from flash_jupyter.decorator.classes import RemoteClass
from flash_jupyter.decorator.functions import RemoteFunction
from flash_jupyter.decorator.routes import RemoteRoute
from flash_jupyter.errors import RemoteExecutionError

#: what the decorator makes of a function or class
REMOTE = (RemoteClass, RemoteFunction, RemoteRoute)
#: the name that it has in the kernel
NAME = "_flash_rehearsal"
SHOWN_CHARACTERS = 300
#: what another processor or another build of a library may make of the same floats
RELATIVE, ABSOLUTE = 1e-6, 1e-9


class Rehearsal:
    """The functions that are served, and the notebook's own values of them; `order` is the file that says which.

    `own` are those of this notebook: another one's may have the name of a variable here.
    """

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
        self._own: set[str] = set(found["own"])
        self._namespace = namespace
        #: what the bundle is compared with, in words
        self._source = "the notebook"
        #: the names of the modules that were loaded, and why others could not be
        self._modules: dict[str, dict[str, Any]] = {}
        self._missing: dict[str, str] = {}
        self._given: dict[str, dict[str, Any]] = {}
        #: what was put into which names, and what stood there, by the table's id and the name
        self._covered: dict[tuple[int, str], tuple[dict[str, Any], Any]] = {}
        self._expected: dict[str, Any] = {}

    @classmethod
    def begin(cls, namespace: dict[str, Any], order: str) -> Rehearsal:
        """Make one, before anything of the user's runs: from here on an import of the released client gives us.

        The released client would find a key of the cloud in files of its own, and make endpoints there.
        """
        sys.modules[RELEASED] = flash_jupyter
        return cls(namespace, order)

    def load(self, module: str, names: list[str]) -> str:
        """Import a module of the project, which stands in the current folder or in `src`; returns why that failed."""
        sys.path[:0] = [each for each in (str(Path.cwd()), str(Path("src").resolve())) if each not in sys.path]
        try:
            found = vars(importlib.import_module(module))
        except Exception as error:  # the user's own code
            self._missing[module] = f"{module} can't be imported here: {type(error).__name__}: {error}"
            return json.dumps(self._missing[module])
        self._source = "the project"
        self._modules[module] = found
        self._namespace.update({name: found[name] for name in names if name in found})
        return json.dumps("")

    def keep(self, name: str, outputs: list[str] | None, shell: Any) -> str:
        """Remember what the handler cell that just ran gave: its last value, or the names that it bound."""
        if outputs is None:
            value = shell.last_execution_result.result
        else:
            value = {each: self._namespace[each] for each in outputs if each in self._namespace}
        self._expected[name] = _copied(value) if outputs is None or outputs else None
        return "null"

    def give(self, name: str) -> str:
        """Remember what the handler cell that runs next reads."""
        function, _ = self._functions[name]
        self._given[name] = {
            each: _copied(self._namespace[each]) for each in inputs_of(function) if each in self._namespace
        }
        return "null"

    def enter(self, reads: list[str]) -> str:
        """Put the bundle in the notebook's place for a test cell that reads these names: its functions, its values.

        A function that a module of the project has is covered there too, and wherever that was imported to.
        """
        self._asker.called.clear()
        callers: dict[int, Any] = {}
        for name, (function, served) in self._functions.items():
            is_handler = name in self._expected
            original = None if is_handler else self._original(function)
            if name not in self._own and original is None:
                continue
            caller = caller_of(function, served, self._asker, original)
            if isinstance(original, REMOTE):
                callers[id(original)] = caller
            if name in self._own:
                self._cover(self._namespace, name, caller)
            if is_handler and name not in reads and (read := self._bound_by(name).intersection(reads)):
                answer = settled(caller(**self._given[name]))
                for each in sorted(read):
                    self._cover(self._namespace, each, answer[each])
        self._cover_wherever(callers)
        return "null"

    def _original(self, function: Function) -> Any:
        """The function of the notebook or of an imported module, None where there is none."""
        found = self._namespace.get(function.name)
        if function.name in self._own or isinstance(found, REMOTE):
            return found
        found = getattr(sys.modules.get(function.module), function.name, None)
        return found if isinstance(found, REMOTE) else None

    def _cover_wherever(self, callers: Mapping[int, Any]) -> None:
        """Cover what has the ids of these functions, in every module that has it: this namespace is one, or not."""
        tables = [self._namespace, *(vars(each) for each in [*sys.modules.values()] if isinstance(each, ModuleType))]
        for names in tables:
            for name in [name for name, value in [*names.items()] if id(value) in callers]:
                self._cover(names, name, callers[id(names[name])])

    def _bound_by(self, name: str) -> set[str]:
        """The names that a handler cell binds."""
        return {*((self._functions[name][0].output_schema or {}).get("properties") or ())}

    def _cover(self, names: dict[str, Any], name: str, value: Any) -> None:
        self._covered.setdefault((id(names), name), (names, names.get(name, self)))
        names[name] = value

    def leave(self) -> str:
        """Put the notebook's functions back; returns those asked for meanwhile, as `Asker.called` has them."""
        for (_, name), (names, value) in self._covered.items():
            if value is self:
                names.pop(name, None)
            else:
                names[name] = value
        self._covered.clear()
        return json.dumps(self._asker.called, sort_keys=True)

    def try_examples(self, name: str, owner: str) -> str:
        """Run the examples of a docstring, the bundle in the place of its functions.

        Returns `{"called": {...}, "failure": ..., "is_telling": ..., "compares": ...}`. Where the module can't be
        imported here, they have the functions that are served, and nothing else.
        """
        function, _ = self._functions[name]
        names = self._modules.get(function.module, self._namespace)
        self.enter([])
        try:
            ending = run_examples(owner, shown_docs(function)[owner], names)
        finally:
            called: dict[str, str] = json.loads(self.leave())
        failure = ending.failure
        if failure and not ending.is_telling and (missing := self._missing.get(function.module)):
            failure += f"; {missing}"
        said = {"failure": failure, "is_telling": ending.is_telling, "compares": ending.compares}
        return json.dumps({"called": called, **said})

    def recorded(self) -> str:
        """What the bundle was asked so far, and what it answered (`build/recorded.py`)."""
        return json.dumps(self._asker.recorder.found())

    def compare(self, name: str) -> str:
        """Ask for a function with its defaults, and compare; returns `{"state": ..., "text": ...}`."""
        function, served = self._functions[name]
        try:
            expected = self._expected[name] if name in self._expected else self._here(name)
        except Exception as error:  # the user's own code
            return _verdict("not verified", f"{self._source}'s own raised {type(error).__name__}: {error}")
        try:
            route = served.resource.is_load_balanced
            got = self._asker.route(function, served, {}) if route else self._asker.plain(function, served, {})
        except RemoteExecutionError as failure:
            return _verdict("differs", f"{self._source} gives {_shown(expected)}, the bundle raised {failure}")
        if is_alike(expected, got):
            self._asker.recorder.compared(name)
            return _verdict("verified", _shown(got))
        return _verdict("differs", f"{self._source} gives {_shown(expected)}, the bundle {_shown(got)}")

    def _here(self, name: str) -> Any:
        """What the notebook's own function gives with its defaults, here."""
        return settled(self._namespace[name].local())

    def can_compare(self, name: str) -> str:
        """Why a function can't be asked with its defaults, empty where it can."""
        function, _ = self._functions[name]
        is_made = name in self._expected or hasattr(self._namespace.get(name), "local")
        if function.is_class or is_made:
            return json.dumps(no_default_call(function))
        return json.dumps(f"{self._source} does not make it")


def settled(value: Any) -> Any:
    """Wait for what is to be awaited."""
    if hasattr(value, "__await__"):
        from flash_jupyter.transport.loop import run_aside

        return run_aside(value)
    return value


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


def is_alike(expected: Any, got: Any) -> bool:
    """Whether two values are the same, as far as a caller over HTTP could tell.

    >>> is_alike({"p": (0.1 + 0.2, None)}, {"p": [0.3, None]}), is_alike([1, 2], [1, 3]), is_alike(True, 1)
    (True, False, False)
    """
    left, right = plain(expected), plain(got)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        both_nan = math.isnan(left) and math.isnan(right)
        return both_nan or math.isclose(left, right, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(is_alike(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_alike, left, right))
    return type(left) is type(right) and bool(left == right)


def plain(value: Any) -> Any:
    """Return a value as JSON would have it: lists for arrays, tuples and sets, dicts with texts as keys.

    >>> plain({1: (2, 3), "s": {5, 4}})
    {'1': [2, 3], 's': [4, 5]}
    """
    if hasattr(value, "to_dict") and hasattr(value, "columns"):  # a data frame
        return plain(value.to_dict("list"))
    if hasattr(value, "tolist"):  # an array, a series, a tensor, or a number of theirs
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return [plain(item) for item in value]
    return value
