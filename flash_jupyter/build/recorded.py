"""What functions were asked in a smoke test, and what they answered, as plain JSON: it can be asked again.

The calls of one object stay together in their order, for each may rest on those before; its first ones are enough.
What is kept with a build can be read by all who have a key of the account, so that secrets are taken out before
(`shareable`).
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, TypeVar

from flash_jupyter.capture.secrets import secret_kind, secret_within

T = TypeVar("T")

#: of one function: so many requests (of an object's, all of its calls are one), of so many bytes of JSON together
REQUESTS, BYTES = 3, 8 << 10
#: what takes longer is not asked again: each promotion and each way back would
SLOWEST_S = 30.0
#: a variable's value of so many characters is looked for inside of texts, a shorter one only as a whole text
WITHIN_CHARACTERS = 8
#: a number of fewer digits is no secret, whatever variable has it
DIGITS = 4
_QUOTED = re.compile(r"""(?<!\w)(?:'(?:[^']|(?<=\w)'(?=\w))*'|"[^"]*")""")

#: the calls of one object, or one call of a function
Calls = list[dict[str, Any]]
#: function -> `{"requests": [[{"at": 0, "input": ..., "output": ...}, ...], ...]}`, or `{"why_not": text}` where none
#: is kept; a call with `"compared": true` gave just what the sources give, of others a test cell had its own opinion:
#: with `"once": true` two workers gave the same, each asked once: one that was asked before may answer otherwise.
#: `at` is the call's place in the order of all functions, which may share a worker's memory; `left_out` of an entry is
#: the place of its first call that is not kept
Recording = dict[str, dict[str, Any]]


@dataclass
class _Line:
    """The calls of one object, or one call of a function; `ended` says why nothing more of it is recorded."""

    function: str
    calls: list[tuple[int, str, str]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    ended: str = ""
    is_open: bool = False
    is_compared: bool = False


class Recorder:
    """Remembers requests with their answers; several threads may ask at once. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lines: list[_Line] = []
        self._objects: dict[str, _Line] = {}
        self._places = itertools.count()
        self._lock = threading.Lock()

    def ask(self, function: str, sent: Any, ask: Callable[[], T], *, instance: str = "") -> T:
        """Return what `ask` does, and remember it as the answer to `sent`; `instance` names an object."""
        line, at = self._begin(function, instance)
        text, began = _text(sent), self._clock()
        try:
            answer = ask()
        except BaseException:
            self._end(line, "its call raised")
            raise
        self._end(line, _add(line, at, text, _text(answer), self._clock() - began))
        return answer

    def compared(self, function: str) -> None:
        """Say that the last answer of a function is what the sources give."""
        next(line for line in reversed(self._lines) if line.function == function).is_compared = True

    def found(self) -> Recording:
        """Return what can be kept of each function that was asked."""
        lines: dict[str, list[_Line]] = {}
        for line in self._lines:
            lines.setdefault(line.function, []).append(line)
        return {function: _kept(_sure(each)) for function, each in lines.items()}

    def _begin(self, function: str, instance: str) -> tuple[_Line, int]:
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
            line.asked.append(at := next(self._places))
            return line, at

    def _end(self, line: _Line, why: str) -> None:
        with self._lock:
            line.ended, line.is_open = line.ended or why, False


def _add(line: _Line, at: int, sent: str | None, answer: str | None, took_s: float) -> str:
    """Add a call to its line; returns why it was not, empty where it was."""
    if line.ended:
        return line.ended
    if sent is None or answer is None:
        return "its arguments or its answer are not plain JSON"
    if took_s > SLOWEST_S:
        return f"it took more than {SLOWEST_S:.0f} s"
    line.calls.append((at, sent, answer))
    return ""


def _text(value: Any) -> str | None:
    """The value as it is now, for its owner may change it; None for what JSON can't hold."""
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None


def _sure(lines: list[_Line]) -> list[_Line]:
    """The lines, each cut before the first call that had another answer in another line, after the same calls."""
    answers: dict[tuple[str, ...], Any] = {}
    unsure = set[tuple[str, ...]]()
    for inputs, answer in (each for line in lines for each in _steps(line)):
        if answers.setdefault(inputs, answer) != answer:
            unsure.add(inputs)
    result = []
    for line in lines:
        count = next((number for number, (inputs, _) in enumerate(_steps(line)) if inputs in unsure), None)
        why = "it answered the same request in different ways"
        result.append(line if count is None else replace(line, calls=line.calls[:count], ended=why))
    return result


def _steps(line: _Line) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The inputs up to each call, and its answer, whose floats may differ in their last digits."""
    sent = [call[-2] for call in line.calls]
    for number, call in enumerate(line.calls):
        yield tuple(sent[: number + 1]), json.loads(call[-1], parse_float=lambda text: f"{float(text):.6g}")


def _kept(lines: list[_Line]) -> dict[str, Any]:
    """The first few requests that differ and fit, an object's cut before the call that does not."""
    kept, left, why = dict[tuple[str, ...], Calls](), BYTES, ""
    for line in lines:
        fitting = list[tuple[int, str, str]]()
        for at, sent, answer in line.calls:
            if (size := len(sent.encode()) + len(answer.encode())) > left:
                why = why or f"a request with its answer has more than {BYTES >> 10} kB"
                break
            left -= size
            fitting.append((at, sent, answer))
        why = why or line.ended
        if fitting:
            inputs, more = tuple(sent for _, sent, _ in fitting), {"compared": True} if line.is_compared else {}
            calls = [{"at": at, "input": json.loads(i), "output": json.loads(o), **more} for at, i, o in fitting]
            kept.setdefault(inputs, calls)
        if len(kept) == REQUESTS:
            break
    asked = [at for line in lines for at in line.asked]
    return with_left_out({"requests": [*kept.values()]} if kept else {"why_not": why}, asked)


def places(entry: Mapping[str, Any]) -> list[int]:
    """Return the places of a function's calls, of those that are not kept the first."""
    kept = [call["at"] for calls in entry.get("requests", ()) for call in calls]
    return [*kept, *([entry["left_out"]] if "left_out" in entry else [])]


def with_left_out(entry: Mapping[str, Any], asked: Iterable[int]) -> dict[str, Any]:
    """Return a function's entry with the place of the first of these calls that is not in it.

    >>> with_left_out({"requests": [[{"at": 1}]]}, [1, 4, 2])["left_out"], with_left_out({"why_not": "slow"}, [])
    (2, {'why_not': 'slow'})
    """
    left = {*asked} - {call["at"] for calls in entry.get("requests", ()) for call in calls}
    return {**entry, "left_out": min(left)} if left else dict(entry)


def merged(recordings: Iterable[Mapping[str, dict[str, Any]]]) -> Recording:
    """Return what kernels recorded one after the other as one: of each function the first that has requests."""
    found, begin = Recording(), 0
    for recording in recordings:
        moved = {function: _moved(entry, begin) for function, entry in recording.items()}
        for function, entry in moved.items():
            known = found.get(function, entry)
            chosen = entry if "requests" in entry and "requests" not in known else known
            found[function] = with_left_out(chosen, [*places(known), *places(entry)])
        begin = max([begin, *(at + 1 for entry in moved.values() for at in places(entry))])
    return found


def _moved(entry: Mapping[str, Any], by: int) -> dict[str, Any]:
    """The entry as of calls that came so many places later."""
    result = dict(entry)
    if "requests" in entry:
        result["requests"] = [[{**call, "at": call["at"] + by} for call in calls] for calls in entry["requests"]]
    return {**result, "left_out": entry["left_out"] + by} if "left_out" in entry else result


def shareable(entry: Mapping[str, Any], variables: Iterable[str]) -> dict[str, Any]:
    """Return of a function's entry what may leave this machine: no secrets, no values of its workers' variables.

    >>> add = {"input": {"city": "Oslo"}, "output": 1}
    >>> shareable({"requests": [[add], [add, {"input": {"city": "Rome"}, "output": 2}]]}, ["Rome"])["requests"]
    [[{'input': {'city': 'Oslo'}, 'output': 1}], [{'input': {'city': 'Oslo'}, 'output': 1}]]
    >>> shareable({"why_not": "it can't go to 'Oslo'"}, [])["why_not"]
    "it can't go to '...'"
    >>> shareable({"why_not": "KeyError: Rome"}, ["Rome"]), shareable({"requests": [[add]]}, ["Oslo"])["why_not"]
    ({'why_not': 'KeyError: Rome'}, 'a request or its answer holds the value of an environment variable')
    """
    given = [*variables]
    what = private(entry.get("why_not"), given)
    kept = list[Calls]()
    for calls in entry.get("requests", ()):
        fitting = [*takewhile(lambda call: not private(_said(call), given), calls)]
        what = what or next((private(_said(call), given) for call in calls[len(fitting) :]), "")
        kept += [fitting] if fitting else []
    if kept or not what:
        said = {"why_not": _QUOTED.sub("'...'", entry["why_not"])} if "why_not" in entry else {}
        return {**entry, **({"requests": kept} if kept else {}), **said}
    return {"why_not": f"{'what was said' if 'why_not' in entry else 'a request or its answer'} holds {what}"}


def _said(call: Mapping[str, Any]) -> list[Any]:
    return [call["input"], call["output"]]


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
        if kind := secret_kind(text, name) or secret_within(text):
            return kind
    return ""


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """All texts in a value of JSON, and longer numbers as texts, each with the nearest key above it."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, (int, float)) and len(text := str(value)) >= DIGITS and not isinstance(value, bool):
        yield name, text
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield "", key
            yield from _texts(key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(name, item)
