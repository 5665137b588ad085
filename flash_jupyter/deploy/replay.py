"""What a build's functions were asked when it was verified, asked again: where its sources are not at hand, that is all
there is to compare with.

It is kept with the build on the server (`records.py`), where all who have a key of the account can read it. What a test
cell asked is kept only where it gave the same when it was asked a second time: such a cell may be content with answers
that differ each time. Where there was a trial, that was the first time: then two workers gave the same, and one that
was asked before may still answer otherwise, for it remembers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flash_jupyter.build.asker import TIMEOUT_S
from flash_jupyter.build.manifest import Function
from flash_jupyter.build.recorded import Calls, Recording, places, shareable, with_left_out
from flash_jupyter.build.rehearsal import is_alike
from flash_jupyter.build.trying import State, Verdict
from flash_jupyter.deploy.together import to_the_end
from flash_jupyter.deploy.wanted import Wanted
from flash_jupyter.errors import ApiError, RateLimitedError, RemoteExecutionError, UnreachableError
from flash_jupyter.session.provision import request_urls
from flash_jupyter.states import JobState
from flash_jupyter.transport.balancer import WORKER, Balancer
from flash_jupyter.transport.http import Http
from flash_jupyter.transport.loop import within
from flash_jupyter.transport.queue import Queue
from flash_jupyter.transport.routes import request_of
from flash_jupyter.wire.control import Endpoint
from flash_jupyter.wire.jobs import Job, read_failure

HOW = "asked again as when the build was verified"
NOTHING_KEPT = "nothing was kept of it when the build was verified"
NEVER = "without its sources there is nothing to compare with: nothing was kept with the build"
UNSEEN = {"why_not": "no request to it was seen"}
OTHERWISE = {"why_not": "asked a second time, it answered otherwise"}
FRESH = "it was verified on workers that nobody had asked before"
_LOOK_S = 0.1
SHOWN_CHARACTERS = 200


class _UnansweredError(Exception):
    """A request came to no answer, which says nothing of the function."""


@dataclass(frozen=True)
class _Call:
    """What is asked again: `at` is its place in the order of all functions; calls of one object share an instance."""

    at: int
    function: str
    input: Mapping[str, Any]
    expected: Any
    instance_id: str
    #: whether only workers that nobody had asked before gave the same
    once: bool = False


@dataclass(frozen=True)
class Replay:
    """Asks the functions of these endpoints, by the names of their resources.

    `tried` are resources that were asked the same in a trial: where they give no answer now, that is no difference.
    `is_trial`: these are of a trial, and nobody has asked them before.
    """

    http: Http
    wanted: Mapping[str, Wanted]
    endpoints: Mapping[str, Endpoint]
    tried: Collection[str] = ()
    is_trial: bool = False

    async def verdicts(self, functions: Iterable[str], kept: Recording) -> tuple[Verdict, ...]:
        """Ask these functions what is kept of them; one verdict for each. Raises `ApiError`s.

        In the order in which it was asked then, one after the other: they may share a worker's memory, or a volume.
        Of a function that answers otherwise nothing more is asked. Where another one of its resource had been asked
        before what is not asked now, that may be the reason, and is no difference.
        """
        names = [*functions]
        found = {name: _nothing(name, kept.get(name, {})) for name in names if not kept.get(name, {}).get("requests")}
        for call in _in_order(names, kept):
            if call.function in found:
                continue
            state, text = await self._compared(call)
            if state == "differs" and call.once and not self.is_trial:
                state, text = "not verified", f"{text}; {FRESH}"
            if state == "differs" and (others := self._missing(call, names, kept)):
                state, text = "not verified", f"{text}; {', '.join(others)} had been asked before what is not asked now"
            if state != "verified":
                found[call.function] = Verdict(call.function, state, HOW, text)
        return tuple(found.get(name, Verdict(name, "verified", HOW, "")) for name in names)

    def _places(self) -> dict[str, tuple[Function, str]]:
        """Function -> what it is, and its resource."""
        return {each.name: (each, name) for name in self.endpoints for each in self.wanted[name].resource.functions}

    def _missing(self, call: _Call, names: Collection[str], kept: Recording) -> list[str]:
        """Other functions of its resource that had been asked before it what is not asked now."""
        places = self._places()
        _, resource = places[call.function]
        return [
            name
            for name, (_, other) in places.items()
            if other == resource
            and name != call.function
            and _first_missing(kept.get(name, {}), name in names) < call.at
        ]

    async def _compared(self, call: _Call) -> tuple[State, str]:
        """Ask once; returns what comes of it, and in what the answer differs."""
        function, resource = self._places()[call.function]
        sent = {**call.input, **({"instance_id": call.instance_id} if function.is_class else {})}
        then, what = f"it gave {_shown(call.expected)} then", f"for {shown_call(function.name, call.input)}"
        ask = self._route if self.wanted[resource].resource.is_load_balanced else self._job
        try:
            got = await within(ask(function, self.endpoints[resource], sent), TIMEOUT_S)
        except RemoteExecutionError as failure:
            return "differs", f"{then}, and raises {failure.message} now, {what}"
        except (asyncio.TimeoutError, RateLimitedError, UnreachableError, _UnansweredError) as why:
            if isinstance(why, ApiError) and resource not in self.tried:
                raise
            said = f"gives no answer for {TIMEOUT_S:.0f} s now" if isinstance(why, asyncio.TimeoutError) else str(why)
            return "not verified" if resource in self.tried else "differs", f"{then}, and {said}, {what}"
        if is_alike(call.expected, got):
            return "verified", ""
        return "differs", f"{then}, and gives {_shown(got)} now, {what}"

    async def _job(self, function: Function, endpoint: Endpoint, sent: Mapping[str, Any]) -> Any:
        """Ask a queue; once more where the worker was lost, unless an object was lost with it."""
        job = await self._ended(endpoint, sent)
        if job.lost_its_worker and not function.is_class:
            job = await self._ended(endpoint, sent)
        if job.lost_its_worker:
            raise _UnansweredError("its worker was lost")
        if job.status is JobState.FAILED:
            raise read_failure(job.error_text or job.status.value)
        if job.status is not JobState.COMPLETED:
            raise _UnansweredError(f"its job ended as {job.status.value}")
        is_response = "serialization_format" in sent and isinstance(job.output, Mapping)
        return job.output.get("json_result") if is_response else job.output

    async def _ended(self, endpoint: Endpoint, sent: Mapping[str, Any]) -> Job:
        """Return a job at its end; who stops waiting for it stops it, too."""
        queue = Queue(self.http, request_urls(endpoint))
        begun = asyncio.ensure_future(queue.run(json.dumps({"input": sent}).encode()))
        try:
            job = await to_the_end(begun)
            while not job.status.is_final:
                await asyncio.sleep(_LOOK_S)
                job = await queue.status(job.id)
        except BaseException:
            if begun.exception() is None:
                with contextlib.suppress(ApiError):
                    await to_the_end(queue.cancel(begun.result().id))
            raise
        return job

    async def _route(self, function: Function, endpoint: Endpoint, sent: Mapping[str, Any]) -> Any:
        path, query, content = request_of(function.verb, function.http_path or "/", dict(sent))
        balancer = Balancer(self.http, endpoint.base_url, endpoint.name)
        headers = {"Content-Type": "application/json"} if content is not None else {}
        answer = await balancer.answer(function.verb, path, query=query, content=content, headers=headers)
        if answer.status_code >= 400 and WORKER in answer.headers:
            raise RemoteExecutionError(f"HTTP {answer.status_code}", answer.text[:SHOWN_CHARACTERS])
        balancer.checked(function.verb, path, answer)
        try:
            return answer.json()
        except ValueError:
            return answer.text

    async def kept(
        self, found: Recording, before: Recording, reasons: Mapping[str, str], in_trial: Recording
    ) -> Recording:
        """Return what should be kept of functions that were tried: what they give again, or why nothing.

        `found` was recorded, and before that `in_trial`; what was not asked there is asked again here. `before` is kept
        already, `reasons` say why a function is not verified, empty where it is. Raises `ApiError`s.
        """
        result: Recording = {}
        again: Recording = {}
        for name, reason in reasons.items():
            known = before.get(name, {})
            if reason and "requests" in known:  # the sources verified it another time
                result[name] = known
                continue
            seen = {"why_not": reason} if reason else found.get(name, UNSEEN)
            asked = places(found.get(name, {}))
            entry = with_left_out(shareable(self.repeatable(name, seen), self._variables(name)), asked)
            if is_alike(known, entry):
                result[name] = known
                continue
            result[name] = entry = _as_in_trial(entry, in_trial.get(name, {}).get("requests", ()))
            requests: list[Calls] = entry.get("requests", [])
            if unsure := [each for each in requests if not _is_sure(each)]:
                again[name] = {"requests": unsure}
        for verdict in await self.verdicts(again, again):
            if verdict.state != "verified":
                result[verdict.function] = _sure_alone(result[verdict.function])
        return result

    def repeatable(self, function: str, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Of objects on several workers the first call alone: the next may reach a worker that makes its own."""
        _, resource = self._places()[function]
        if self.wanted[resource].spec.workers_max == 1 or "requests" not in entry:
            return dict(entry)
        return {"requests": [calls[:1] for calls in entry["requests"]]}

    def _variables(self, function: str) -> Iterable[str]:
        """The values of what the user put into the environment of its workers."""
        _, resource = self._places()[function]
        return self.wanted[resource].spec.env.values()


def _is_sure(calls: Calls) -> bool:
    """Whether the answers were compared: with what the sources themselves give, or with those of a trial."""
    return all(call.get("compared") or call.get("once") for call in calls)


def _sure_alone(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of a function's entry when it answered otherwise."""
    sure = [each for each in entry["requests"] if _is_sure(each)]
    return with_left_out({"requests": sure} if sure else OTHERWISE, places(entry))


def varying_of(kept: Recording) -> list[str]:
    """Return the functions that are known to answer the same request in different ways.

    >>> varying_of({"roll": {**OTHERWISE, "left_out": 0}, "price": {"requests": []}})
    ['roll']
    """
    return [name for name, entry in kept.items() if entry.get("why_not") == OTHERWISE["why_not"]]


def _as_in_trial(entry: dict[str, Any], asked: Iterable[Calls]) -> dict[str, Any]:
    """Return a function's entry with what it gave in a trial, too, marked; without what it answered otherwise there.

    What was asked several times is compared in order: a function that counts gives 2 and 3 in the trial, too.

    >>> call, other = {"at": 0, "input": 1, "output": 2}, {"at": 4, "input": 1, "output": 3}
    >>> _as_in_trial({"requests": [[call]]}, [[{**call, "at": 7}]])
    {'requests': [[{'at': 0, 'input': 1, 'output': 2, 'once': True}]]}
    >>> _as_in_trial({"requests": [[call]]}, [[other]])["why_not"], _as_in_trial({"requests": [[call]]}, [])
    ('asked a second time, it answered otherwise', {'requests': [[{'at': 0, 'input': 1, 'output': 2}]]})
    >>> counts = {"requests": [[call], [other]]}
    >>> [[each["once"] for each in calls] for calls in _as_in_trial(counts, counts["requests"])["requests"]]
    [[True], [True]]
    """
    found, left = list[Calls](), [*asked]
    for calls in entry.get("requests", ()):
        inputs = [call["input"] for call in calls]
        at = next((n for n, each in enumerate(left) if [call["input"] for call in each[: len(calls)]] == inputs), None)
        same = None if at is None else left.pop(at)
        if same is not None and not _is_sure(calls):
            if not all(map(_gave, calls, same)):
                return _sure_alone(entry)
            calls = [{**call, "once": True} for call in calls]
        found.append(calls)
    return {**entry, "requests": found} if found else entry


def _gave(call: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return is_alike(call["output"], other["output"])


def _nothing(function: str, entry: Mapping[str, Any]) -> Verdict:
    """The verdict on a function of which nothing is kept."""
    why = entry.get("why_not")
    return Verdict(function, "not verified", "", f"{NOTHING_KEPT}: {why}" if why else NEVER)


def _in_order(functions: Iterable[str], kept: Recording) -> list[_Call]:
    """The calls that are kept of these functions, as they were made."""
    lines = [
        (name, calls, secrets.token_hex(16)) for name in functions for calls in kept.get(name, {}).get("requests", ())
    ]
    made = [
        _Call(each["at"], name, each["input"], each["output"], instance_id, each.get("once", False))
        for name, calls, instance_id in lines
        for each in calls
    ]
    return sorted(made, key=lambda each: each.at)


def _first_missing(entry: Mapping[str, Any], is_asked: bool) -> float:
    """The place of the first call of a function that is not asked now."""
    left_out: float = entry.get("left_out", math.inf)
    return min([left_out, *([] if is_asked else places(entry))])


def shown_call(function: str, sent: Mapping[str, Any]) -> str:
    """Return a request as its function is called in Python.

    >>> shown_call("recall", {"function_name": "recall", "args": ["a"], "kwargs": {"n": 2}})
    "recall('a', n=2)"
    >>> shown_call("Basket", {"class_name": "Basket", "constructor_args": ["tea"], "method_name": "add", "args": [1]})
    "Basket('tea').add(1)"
    >>> shown_call("double", {"function": "double", "x": 2})
    'double(x=2)'
    """
    if "function_name" not in sent and "class_name" not in sent:
        return f"{function}({_arguments((), {name: value for name, value in sent.items() if name != 'function'})})"
    given = _arguments(sent.get("args", ()), sent.get("kwargs", {}))
    if "method_name" not in sent:
        return f"{function}({given})"
    made = _arguments(sent.get("constructor_args", ()), sent.get("constructor_kwargs", {}))
    return f"{function}({made}).{sent['method_name']}({given})"


def _arguments(args: Iterable[Any], kwargs: Mapping[str, Any]) -> str:
    return _cut(", ".join([*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]))


def _shown(value: Any) -> str:
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
