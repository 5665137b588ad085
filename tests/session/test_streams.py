from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
from platform_app import BACKEND

from flash_jupyter.session.events import Fragment
from flash_jupyter.session.streams import LogStreams
from flash_jupyter.transport.http import Http

RUN, OTHER = "0123456789abcdef", "fedcba9876543210"


def sse(*lines: str, at: str = "t") -> bytes:
    found = (json.dumps({"source": "container", "line": line, "ts": at}) for line in lines)
    return "".join(f"data: {data}\n\n" for data in found).encode()


class Workers:
    """One log a worker; each is given once, then the worker is gone."""

    def __init__(self, **logs: bytes) -> None:
        self._logs = logs
        self.requests: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        worker = request.url.path.split("/")[-2]
        self.requests.append(worker)
        body = self._logs.pop(worker, None)
        if body is None:
            return httpx.Response(404, json={"detail": "no such worker"})
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=body)


def follow(
    handle: Callable[[httpx.Request], httpx.Response], *watched: str, said_by: dict[str, str] | None = None
) -> tuple[dict[str, list[Fragment]], LogStreams]:
    seen: dict[str, list[Fragment]] = {RUN: [], OTHER: []}
    workers: dict[str, str] = {} if said_by is None else said_by

    def take(fragment: Fragment, worker_id: str) -> None:
        seen[fragment.run].append(fragment)
        workers[fragment.run] = worker_id

    async def main() -> LogStreams:
        http = Http(BACKEND, transport=httpx.MockTransport(handle))
        streams = LogStreams(http)
        for run in seen:
            streams.expect(run, take)
        for worker in watched:
            streams.watch("ep", worker)
        await asyncio.sleep(0.1)
        await streams.aclose()
        await http.aclose()
        return streams

    return seen, asyncio.run(main())


def test_each_event_goes_to_the_run_it_belongs_to() -> None:
    workers = Workers(w1=sse(f"@FJ1:{RUN}:0:1/1:a", f"@FJ1:{OTHER}:0:1/1:b", f"@FJ1:{RUN}:1:1/1:c"))
    seen, _ = follow(workers, "w1")
    assert [fragment.text for fragment in seen[RUN]] == ["a", "c"]
    assert [fragment.text for fragment in seen[OTHER]] == ["b"]


def test_who_said_something_of_a_run_is_known() -> None:
    said_by: dict[str, str] = {}
    workers = Workers(w1=sse(f"@FJ1:{OTHER}:0:1/1:a"), w2=sse(f"@FJ1:{RUN}:0:1/1:b"))
    follow(workers, "w1", "w2", said_by=said_by)
    assert said_by == {RUN: "w2", OTHER: "w1"}


def test_one_follower_a_worker() -> None:
    workers = Workers(w1=sse("x"), w2=sse("y"))
    follow(workers, "w1", "w1", "w2")
    assert sorted(set(workers.requests)) == ["w1", "w2"]
    assert workers.requests.count("w1") <= 2  # the second one finds that the worker is gone


def test_a_log_that_was_read_to_its_end_is_opened_again_for_who_has_not_heard_it() -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.split("/")[-2])
        return httpx.Response(404, json={"detail": "no such worker"})

    async def main() -> list[int]:
        http = Http(BACKEND, transport=httpx.MockTransport(handle))
        streams, counts = LogStreams(http), list[int]()
        for listen in (streams.expect, streams.listen):
            listen(RUN if listen == streams.expect else OTHER, lambda _fragment, _worker_id: None)
            for _ in range(3):  # a job's worker is named by each look at its state
                streams.watch("ep", "w1")
                await asyncio.sleep(0.05)
            counts.append(len(asked))
        await streams.aclose()
        await http.aclose()
        return counts

    assert asyncio.run(main()) == [1, 2]


def test_the_workers_own_last_lines_are_kept() -> None:
    workers = Workers(w1=sse("booting", f"@FJ1:{RUN}:0:1/1:a", "CUDA error"))
    _, streams = follow(workers, "w1")
    assert streams.tail("w1") == ("booting", "CUDA error")
    assert streams.tail(None) == ()


def test_events_of_runs_that_nobody_waits_for_are_dropped() -> None:
    workers = Workers(w1=sse("@FJ1:0000000000000000:0:1/1:a"))
    seen, streams = follow(workers, "w1")
    assert seen == {RUN: [], OTHER: []}
    assert streams.tail("w1") == ()


def test_a_run_that_said_more_than_the_last_lines_hold_is_read_from_its_begin() -> None:
    tail, whole = [f"@FJ1:{RUN}:{seq}:1/1:{seq}" for seq in (2, 3)], [f"@FJ1:{RUN}:{seq}:1/1:{seq}" for seq in range(4)]
    asked: list[dict[str, str]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        if len(asked) > 2:
            return httpx.Response(404, json={"detail": "no such worker"})
        lines = sse("booting", *(whole if "since" in asked[-1] else tail), at="2026-11-22T07:00:00Z")
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=lines)

    seen, streams = follow(handle, "w1")
    assert [fragment.text for fragment in seen[RUN]] == ["0", "1", "2", "3"]
    assert streams.tail("w1") == ("booting",)
    assert asked[0] == {"tail": "5000"}
    assert "2026-11-22T06:59:50" < asked[1]["since"] < "2026-11-22T06:59:56"


def test_the_end_of_a_stream_is_heard_after_its_last_line() -> None:
    seen: list[str] = []

    async def main() -> None:
        http = Http(BACKEND, transport=httpx.MockTransport(Workers(w1=sse(f"@FJ1:{RUN}:0:1/1:last"))))
        streams = LogStreams(http)
        streams.listen(RUN, lambda fragment, _worker_id: seen.append(fragment.text))
        streams.watch("ep", "w1")
        await asyncio.wait_for(streams.ended("w1"), 5)
        seen.append("ended")
        await streams.aclose()
        await http.aclose()

    asyncio.run(main())
    assert seen == ["last", "ended"]


def test_the_last_lines_of_a_worker_are_those_of_its_last_run() -> None:
    workers = Workers(w1=sse(f"@FJ1:{RUN}:0:1/1:a", "of the first job", f"@FJ1:{OTHER}:0:1/1:b", "of the second"))
    _, streams = follow(workers, "w1")
    assert streams.tail("w1") == streams.last_lines("w1") == ("of the second",)
