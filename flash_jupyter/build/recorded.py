"""What functions were asked in a smoke test, and what they answered, as plain JSON: it can be asked again.

The calls of one object stay together in their order, for each may rest on those before; its first ones are enough.
What is kept with a build can be read by all who have a key of the account, so that secrets are taken out before
(`shareable`).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, TypeVar

from flash_jupyter.capture.secrets import secret_kind

T = TypeVar("T")

#: of one function: so many requests (of an object's, all of its calls are one), of so many bytes of JSON together
REQUESTS, BYTES = 3, 8 << 10
#: what takes longer is not asked again: each promotion and each way back would
SLOWEST_S = 30.0
#: a variable's value of so many characters is looked for inside of texts, a shorter one only as a whole text
WITHIN_CHARACTERS = 8

#: the calls of one object, or one call of a function
Calls = list[dict[str, Any]]
#: function -> `{"requests": [[{"input": ..., "output": ...}, ...], ...]}`, or `{"why_not": text}` where none is kept; a
#: call with `"compared": true` gave just what the sources give, of others a test cell had its own opinion
Recording = dict[str, dict[str, Any]]


@dataclass
class _Line:
    """The calls of one object, or one call of a function; `ended` says why nothing more of it is recorded."""

    function: str
    calls: list[tuple[str, str]] = field(default_factory=list)
    ended: str = ""
    is_open: bool = False
    is_compared: bool = False


class Recorder:
    """Remembers requests with their answers; several threads may ask at once. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lines: list[_Line] = []
        self._objects: dict[str, _Line] = {}
        self._lock = threading.Lock()

    def ask(self, function: str, sent: Any, ask: Callable[[], T], *, instance: str = "") -> T:
        """Return what `ask` does, and remember it as the answer to `sent`; `instance` names an object."""
        line, text, began = self._begin(function, instance), _text(sent), self._clock()
        try:
            answer = ask()
        except BaseException:
            self._end(line, "its call raised")
            raise
        self._end(line, _add(line, text, _text(answer), self._clock() - began))
        return answer

    def compared(self, function: str) -> None:
        """Say that the last answer of a function is what the sources give."""
        next(line for line in reversed(self._lines) if line.function == function).is_compared = True

    def found(self) -> Recording:
        """Return what can be kept of each function that was asked."""
        lines: dict[str, list[_Line]] = {}
        for line in self._lines:
            lines.setdefault(line.function, []).append(line)
        return {function: _kept(each) for function, each in lines.items()}

    def _begin(self, function: str, instance: str) -> _Line:
        with self._lock:
            line = self._objects.get(instance)
            if line is None:
                line = _Line(function)
                self._lines.append(line)
                if instance:
                    self._objects[instance] = line
            elif line.is_open:
                line.ended = line.ended or "its calls were made at the same time, so their order is not known"
            line.is_open = True
            return line

    def _end(self, line: _Line, why: str) -> None:
        with self._lock:
            line.ended, line.is_open = line.ended or why, False


def _add(line: _Line, sent: str | None, answer: str | None, took_s: float) -> str:
    """Add a call to its line; returns why it was not, empty where it was."""
    if line.ended:
        return line.ended
    if sent is None or answer is None:
        return "its arguments or its answer are not plain JSON"
    if took_s > SLOWEST_S:
        return f"it took more than {SLOWEST_S:.0f} s"
    line.calls.append((sent, answer))
    return ""


def _text(value: Any) -> str | None:
    """The value as it is now, for its owner may change it; None for what JSON can't hold."""
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None


def _kept(lines: list[_Line]) -> dict[str, Any]:
    """The first few requests that differ and fit, an object's cut before the call that does not."""
    kept, left, why = dict[tuple[str, ...], Calls](), BYTES, ""
    for line in lines:
        fitting = list[tuple[str, str]]()
        for sent, answer in line.calls:
            if (size := len(sent.encode()) + len(answer.encode())) > left:
                why = why or f"a request with its answer has more than {BYTES >> 10} kB"
                break
            left -= size
            fitting.append((sent, answer))
        why = why or line.ended
        if fitting:
            inputs, more = tuple(sent for sent, _ in fitting), {"compared": True} if line.is_compared else {}
            kept.setdefault(inputs, [{"input": json.loads(i), "output": json.loads(o), **more} for i, o in fitting])
        if len(kept) == REQUESTS:
            break
    return {"requests": [*kept.values()]} if kept else {"why_not": why}


def merged(recordings: Iterable[Mapping[str, dict[str, Any]]]) -> Recording:
    """Return what several kernels recorded as one: of each function the first that has requests."""
    found: Recording = {}
    for recording in recordings:
        for function, entry in recording.items():
            if "requests" in entry or function not in found:
                found[function] = found[function] if "requests" in found.get(function, ()) else entry
    return found


def shareable(entry: Mapping[str, Any], variables: Iterable[str]) -> dict[str, Any]:
    """Return of a function's entry what may leave this machine: no secrets, no values of its workers' variables.

    >>> add = {"input": {"city": "Oslo"}, "output": 1}
    >>> shareable({"requests": [[add], [add, {"input": {"city": "Rome"}, "output": 2}]]}, ["Rome"])["requests"]
    [[{'input': {'city': 'Oslo'}, 'output': 1}], [{'input': {'city': 'Oslo'}, 'output': 1}]]
    >>> shareable({"why_not": "KeyError: Rome"}, ["Rome"]), shareable({"requests": [[add]]}, ["Oslo"])["why_not"]
    ({'why_not': 'KeyError: Rome'}, 'a request or its answer holds the value of an environment variable')
    """
    given = [*variables]
    what = private(entry.get("why_not"), given)
    kept = list[Calls]()
    for calls in entry.get("requests", ()):
        fitting = [*takewhile(lambda call: not private([*call.values()], given), calls)]
        what = what or next((private([*call.values()], given) for call in calls[len(fitting) :]), "")
        kept += [fitting] if fitting else []
    if kept or not what:
        return {**entry, **({"requests": kept} if kept else {})}
    return {"why_not": f"{'what was said' if 'why_not' in entry else 'a request or its answer'} holds {what}"}


def private(value: Any, variables: Iterable[str]) -> str:
    """Return what of a value should stand in no record, empty where all may: secrets, and values of variables.

    >>> private({"user": "ann", "key": ["hf_" + "a1B2" * 8]}, ()), private({"city": "Rome"}, ["Rome"])
    ('a Hugging Face token', 'the value of an environment variable')
    >>> private({"n": 1, "words": "rome"}, ["", "om"])
    ''
    """
    given = {each for each in variables if each}
    for name, text in _texts("", value):
        if text in given or any(len(each) >= WITHIN_CHARACTERS and each in text for each in given):
            return "the value of an environment variable"
        if kind := secret_kind(text, name):
            return kind
    return ""


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """All texts in a value of JSON, each with the nearest key above it."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield "", key
            yield from _texts(key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(name, item)
