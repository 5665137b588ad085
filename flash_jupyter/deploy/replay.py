"""What a build's functions were asked when it was verified, asked again: where its sources are not at hand, that is all
there is to compare with.

It is kept with the build on the server (`records.py`), where all who have a key of the account can read it. What a test
cell asked is kept only where it gave the same when it was asked a second time: such a cell may be content with answers
that differ each time.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flash_jupyter.build.callers import TIMEOUT_S
from flash_jupyter.build.manifest import Function
from flash_jupyter.build.recorded import Calls, Recording, shareable
from flash_jupyter.build.rehearsal import is_alike
from flash_jupyter.build.trying import Verdict
from flash_jupyter.deploy.together import together
from flash_jupyter.deploy.wanted import Wanted
from flash_jupyter.errors import RemoteExecutionError
from flash_jupyter.session.provision import request_urls
from flash_jupyter.states import JobState
from flash_jupyter.transport.balancer import WORKER, Balancer
from flash_jupyter.transport.http import Http
from flash_jupyter.transport.loop import within
from flash_jupyter.transport.queue import Queue
from flash_jupyter.transport.routes import request_of
from flash_jupyter.wire.control import Endpoint
from flash_jupyter.wire.jobs import read_failure

HOW = "asked again as when the build was verified"
NOTHING_KEPT = "nothing was kept of it when the build was verified"
NEVER = "without its sources there is nothing to compare with: nothing was kept with the build"
UNSEEN = {"why_not": "no request to it was seen"}
OTHERWISE = {"why_not": "asked a second time, it answered otherwise"}
_LOOK_S = 0.1
SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Replay:
    """Asks the functions of these endpoints, by the names of their resources."""

    http: Http
    wanted: Mapping[str, Wanted]
    endpoints: Mapping[str, Endpoint]

    async def verdicts(self, functions: Iterable[str], kept: Recording) -> tuple[Verdict, ...]:
        """Ask these functions what is kept of them; one verdict for each. Raises `ApiError`s."""
        places = self._places()
        return tuple(await together(self._verdict(*places[name], kept.get(name, {})) for name in functions))

    def _places(self) -> dict[str, tuple[Function, str]]:
        """Function -> what it is, and its resource."""
        return {each.name: (each, name) for name in self.endpoints for each in self.wanted[name].resource.functions}

    async def _verdict(self, function: Function, resource: str, entry: Mapping[str, Any]) -> Verdict:
        requests = entry.get("requests")
        if not requests:
            why = entry.get("why_not")
            return Verdict(function.name, "not verified", "", f"{NOTHING_KEPT}: {why}" if why else NEVER)
        for calls in requests:
            instance_id = secrets.token_hex(16)
            for call in calls:
                sent = {**call["input"], **({"instance_id": instance_id} if function.is_class else {})}
                if text := await self._difference(function, resource, sent, call["output"]):
                    return Verdict(function.name, "differs", HOW, f"{text}, for {_shown(call['input'])}")
        return Verdict(function.name, "verified", HOW, "")

    async def _difference(self, function: Function, resource: str, sent: Mapping[str, Any], expected: Any) -> str:
        """Ask once; returns in what the answer differs, empty where it does not."""
        then = f"it gave {_shown(expected)} then"
        ask = self._route if self.wanted[resource].resource.is_load_balanced else self._job
        try:
            got = await within(ask(function, self.endpoints[resource], sent), TIMEOUT_S)
        except RemoteExecutionError as failure:
            return f"{then}, and raises {failure.message} now"
        except asyncio.TimeoutError:
            return f"{then}, and gives no answer for {TIMEOUT_S:.0f} s now"
        return "" if is_alike(expected, got) else f"{then}, and gives {_shown(got)} now"

    async def _job(self, _: Function, endpoint: Endpoint, sent: Mapping[str, Any]) -> Any:
        queue = Queue(self.http, request_urls(endpoint))
        job = await queue.run(json.dumps({"input": sent}).encode())
        while not job.status.is_final:
            await asyncio.sleep(_LOOK_S)
            job = await queue.status(job.id)
        if job.status is not JobState.COMPLETED:
            raise read_failure(job.error_text or job.status.value)
        is_response = "serialization_format" in sent and isinstance(job.output, Mapping)
        return job.output.get("json_result") if is_response else job.output

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

    async def kept(self, found: Recording, before: Recording, reasons: Mapping[str, str]) -> Recording:
        """Return what should be kept of functions that were tried: what they give again, or why nothing.

        `found` was recorded, `before` is kept already, `reasons` say why a function is not verified, empty where it is.
        Raises `ApiError`s.
        """
        result: Recording = {}
        again: Recording = {}
        for name, reason in reasons.items():
            known = before.get(name, {})
            if reason and "requests" in known:  # the sources verified it another time
                result[name] = known
                continue
            seen = {"why_not": reason} if reason else found.get(name, UNSEEN)
            entry = shareable(self._repeatable(name, seen), self._variables(name))
            result[name] = known if is_alike(known, entry) else entry
            requests: list[Calls] = entry.get("requests", []) if result[name] is entry else []
            if unsure := [each for each in requests if not _is_sure(each)]:
                again[name] = {"requests": unsure}
        for verdict in await self.verdicts(again, again):
            if verdict.state != "verified":
                sure = [each for each in result[verdict.function]["requests"] if _is_sure(each)]
                result[verdict.function] = {"requests": sure} if sure else OTHERWISE
        return result

    def _repeatable(self, function: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """Of objects on several workers the first call alone: the next may reach a worker that makes its own."""
        _, resource = self._places()[function]
        if self.wanted[resource].spec.workers_max == 1 or "requests" not in entry:
            return entry
        return {"requests": [calls[:1] for calls in entry["requests"]]}

    def _variables(self, function: str) -> Iterable[str]:
        """The values of what the user put into the environment of its workers."""
        _, resource = self._places()[function]
        return self.wanted[resource].spec.env.values()


def _is_sure(calls: Calls) -> bool:
    """Whether the answers were compared with what the sources themselves give."""
    return all(call.get("compared") for call in calls)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
