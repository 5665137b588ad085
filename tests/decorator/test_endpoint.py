"""`Endpoint(...)`: what `remote` does, in the words of runpod-flash 1.21; and an endpoint that is asked as it is."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flash_jupyter import Endpoint, EndpointJob, PodTemplate
from flash_jupyter.errors import ApiError, NotFoundError, OptionError, SerializationError
from flash_jupyter.session.session import Session

Script = Callable[..., dict[str, Any]]
WORKER = Path(__file__).parents[1] / "support" / "handler_worker.py"
LONG_S = 60.0

WRONG = [
    ("a client above a function", "Endpoint(id='x')(f)", "Endpoint(id=...) runs other code, and has no place for f\n  → decorate with Endpoint(name=...) without id= and image="),
    ("an image above a function", "Endpoint('n', image='a/b')(f)", "Endpoint(image=...) runs other code, and has no place for f\n  → decorate with Endpoint(name=...) without id= and image="),
    ("a client's request as a route", "Endpoint(id='x').post('/p')(f)", "Endpoint(id=...).post('/p') asks an endpoint that runs other code, and can't be a route of yours\n  → await it; for routes of your own write Endpoint(name=...) without id= and image="),
    ("routes without a name", "Endpoint().get('/p')(f)", "an Endpoint with routes needs name=\n  → write Endpoint(name=\"shop\", ...)"),
    ("data in a route", "Endpoint('n').post('/p', {'a': 1})", "Endpoint(name=...).post('/p', ...) makes a route, and takes the path only\n  → write id= or image= for an endpoint that is asked as it is"),
    ("an option that a request has not", "Endpoint(id='x').get('/p', retries=1)", ".get() has no argument retries=\n  → it takes path, data and timeout="),
    ("a path without its slash", "Endpoint('n').get('p')(f)", "path='p' of f does not begin with a slash\n  → write path=\"/p\""),
    ("a job of what has functions", "asyncio.run(Endpoint('n').run({}))", "run() asks an endpoint that is there, and Endpoint(name=...) has functions of yours\n  → call the function, or name the endpoint: Endpoint(id=...)"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "text"), [c[1:] for c in WRONG], ids=[c[0] for c in WRONG])
def test_what_can_not_be_is_said_at_once(script: Script, expression: str, text: str) -> None:
    names = script("def f(x): return x")
    with pytest.raises(OptionError) as caught:
        eval(expression, names)
    assert str(caught.value) == text


def test_an_endpoint_is_for_a_function_or_for_routes_and_a_route_is_there_once(script: Script) -> None:
    names = script(
        """
        def f(x): return x
        whole, routes = Endpoint("a"), Endpoint("b")
        whole(f), routes.get("/f")(f)
        """
    )
    for expression in ("whole.get('/f')", "routes(f)"):
        with pytest.raises(OptionError, match="it can't be both"):
            eval(expression, names)
    with pytest.raises(OptionError) as caught:
        eval("routes.get('/f')(f)", names)
    assert str(caught.value) == "GET /f of b is a route of f already\n  → give one another path"


def test_a_function_a_class_and_routes_run_on_their_endpoints(script: Script, session: Session) -> None:
    names = script(
        """
        K = 10

        @Endpoint(cpu="cpu3c-1-2", workers=2)
        async def add(a, b=1):
            return a + b + K

        @Endpoint(name="counters", cpu="cpu3g-2-8")
        class Counter:
            def __init__(self, start): self.count = start
            def up(self):
                self.count += 1
                return self.count

        shop = Endpoint("shop", cpu="cpu3c-1-2", workers=(0, 2))

        @shop.post("/price")
        async def price(item: str): return {"item": item, "price": K}

        @shop.get("/health")
        def health(): return "well"

        counter = Counter(4)
        async def main(): return [(await add(1)).output, await price("tea"), await health()]
        """
    )
    assert repr(names["add"]) == "<remote function add on CpuLiveServerless add>"
    assert repr(names["price"]) == "<remote route POST /price of CpuLiveLoadBalancer shop>"
    assert asyncio.run(names["main"]()) == [12, {"item": "tea", "price": 10}, "well"]
    assert [names["counter"].up.remote().output for _ in range(2)] == [5, 6]
    listed = session.loop.call(session.links.open("local").control.endpoints())
    made = {endpoint.name: endpoint for endpoint in listed}
    assert [(cpu["id"], cpu["vcpuCount"]) for cpu in made["add"].cpu or []] == [("cpu3c", 1)]
    assert made["add"].workers == {"min": 0, "max": 2, "idleTimeout": 60}


@pytest.fixture
def handler(session: Session) -> Endpoint:
    """An image with a handler of its own."""
    program = PodTemplate(dockerArgs=f"{sys.executable} {WORKER}")
    return Endpoint("asked", image="me/mine:1", cpu="cpu3g-2-8", workers=1, template=program)


def test_jobs_of_an_image_and_of_an_endpoint_that_exists(handler: Endpoint, session: Session) -> None:
    async def talk() -> list[Any]:
        job = await handler.run({"a": 1})
        assert (type(job), bool(job.id)) == (EndpointJob, True)
        await job.wait(timeout=LONG_S)
        listed = await asyncio.wrap_future(session.loop.submit(session.links.open("local").control.endpoints()))
        there = Endpoint(id=next(endpoint.id for endpoint in listed if endpoint.name == "asked"))
        again = await there.runsync({"b": 2}, timeout=LONG_S)
        failed = await (await there.run({"fail": "out of paper"})).wait(LONG_S)
        return [
            [job.done, job.output, job.error, await job.status()],
            [again.done, again.output],
            [failed.done, await failed.status(), failed.error],
            repr(job) == f"EndpointJob(id={job.id!r}, status='COMPLETED')",
        ]

    assert asyncio.run(talk()) == [
        [True, {"got": {"a": 1}}, None, "COMPLETED"],
        [True, {"got": {"b": 2}}],
        [True, "FAILED", "out of paper"],
        True,
    ]


def test_a_job_is_waited_for_as_long_as_is_said_and_cancelled_by_either(session: Session) -> None:
    never = PodTemplate(dockerArgs="sleep 600")
    deaf = Endpoint("deaf", image="me/mine:1", cpu="cpu3g-2-8", workers=1, template=never)

    async def talk() -> list[Any]:
        slow = await deaf.runsync({}, timeout=1)
        with pytest.raises(TimeoutError, match=f"job {slow.id} is IN_QUEUE after 0.1 s; it goes on"):
            await slow.wait(timeout=0.1)
        waiting = await deaf.run({})
        cancelled = await deaf.cancel(waiting.id)
        await slow.cancel()
        return [slow.done, await slow.status(), cancelled.done, await waiting.status()]

    assert asyncio.run(talk()) == [True, "CANCELLED", True, "CANCELLED"]


def test_an_interrupt_of_a_wait_is_heard_and_leaves_the_job(session: Session) -> None:
    """Ipykernel's interrupt wakes no loop that sleeps: beside the pause between two looks a timer has to."""
    never = PodTemplate(dockerArgs="sleep 600")
    deaf = Endpoint("deaf", image="me/mine:1", cpu="cpu3g-2-8", workers=1, template=never)

    async def talk() -> tuple[int, str]:
        loop = asyncio.get_running_loop()
        job = await deaf.run({})
        waiting = asyncio.ensure_future(job.wait())
        await asyncio.sleep(0)  # it has begun, and pauses
        timers = [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        signal.signal(signal.SIGUSR1, lambda *_: loop.call_soon(waiting.cancel))
        os.kill(os.getpid(), signal.SIGUSR1)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        state = await job.status()
        await job.cancel()
        return len(timers), state

    before = signal.getsignal(signal.SIGUSR1)
    try:
        assert asyncio.run(talk()) == (2, "IN_QUEUE")
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_routes_of_an_endpoint_that_exists(script: Script, session: Session) -> None:
    names = script(
        """
        @Endpoint("served", cpu="cpu3g-2-8").get("/x")
        def x(): return 1
        """
    )
    assert names["x"].remote() == 1
    listed = session.loop.call(session.links.open("local").control.endpoints())
    there = Endpoint(id=next(endpoint.id for endpoint in listed if endpoint.name == "served"))

    async def talk() -> Any:
        return await there.get("/ping", timeout=LONG_S)

    assert asyncio.run(talk()) == {"status": "healthy"}
    with pytest.raises(ApiError) as caught:
        asyncio.run(there.run({}))
    assert str(caught.value) == (
        'endpoint served is a load balancer, and has no jobs\n  → ask it with get("/path") or post("/path", data)'
    )


def test_to_stop_a_job_makes_no_endpoint_nor_does_to_look_at_one_whose_endpoint_is_gone(session: Session) -> None:
    never = PodTemplate(dockerArgs="sleep 600")
    unmade, gone = (Endpoint(name, image="me/mine:1", cpu="cpu3g-2-8", template=never) for name in ("unmade", "gone"))

    async def on_loop(work: Any) -> Any:
        return await asyncio.wrap_future(session.loop.submit(work))

    async def talk() -> list[str]:
        link = session.links.open("local")
        with pytest.raises(NotFoundError, match="there is no endpoint unmade, and so no job of it; nothing was made"):
            await unmade.cancel("some-job")
        job = await gone.run({})
        listed = await on_loop(link.control.endpoints())
        await on_loop(link.provisioner.undeploy([each for each in listed if each.name == "gone"]))
        for ask in (job.status, job.cancel, lambda: gone.cancel(job.id)):
            with pytest.raises(NotFoundError):
                await ask()
        return [each.name for each in await on_loop(link.control.endpoints())]

    assert not {"unmade", "gone"} & set(asyncio.run(talk()))


def test_what_can_not_be_asked_is_said(handler: Endpoint) -> None:
    with pytest.raises(NotFoundError) as caught:
        asyncio.run(Endpoint(id="nothing").run({}))
    assert str(caught.value) == "there is no endpoint nothing\n  → %flash endpoints lists their ids"
    with pytest.raises(SerializationError, match="it takes JSON"):
        asyncio.run(handler.run({"a": object()}))
