"""Remote functions over a real embedded Runpod: what travels, what comes back, in every way of calling."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Any

import pytest

import flash_jupyter
from flash_jupyter.errors import (
    FlashError,
    JobTimedOut,
    JobWasCancelled,
    OptionError,
    PayloadTooLargeError,
    RemoteExecutionError,
    SerializationError,
    UndefinedNameError,
    WorkerLost,
)
from flash_jupyter.session.provision import request_urls
from flash_jupyter.session.records import JobRecord
from flash_jupyter.session.session import Session
from flash_jupyter.settings import Settings
from flash_jupyter.states import JobState
from flash_jupyter.transport.queue import Queue

Script = Callable[..., dict[str, Any]]

TRAVELS = [
    ("a sync function", "@remote\ndef f(x): return x + 1", 4),
    ("an async function", "@remote()\nasync def f(x):\n    await asyncio.sleep(0)\n    return x + 1", 4),
    ("a global and a helper", "K = 10\ndef helper(x): return x * K\n@remote()\ndef f(x): return helper(x)", 30),
    ("a class", "class P:\n    def __init__(self, x): self.x = x\n@remote()\ndef f(x): return P(x).x", 3),
    ("an import at module level", "import math\n@remote()\ndef f(x): return math.floor(x + 0.5)", 3),
    ("an import inside", "@remote()\ndef f(x):\n    import math\n    return math.floor(x + 0.5)", 3),
    ("a lambda", "f = remote()(lambda x: x * 2)", 6),
    ("a closure", "def make(k):\n    @remote()\n    def f(x): return x * k\n    return f\nf = make(5)", 15),
    ("defaults", "@remote()\ndef f(x, y=2, *, z=3): return x + y + z", 8),
    ("a partial", "import functools\nf = remote()(functools.partial(pow, 2))", 8),
    ("a function that calls itself", "@remote()\ndef f(x): return x if x < 2 else x * f(x - 1)", 6),
    ("a function that exec made", "ns = {}\nexec('K = 7\\ndef g(x): return x * K', ns)\nf = remote()(ns['g'])", 21),
    ("a decorator below", "def twice(g):\n    def h(x): return 2 * g(x)\n    return h\n@remote()\n@twice\ndef f(x): return x", 6),
    ("a built-in", "f = remote()(abs)", 3),
]  # fmt: skip


@pytest.mark.parametrize(("source", "value"), [c[1:] for c in TRAVELS], ids=[c[0] for c in TRAVELS])
def test_a_function_travels_with_what_it_reads(script: Script, source: str, value: int) -> None:
    assert script(source)["f"].remote(3).result() == value


def test_awaiting_gives_an_output(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    f = script("@remote()\ndef f(x):\n    print('on the worker')\n    return x * 2")["f"]
    job = asyncio.run(f(21))
    assert (job.status, job.output, job.error, job.result()) == ("COMPLETED", 42, None, 42)
    assert job.id.startswith("fj-")
    assert job.worker_id
    assert job.execution_time_ms >= 0
    assert job.delay_time_ms >= 0
    assert job.started_at <= job.ended_at
    assert capsys.readouterr().out == "on the worker\n"


def test_globals_are_those_of_the_moment_of_the_call(script: Script) -> None:
    names = script("K = 1\n@remote()\ndef f(): return K")
    assert names["f"].remote().output == 1
    names["K"] = 2
    assert names["f"].remote().output == 2


def test_arguments_travel_by_value(script: Script) -> None:
    f = script("@remote()\ndef f(xs):\n    xs.append(2)\n    return xs")["f"]
    mine = [1]
    assert f.remote(mine).output == [1, 2]
    assert mine == [1]


def test_shared_references_among_arguments_survive(script: Script) -> None:
    f = script("@remote()\ndef f(a, b, *, c):\n    a.append(1)\n    return b, c[0] is a")["f"]
    shared: list[int] = []
    assert f.remote(shared, shared, c=[shared]).output == ([1], True)


def test_an_instance_comes_home_as_an_instance_of_its_class(script: Script) -> None:
    names = script("class P:\n    x = 1\n@remote()\ndef f(p):\n    q = P(); q.x = p.x + 1\n    return q")
    made = names["f"].remote(names["P"]()).output
    assert type(made) is names["P"]
    assert made.x == 2


def test_a_failure_is_an_output_and_result_raises_it(script: Script) -> None:
    f = script("@remote()\ndef f(n):\n    if n < 0:\n        raise ValueError(f'negative: {n}')")["f"]
    job = f.remote(-3)
    assert (job.status, job.output, job.error) == ("FAILED", None, "ValueError: negative: -3")
    with pytest.raises(RemoteExecutionError) as caught:
        job.result()
    assert (caught.value.type_name, caught.value.remote_message) == ("ValueError", "negative: -3")
    assert [(frame["name"], frame["line"]) for frame in caught.value.frames] == [("f", 4)]
    assert isinstance(caught.value, ValueError)
    assert (str(caught.value), caught.value.args, caught.value.__cause__) == ("negative: -3", ("negative: -3",), None)
    assert caught.value.__notes__[-1].startswith("on the worker:\n  ")
    assert repr(job) == f"JobOutput({job.id}, FAILED, error='ValueError: negative: -3', {job.execution_time_ms} ms)"


def test_an_exception_whose_type_exists_only_there(script: Script) -> None:
    source = """
        @remote()
        def f():
            class Odd(Exception):
                def __init__(self, code, *, hint):
                    super().__init__(f"odd {code}")
            raise Odd(3, hint="no")
    """
    job = script(source)["f"].remote()
    assert job.error == "script.f.<locals>.Odd: odd 3"
    with pytest.raises(RemoteExecutionError) as caught:
        job.result()
    assert caught.value.frames[-1]["name"] == "f"


def test_an_exception_of_the_script_comes_back_as_itself(script: Script) -> None:
    source = """
        class Odd(Exception):
            def __init__(self, code, *, hint):
                super().__init__(f"odd {code}")
                self.hint = hint
        @remote()
        def f():
            raise Odd(3, hint="no")
    """
    names = script(source)
    with pytest.raises(names["Odd"]) as caught:
        names["f"].remote().result()
    assert isinstance(caught.value, RemoteExecutionError)
    assert (str(caught.value), vars(caught.value)["hint"]) == ("odd 3", "no")


def test_an_exception_whose_type_can_t_be_joined_is_the_cause(script: Script) -> None:
    f = script("@remote()\ndef f(): raise SyntaxError('no')")["f"]
    with pytest.raises(RemoteExecutionError) as caught:
        f.remote().result()
    assert type(caught.value).__name__ == "SyntaxError"
    assert isinstance(caught.value.__cause__, SyntaxError)


def test_an_exit_is_a_failure(script: Script) -> None:
    f = script("import sys\n@remote()\ndef f(code): sys.exit(code)")["f"]
    assert f.remote(3).error == "SystemExit: 3"
    assert f.remote(0).status == "COMPLETED"


def test_an_output_is_unwrapped_where_it_is_an_argument(script: Script) -> None:
    names = script(
        """
        @remote()
        def double(x): return 2 * x
        @remote()
        def total(xs, *, extra=0): return sum(xs) + extra
        async def main():
            return await total(await asyncio.gather(*map(double, range(3))), extra=await double(50))
        """
    )
    assert asyncio.run(names["main"]()).output == 106


def test_a_failed_output_is_raised_where_it_is_an_argument(script: Script) -> None:
    names = script("@remote()\ndef f(x): return 1 / x")
    with pytest.raises(RemoteExecutionError, match="division by zero"):
        names["f"].remote(names["f"].remote(0))


def test_a_forgotten_await_is_named(script: Script) -> None:
    f = script("@remote()\ndef f(x): return x")["f"]
    with pytest.raises(OptionError) as caught:
        f.remote(f(1))
    assert str(caught.value) == (
        "an argument is a call of a remote function that was not awaited\n"
        "  → write `await` in front of it: await score(await clean(rows))"
    )


def test_a_job_that_was_not_waited_for_is_no_argument(script: Script) -> None:
    f = script("@remote()\ndef f(x): return x")["f"]
    job = f.spawn(1)
    with pytest.raises(OptionError) as caught:
        f.remote([job])
    assert str(caught.value) == (
        f"an argument is {job!r}, which is no value yet\n  → pass its value: job.result(), or `await job`"
    )
    assert f.remote(job.result()).output == 1


BEFORE = [
    ("an undefined name", "@remote()\ndef f():\n    return nowhere", UndefinedNameError, "`nowhere` (line 3)"),
    ("a closure that can't be pickled", "import threading\ndef make():\n    lock = threading.Lock()\n    return remote()(lambda: lock)\nf = make()",
     SerializationError, "the function → (closure lock): _thread.lock"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "error", "words"), [c[1:] for c in BEFORE], ids=[c[0] for c in BEFORE])
def test_what_is_wrong_is_said_before_anything_is_sent(
    script: Script, session: Session, source: str, error: type[Exception], words: str
) -> None:
    before = len(session.jobs())
    with pytest.raises(error) as caught:
        script(source)["f"].remote()
    assert words in str(caught.value)
    assert len(session.jobs()) == before


def test_an_argument_that_cannot_be_pickled_is_named(script: Script) -> None:
    import threading

    f = script("@remote()\ndef f(x, cfg): return x")["f"]
    with pytest.raises(SerializationError) as caught:
        f.remote(1, {"k": [threading.Lock()]})
    assert str(caught.value) == (
        "can't be pickled: argument cfg → ['k'] → [0]: _thread.lock (cannot pickle '_thread.lock' object)\n"
        "  → make it inside of the function, or pass what it is made from"
    )
    with pytest.raises(SerializationError, match=r"argument cfg: _thread\.lock"):
        f.remote(1, cfg=threading.Lock())


def test_arguments_over_the_limit_are_refused_with_their_size(script: Script) -> None:
    import os

    f = script("@remote()\ndef f(x): return len(x)")["f"]
    with pytest.raises(PayloadTooLargeError) as caught:
        f.remote(os.urandom(9_000_000))
    assert str(caught.value).endswith(
        ", a request holds 10.5 MB; nothing was sent\n"
        "    the arguments                9.0 MB\n  → make or load it inside of the function"
    )


TERSE = [
    ("what the code raised", "@remote()\ndef f(): return 1 / 0", "f.remote().result()", ["result"]),
    ("a result that is asked for again", "@remote()\ndef f(): return 1 / 0\njob = f.remote()", "job.result()", ["result"]),
    ("what can't be sent", "@remote()\ndef f(): return nowhere", "f.remote()", ["remote", "_start"]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "call", "ours"), [c[1:] for c in TERSE], ids=[c[0] for c in TERSE])
def test_a_traceback_has_the_users_lines_and_hardly_ours(
    script: Script, source: str, call: str, ours: list[str]
) -> None:
    names = script(source)
    for _ in range(2):
        with pytest.raises(FlashError) as caught:
            eval(call, names)
        assert [entry.name for entry in caught.traceback][2:] == ours


def test_a_result_that_cannot_be_pickled_is_a_failure(script: Script) -> None:
    job = script("@remote()\ndef f():\n    return {'k': (i for i in range(3))}")["f"].remote()
    assert job.status == "FAILED"
    with pytest.raises(SerializationError, match=r"the result → \['k'\]: generator"):
        job.result()


def test_gather_of_fifty_uses_one_session(script: Script, session: Session) -> None:
    names = script(
        """
        @remote()
        def square(n): return n * n
        async def main(): return await asyncio.gather(*(square(n) for n in range(50)))
        """
    )
    jobs = asyncio.run(names["main"]())
    assert [job.output for job in jobs] == [n * n for n in range(50)]
    assert len({job.id for job in jobs}) == 50
    assert {job.id for job in jobs} <= {record.id for record in session.jobs()}


def test_awaiting_leaves_the_loop_free(script: Script) -> None:
    names = script(
        """
        @remote()
        def slow():
            import time
            time.sleep(0.5)
        async def main():
            job = asyncio.ensure_future(slow())
            ticks = 0
            while not job.done():
                await asyncio.sleep(0.02)
                ticks += 1
            return ticks
        """
    )
    names["slow"].remote()
    assert asyncio.run(names["main"]()) > 10


def test_cancelling_the_awaiting_task_cancels_the_job(script: Script, session: Session) -> None:
    names = script(
        """
        @remote()
        def slow():
            print('begun')
            import time
            time.sleep(60)
        async def main():
            task = asyncio.create_task(slow())
            await asyncio.sleep(1.5)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                return 'cancelled'
        """
    )
    started = time.monotonic()
    assert asyncio.run(names["main"]()) == "cancelled"
    assert time.monotonic() - started < 15
    job = session.jobs()[0]
    assert (job.state, on_the_platform(session, job)) == (JobState.CANCELLED, JobState.CANCELLED)


def on_the_platform(session: Session, job: JobRecord) -> JobState:
    """Ask the embedded Runpod itself where a job is."""
    link = session.links.open("local")
    endpoint = session.loop.call(link.control.get(job.endpoint_id or ""))
    return session.loop.call(Queue(link.http, request_urls(endpoint)).status(job.platform_id or "")).status


def test_wait_for_cancels_the_job_too(script: Script, session: Session) -> None:
    f = script("import time\n@remote()\ndef f(): time.sleep(60)")["f"]

    async def main() -> None:
        await asyncio.wait_for(f(), 1)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(main())
    assert session.jobs()[0].state is JobState.CANCELLED


def test_a_cancelled_call_leaves_no_complaint_of_the_loop(script: Script) -> None:
    f = script("import time\n@remote()\ndef f(): time.sleep(60)")["f"]
    complaints: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context["message"]))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(f(), 1)
        gc.collect()

    asyncio.run(main())
    assert complaints == []


def test_an_argument_may_be_called_self(script: Script) -> None:
    f = script("@remote()\ndef f(**named): return named")["f"]
    assert f.remote(self=1).result() == {"self": 1}
    assert f.spawn(self=2).result() == {"self": 2}
    assert asyncio.run(f(self=3)).result() == {"self": 3}


def test_spawn_returns_a_job(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    f = script("import time\n@remote()\ndef f(s):\n    print('here')\n    time.sleep(s)\n    return s")["f"]
    job = f.spawn(0.3)
    with pytest.raises(TimeoutError):
        job.result(timeout=0.01)
    assert job.status() in ("IN_QUEUE", "IN_PROGRESS")
    assert job.result(timeout=30) == 0.3
    assert (job.status(), job.output().output) == ("COMPLETED", 0.3)
    assert repr(job) == f"Job({job.id}, COMPLETED)"

    async def main() -> Any:
        return await f.spawn(0)

    assert asyncio.run(main()).output == 0
    assert capsys.readouterr().out == "here\nhere\n"


def test_a_spawned_job_can_be_cancelled(script: Script) -> None:
    job = script("import time\n@remote()\ndef f(): time.sleep(60)")["f"].spawn()
    job.cancel()
    with pytest.raises(JobWasCancelled, match="the job was cancelled"):
        job.result(timeout=30)
    assert job.status() == "CANCELLED"


def test_map_keeps_the_order_and_the_failures_apart(script: Script) -> None:
    f = script("@remote()\ndef f(x, y): return x / y")["f"]
    jobs = f.map([1, 2, 3], iter([1, 0, 2, 5]), concurrency=2)
    assert [job.output for job in jobs] == [1, None, 1.5]
    assert [job.status for job in jobs] == ["COMPLETED", "FAILED", "COMPLETED"]


def test_a_timeout_of_a_call(script: Script) -> None:
    f = script("@remote()\ndef f():\n    while True: pass")["f"]
    with pytest.raises(JobTimedOut, match=r"its execution timeout \(5 s\) passed"):
        f.options(timeout=5).remote()


def test_a_lost_worker_is_raised_and_tried_again_only_where_that_is_said(script: Script, tmp_path: Any) -> None:
    names = script(
        """
        import os, pathlib
        @remote()
        def f(marker):
            if not pathlib.Path(marker).exists():
                pathlib.Path(marker).touch()
                os._exit(3)
            return "second"
        """
    )
    with pytest.raises(WorkerLost):
        names["f"].remote(str(tmp_path / "one"))
    assert names["f"].options(retries=1).remote(str(tmp_path / "two")).output == "second"


def test_a_failure_of_the_code_is_not_tried_again(script: Script, tmp_path: Any) -> None:
    names = script("@remote()\ndef f(p):\n    open(p, 'a').write('x')\n    raise KeyError('k')")
    assert names["f"].options(retries=3).remote(str(tmp_path / "count")).error == "KeyError: 'k'"
    assert (tmp_path / "count").read_text() == "x"


HERE = [
    ("a sync function", "@remote(local=True)\ndef f(x): return 1 / x"),
    ("an async function", "@remote(local=True)\nasync def f(x): return 1 / x"),
]


@pytest.mark.parametrize("source", [c[1] for c in HERE], ids=[c[0] for c in HERE])
def test_local_runs_here_with_the_same_face(script: Script, session: Session, source: str) -> None:
    before = len(session.jobs())
    f = script(source)["f"]
    assert f.remote(2).output == asyncio.run(f(2)).output == 0.5
    assert [job.status for job in f.map([1, 0])] == ["COMPLETED", "FAILED"]
    with pytest.raises(ZeroDivisionError, match="division by zero") as caught:
        f.remote(0).result()
    assert isinstance(caught.value, RemoteExecutionError)
    assert len(session.jobs()) == before


def test_local_calls_the_bare_function(script: Script) -> None:
    f = script("@remote()\ndef f(x):\n    'Add one.'\n    return x + 1")["f"]
    assert f.local(1) == 2
    assert (f.__name__, f.__doc__) == ("f", "Add one.")
    assert repr(f) == "<remote function f on the shared endpoint>"


WRONG = [
    ("dependencies as one text", 'remote(dependencies="numpy")', "dependencies='numpy' is one text\n  → write a list: dependencies=['numpy']"),
    ("a resource that is none", "remote({})", 'resource_config is dict, which is no endpoint\n  → use one of the eight classes, e.g. LiveServerless(name="trainer")'),
    ("something that is no function", "remote()(3)", "@remote stands above int\n  → decorate a function or a class with it"),
    ("a timeout that is too short", "remote(lambda: 1).options(timeout=1)", "timeout=1 is out of range\n  → say seconds, from 5 to 604800 (seven days)"),
    ("a class in the place of an endpoint", "remote(LiveServerless)", "resource_config is the class LiveServerless itself\n  → make one: LiveServerless(name=\"trainer\")"),
    ("a timeout that is no number", "remote(lambda: 1).options(timeout='5')", "timeout='5' is out of range\n  → say seconds, from 5 to 604800 (seven days)"),
    ("no calls at once", "remote(lambda: 1).map([1], concurrency=0)", "concurrency=0 is no number of calls\n  → say how many may run at once, e.g. 10"),
    ("negative retries", "remote(lambda: 1).options(retries=-1)", "retries=-1 is no number of times\n  → say how often a lost worker may be replaced, e.g. 2"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "text"), [c[1:] for c in WRONG], ids=[c[0] for c in WRONG])
def test_what_cannot_work_is_said_when_it_is_decorated(script: Script, source: str, text: str) -> None:
    with pytest.raises(OptionError) as caught:
        script(source)
    assert str(caught.value) == text


def test_system_packages_that_are_missing_are_named(script: Script) -> None:
    f = script("@remote(system_dependencies=['bash', 'no-such-package'])\ndef f(): pass")["f"]
    assert f.remote().error == (
        "PackagesMissing: system packages are not installed on this machine: no-such-package\n"
        "  the embedded Runpod never installs them; do it yourself: sudo apt-get install no-such-package"
    )


NESTED = [
    ("awaited", "async def outer(x): return (await inner(x)).output + 1"),
    ("synchronous", "def outer(x): return inner.remote(x).output + 1"),
    ("as an argument of another", "async def outer(x): return (await inner(await inner(x / 2))).output + 1"),
    ("mapped", "def outer(x): return inner.map([x])[0].output + 1"),
    ("bare", "def outer(x): return inner.local(x) + 1"),
]


@pytest.mark.parametrize("source", [c[1] for c in NESTED], ids=[c[0] for c in NESTED])
def test_a_remote_function_that_is_called_on_a_worker_runs_there(script: Script, session: Session, source: str) -> None:
    names = script(f"@remote\ndef inner(x): return 2 * x\n@remote\n{source}")
    before = len(session.jobs())
    assert names["outer"].remote(4).output == 9
    assert len(session.jobs()) == before + 1


THEMSELVES = [
    ("synchronously", "@remote\ndef f(n): return n and n + f.remote(n - 1).output"),
    ("bare", "@remote\ndef f(n): return n and n + f.local(n - 1)"),
    ("by its name", "@remote\ndef f(n): return n and n + f(n - 1)"),
    ("below a decorator", "def same(g): return lambda n: g(n)\n@remote\n@same\ndef f(n): return n and n + f(n - 1)"),
    ("over another", "@remote\ndef f(n): return n and n + g.remote(n - 1).output\n@remote\ndef g(n): return f.remote(n).output"),
    ("awaited by another", "@remote\nasync def f(n): return n and n + (await g(n - 1)).output\n@remote\nasync def g(n): return (await f(n)).output"),
]  # fmt: skip


@pytest.mark.parametrize("source", [c[1] for c in THEMSELVES], ids=[c[0] for c in THEMSELVES])
def test_a_remote_function_reaches_itself_on_a_worker(script: Script, source: str) -> None:
    assert script(source)["f"].remote(3).result() == 6


def test_a_remote_class_is_itself_on_a_worker(script: Script) -> None:
    names = script("@remote\nclass C:\n    def f(self): return 1\n@remote\ndef g(): return C().f()")
    assert names["g"].remote().output == 1


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_generator_function_is_refused_where_it_is_decorated(keyword: str) -> None:
    space: dict[str, Any] = {}
    exec(f"{keyword} count(n):\n    yield n", space)
    with pytest.raises(OptionError) as caught:
        flash_jupyter.remote(space["count"])
    assert str(caught.value) == (
        "count is a generator function, whose values can't come home one by one\n"
        "  → return them together, as in return list(...), or call a function for each with .map"
    )


def log_of(settings: Settings, worker_id: str) -> str:
    return (settings.local_dir / "logs" / f"{worker_id}.log").read_text()


def test_the_answer_of_a_short_call_comes_with_the_log(script: Script, local_settings: Settings) -> None:
    f = script("@remote()\ndef f(i): return i + 1")["f"]
    jobs = f.map(range(20), concurrency=20)
    assert [job.output for job in jobs] == list(range(1, 21))
    assert all(job.worker_id and job.delay_time_ms >= 0 and job.execution_time_ms >= 0 for job in jobs)
    assert log_of(local_settings, jobs[0].worker_id).count('"answer"') >= 20


def test_no_log_has_the_answer_of_an_endpoint_with_variables(script: Script, local_settings: Settings) -> None:
    source = """
        import os
        @remote(CpuLiveServerless(name="with-variables", env={"WORD": "only-here"}))
        def f(): return os.environ["WORD"]
    """
    job = script(source)["f"].remote()
    assert job.output == "only-here"
    assert '"t":"done"' in log_of(local_settings, job.worker_id)
    assert '"answer"' not in log_of(local_settings, job.worker_id)
