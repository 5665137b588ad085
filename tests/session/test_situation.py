"""The facts behind a wait: under every fault of the embedded Runpod, and how often the platform is asked for them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from platform_app import BACKEND

from flash_jupyter.errors import WorkersUnhealthy
from flash_jupyter.session.events import Event, Phase, Waiting
from flash_jupyter.session.local import ensure_local
from flash_jupyter.session.local_admin import fault_table
from flash_jupyter.session.provision import request_urls
from flash_jupyter.session.situation import FORGET_S, Queued, Sources, Waits
from flash_jupyter.session.streams import LogStreams
from flash_jupyter.session.waiting import Reason
from flash_jupyter.settings import Backend, Settings
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import Clock, Http
from flash_jupyter.transport.queue import Queue
from flash_jupyter.wire.control import Endpoint
from flash_jupyter.wire.jobs import Job

IMAGE = "runpod/flash:py3.11-latest"
A100 = {"gpu": {"pools": ["AMPERE_80"], "count": 1}, "dataCenterIds": ["US-KS-2"]}
CPU = {"cpu": [{"id": "cpu3c", "vcpuCount": 2}]}
NEW_WORKERS = "and run it again, for new workers"

#: fault, as a name has it -> hardware, cause, how the text and the action of the reason that it comes to read
WAITS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "no-workers": (
        CPU,
        "no worker",
        r"Runpod has not started a worker for NAME yet",
        r"wait: .* \(see %flash endpoints, end one with %flash undeploy NAME\), or balance \(see the Runpod console\)",
    ),
    "throttled": (
        A100,
        "throttled",
        r"Runpod has no free machine with AMPERE_80 in US-KS-2",
        (r"wait until one is free; or interrupt, and run it with what has stock now: gpu=BLACKWELL_96 \(\$4.00/h in US-KS-2\); "
        r"gpu=ADA_80_PRO \(\$4.18/h in US-KS-2\); .*; datacenter=EU-CZ-1 \(AMPERE_80, \$2.74/h\); .*"),
    ),
    "no-stock": (
        CPU,
        "throttled",
        r"Runpod has no free machine with cpu3c \(2 vCPUs\)",
        r"wait until one is free; or interrupt, and run it with what has stock now: cpu=cpu3g-2-8 .*; cpu=cpu5c-2-4 .*",
    ),
    "slow-pull-100s": (
        CPU,
        "starting",
        rf"a worker is starting, which begins with pulling {IMAGE}; its log says: pulling image {IMAGE}: 0 %",
        r"wait: a machine that pulls an image for the first time takes minutes, and later starts are quick",
    ),
    "unhealthy": (
        CPU,
        "unhealthy",
        (r"a worker of NAME is unhealthy: it fails before it takes a job; its log ends with: "
        r"worker \w+ is unhealthy: gpu_test: the machine failed its check"),
        r"wait: if none gets well, the job is cancelled within \d+ s; or interrupt now",
    ),
    "crash-loop-1s": (
        CPU,
        "unhealthy",
        (r"a worker of NAME is unhealthy: it fails before it takes a job; its log ends with: "
        r"(RuntimeError: crash-loop: .*|worker \w+ (ended: exit code 1|is unhealthy: it is started again in 1 s|starts))"),
        r"wait: if none gets well, the job is cancelled within \d+ s; or interrupt now",
    ),
    "idle-worker": (
        CPU,
        "idle",
        r"a worker of NAME is idle, and takes no job",
        (r"wait a moment; if it stays so, interrupt, delete the endpoint \(%flash undeploy NAME\) and run it again, for"
        r" new workers"),
    ),
}  # fmt: skip
#: the other faults, and why no job waits because of them
ELSEWHERE = {
    "lost-worker": "the job ran, and ends with WorkerLost",
    "expired-result": "the job is over, and ends with ResultLost",
    "latency": "an answer comes later",
    "429": "a request is repeated",
    "500": "a request is repeated",
    "500-done": "a request is repeated, or its effect looked for",
    "dropped": "a request is repeated, or its effect looked for",
    "cut-upload": "an upload is repeated",
    "quota": "creation is refused with QuotaError",
    "out-of-money": "creation is refused with OutOfMoneyError",
}


def test_every_fault_is_explained_or_is_not_about_waiting() -> None:
    explained = {kind for kind in fault_table() for name in WAITS if re.fullmatch(rf"{kind}(-\d+s)?", name)}
    assert len(explained) == len(WAITS)
    assert explained | set(ELSEWHERE) == set(fault_table())
    assert not explained & set(ELSEWHERE)


@pytest.fixture(scope="module")
def backend(local_settings: Settings) -> Backend:
    return ensure_local(local_settings)


class Time:
    """A clock that each look puts forward, so that it is always time to ask again."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.now)


async def wait_in(
    backend: Backend,
    name: str,
    hardware: dict[str, Any],
    work: Callable[[Control, Waits, Endpoint, Queue, Time], Awaitable[Any]],
) -> Any:
    """Let a job wait at a new endpoint while `work` looks."""
    time = Time()
    http = Http(backend, clock=time.clock())
    control, streams = Control(http), LogStreams(http)
    waits = Waits(Sources(control, streams, http.clock, give_up_s=1e6), after_s=0.0)
    body = {"name": name, "type": "QUEUE", "image": IMAGE, "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4}}
    made = await control.create({**body, **hardware, "workers": {"min": 0, "max": 1}})
    try:
        queue = Queue(http, request_urls(made))
        await queue.run(b'{"input": {"x": 1}}')
        return await asyncio.wait_for(work(control, waits, made, queue, time), 120)
    finally:
        await control.delete(made.id)
        await streams.aclose()
        await http.aclose()


@pytest.mark.parametrize(("fault", "row"), WAITS.items(), ids=list(WAITS))
def test_each_fault_that_lets_a_job_wait_comes_to_its_sentence(
    backend: Backend, fault: str, row: tuple[dict[str, Any], str, str, str]
) -> None:
    hardware, cause, text, action = row
    name = f"wait--fault-{fault}"

    def fits(reason: Reason | None) -> bool:
        return reason is not None and bool(re.fullmatch(text.replace("NAME", name), reason.text))

    async def look(_control: Control, waits: Waits, made: Endpoint, queue: Queue, time: Time) -> Reason:
        while not fits(reason := await waits.at(made, queue).look()):
            time.now += FORGET_S / 2
            await asyncio.sleep(0.1)
        assert reason is not None
        return reason

    reason = asyncio.run(wait_in(backend, name, hardware, look))
    assert reason.cause == cause
    assert re.fullmatch(action.replace("NAME", name), reason.action.replace("undeploy NAME", f"undeploy {name}"))


def test_an_endpoint_that_is_closed_meanwhile_says_so(backend: Backend) -> None:
    async def look(control: Control, waits: Waits, made: Endpoint, queue: Queue, time: Time) -> None:
        await until(waits, lambda reason: reason.cause == "no worker", made, queue, time)
        await control.patch(made.id, {"workers": {"min": 0, "max": 0}})
        await until(waits, lambda reason: reason.text == closed, made, queue, time)

    closed = "endpoint wait--fault-no-workers may not have a worker: its workers.max is 0"
    asyncio.run(wait_in(backend, "wait--fault-no-workers", CPU, look))


async def until(waits: Waits, fits: Callable[[Reason], bool], made: Endpoint, queue: Queue, time: Time) -> None:
    """Look until the reason fits: a look asks once, and keeps what it knew where a busy machine answers too late."""
    while (reason := await waits.at(made, queue).look()) is None or not fits(reason):
        time.now += FORGET_S - 1
        await asyncio.sleep(0.1)


# --- how often it asks ------------------------------------------------------------------------------------------


class Asked:
    """A platform on which all workers are in one state; counts what it is asked, by the minute."""

    def __init__(self, **workers: int) -> None:
        self.workers, self.refuse = workers, 0
        self.document: dict[str, Any] = {}
        self.time = Time()
        self.requests: list[tuple[float, str]] = []
        self.cancelled: list[str] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v2/").replace("serverless/ep1", "endpoint")
        self.requests.append((self.time.now, path))
        if path == "ep1/health":
            return httpx.Response(200, json={"jobs": {"inQueue": 100}, "workers": self.workers})
        if path.startswith("ep1/cancel/"):
            self.cancelled.append(path)
            return httpx.Response(200, json={"id": path.rpartition("/")[2], "status": "CANCELLED"})
        if self.refuse:
            return httpx.Response(self.refuse, json={"title": "no", "detail": "insufficient balance"})
        state = next(iter(self.workers), "none").upper()
        workers = [{"id": "w1", "status": state}]
        documents = {
            "endpoint": {"id": "ep1", "name": "trainer", "workers": {"max": 3}, **self.document},
            "endpoint/workers": {"workers": workers},
            "serverless": {"endpoints": [{"id": "ep2", "name": "other", "workers": {"max": 1}}]},
            "catalog/gpus": {"gpus": []},
        }
        document = documents.get(path)
        return httpx.Response(404) if document is None else httpx.Response(200, json=document)

    def run(self, work: Callable[[Waits, Endpoint, Queue], Awaitable[Any]], *, after_s: float = 10.0) -> Any:
        async def main() -> Any:
            http = Http(BACKEND, transport=httpx.MockTransport(self.handle), clock=self.time.clock())
            streams = LogStreams(http)
            sources = Sources(Control(http), streams, http.clock, give_up_s=60.0)
            base = "http://runpod.test/v2/ep1"
            urls = {verb: f"{base}/{verb}/{{job_id}}" for verb in ("status", "cancel")}
            made = Endpoint.model_validate(
                {
                    "id": "ep1",
                    "name": "trainer",
                    "workers": {"max": 3},
                    "gpu": {"pools": ["ADA_24"], "count": 1},
                    "requestUrls": {**urls, "run": f"{base}/run", "health": f"{base}/health"},
                }
            )
            try:
                return await work(Waits(sources, after_s=after_s), made, Queue(http, request_urls(made)))
            finally:
                await streams.aclose()
                await http.aclose()

        return asyncio.run(main())

    def minute(self, number: int) -> Counter[str]:
        """What was asked in a minute, counted from 0."""
        return Counter(path for now, path in self.requests if now // 60 == number)


class Waiter:
    """One of many jobs, and what it was told."""

    def __init__(self, waits: Waits, made: Endpoint, queue: Queue, number: int = 1) -> None:
        self.told: list[Event] = []
        self._id = f"job-{number}"
        self._see = waits.of_job(made, queue, self.told.append, job_id="fj-1")

    async def see(self, status: str = "IN_QUEUE") -> bool:
        return await self._see(Job.model_validate({"id": self._id, "status": status}))

    @property
    def waiting(self) -> list[str]:
        return [event.cause for event in self.told if isinstance(event, Waiting)]


def test_a_short_wait_asks_nothing_and_says_nothing() -> None:
    asked = Asked(throttled=1)

    async def work(waits: Waits, made: Endpoint, queue: Queue) -> list[Event]:
        waiter = Waiter(waits, made, queue)
        for asked.time.now in (0.1, 0.5, 5.0, 10.0):
            assert not await waiter.see()
        assert not await waiter.see("IN_PROGRESS")
        return waiter.told

    assert (asked.run(work), asked.requests) == ([], [])


def test_a_job_that_was_opened_again_learns_of_its_endpoint_when_it_waits() -> None:
    asked = Asked(throttled=1)

    async def work(waits: Waits, made: Endpoint, queue: Queue) -> list[Waiting]:
        waiter = Waiter(waits, Endpoint(id=made.id, name=made.name), queue)
        for asked.time.now in (0.0, 11.0):
            await waiter.see()
        return [event for event in waiter.told if isinstance(event, Waiting)]

    asked.document = {"gpu": {"pools": ["ADA_24"], "count": 1}}
    assert [told.text for told in asked.run(work)] == ["Runpod has no free machine with ADA_24"]
    assert [path for _, path in asked.requests] == ["ep1/health", "endpoint", "catalog/gpus"]


STATES = ["throttled", "initializing", "unhealthy", "idle", "running", "none"]


@pytest.mark.parametrize("state", STATES)
def test_a_hundred_jobs_ask_as_rarely_as_one(state: str) -> None:
    asked = Asked(**({} if state == "none" else {state: 1}))

    async def work(waits: Waits, made: Endpoint, queue: Queue) -> list[list[str]]:
        waiters = [Waiter(waits, made, queue, number) for number in range(100)]
        while asked.time.now < 300 if state != "unhealthy" else asked.time.now < 60:
            await asyncio.gather(*(waiter.see() for waiter in waiters))
            await asyncio.sleep(0)
            asked.time.now += 2.0
        return [waiter.waiting for waiter in waiters]

    told = asked.run(work)
    assert all(told)
    for number in range(5):
        minute = asked.minute(number)
        control = sum(count for path, count in minute.items() if path != "ep1/health")
        assert minute["ep1/health"] <= 12
        assert control <= 10
    assert Counter(path for _, path in asked.requests)["catalog/gpus"] == (state == "throttled")


def test_the_sentence_changes_with_its_cause_and_ends_with_the_wait() -> None:
    asked = Asked()

    async def work(waits: Waits, made: Endpoint, queue: Queue) -> list[Event]:
        waiter = Waiter(waits, made, queue)
        for asked.workers in ({}, {}, {"throttled": 1}, {"initializing": 1}, {"running": 1}):
            for _ in range(5):
                asked.time.now += 3.0
                await waiter.see()
        await waiter.see("IN_PROGRESS")
        await waiter.see("IN_PROGRESS")
        return waiter.told

    told = asked.run(work)
    reasons = [event for event in told if isinstance(event, Waiting)]
    assert [reason.cause for reason in reasons] == ["no worker", "throttled", "starting", "busy", ""]
    assert [event.name for event in told if isinstance(event, Phase)] == ["queue", "starting", "queue"]
    assert {reason.wait for reason in reasons} == {"ep1-1"}
    assert told[-1] == Waiting("", "", wait="ep1-1")


def test_a_job_that_goes_back_to_the_queue_waits_anew() -> None:
    asked = Asked(throttled=1)

    async def work(waits: Waits, made: Endpoint, queue: Queue) -> list[tuple[float, bool]]:
        waiter = Waiter(waits, made, queue)
        seen: list[tuple[float, bool]] = []
        for asked.time.now, status in (
            (0, "IN_QUEUE"),
            (11, "IN_QUEUE"),
            (12, "IN_PROGRESS"),
            (50, "IN_QUEUE"),
            (59, "IN_QUEUE"),
            (61, "IN_QUEUE"),
        ):
            seen.append((asked.time.now, await waiter.see(status)))
        return seen

    assert asked.run(work) == [(0, False), (11, True), (12, False), (50, False), (59, False), (61, True)]


def test_an_account_without_workers_hears_who_may_hold_them() -> None:
    asked = Asked()

    async def work(waits: Waits, made: Endpoint, queue: Queue) -> Event:
        waiter = Waiter(waits, made, queue)
        for _ in range(30):
            asked.time.now += 2.0
            await waiter.see()
        return waiter.told[-1]

    told = asked.run(work)
    assert "free workers, which other may hold (see %flash endpoints" in told.action


@pytest.mark.parametrize("status", [402, 403, 429, 500])
def test_a_control_plane_that_refuses_is_lived_through(status: int) -> None:
    asked = Asked()
    asked.refuse = status

    async def work(waits: Waits, made: Endpoint, queue: Queue) -> list[str]:
        waiter = Waiter(waits, made, queue)
        for _ in range(30):
            asked.time.now += 2.0
            await waiter.see()
        return waiter.waiting

    assert asked.run(work) == (["no money"] if status == 402 else ["no worker"])


def test_the_job_of_unhealthy_workers_is_cancelled_and_shows_their_log() -> None:
    asked = Asked(unhealthy=1)

    async def work(waits: Waits, made: Endpoint, queue: Queue) -> WorkersUnhealthy:
        waiter = Waiter(waits, made, queue)
        try:
            while asked.time.now < 600:
                asked.time.now += 2.0
                await waiter.see()
        except WorkersUnhealthy as error:
            return error
        raise AssertionError("it was never given up")

    error = asked.run(work)
    assert asked.cancelled == ["ep1/cancel/job-1"]
    assert (error.job_id, error.platform_id) == ("fj-1", "job-1")
    assert str(error) == (
        "no worker of trainer got well within 60 s; the job was cancelled, nothing is billed\n"
        "  → look at these last lines of a worker; then run it again on other hardware (gpu=, cpu= or datacenter=), or on"
        " a new endpoint, after %flash undeploy trainer"
    )


def test_a_wait_that_is_over_is_forgotten() -> None:
    asked = Asked(throttled=1)

    async def work(waits: Waits, made: Endpoint, queue: Queue) -> list[str]:
        names: list[Queued] = []
        for asked.time.now in (0.0, FORGET_S, 2 * FORGET_S + 1):
            names.append(waits.at(made, queue))
            await names[-1].look()
        return [each.name for each in names]

    assert asked.run(work) == ["ep1-1", "ep1-1", "ep1-2"]
