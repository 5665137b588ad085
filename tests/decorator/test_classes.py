"""Remote classes over a real embedded Runpod: state lives on in the worker, and its loss is said."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from flash_jupyter.build.manifest import Function
from flash_jupyter.develop.discover import Served
from flash_jupyter.develop.jobs import QueueResource
from flash_jupyter.errors import (
    InstanceLostError,
    JobTimedOut,
    OptionError,
    RemoteExecutionError,
    ResultLost,
    WorkerLost,
)
from flash_jupyter.session.running import Runner
from flash_jupyter.session.session import Session

Script = Callable[..., dict[str, Any]]

COUNTER = """
    import os
    STEP = 1
    @remote(resource_config=CpuLiveServerless(name="counter"))
    class Counter:
        "Counts."
        limit = 100
        def __init__(self, start, *, log=None):
            self.value = start
            if log:
                with open(log, "a") as file:
                    file.write("made\\n")
        def add(self, n=None):
            self.value += STEP if n is None else n
            return self.value
        async def add_later(self, n):
            self.lock = getattr(self, "lock", None) or asyncio.Lock()
            async with self.lock:
                await asyncio.sleep(0)
            return self.add(n)
        def fail(self):
            self.value += 1000
            raise LookupError(self.value)
        def me(self):
            return self
        @property
        def double(self): return 2 * self.value
        @staticmethod
        def static(x): return x + 1
        def die(self): os._exit(3)
        def hang(self):
            while True: pass
        def _private(self): pass
        def __call__(self, x): return x * self.value
"""


@pytest.fixture
def counter_class(script: Script) -> Any:
    return script(COUNTER)["Counter"]


def test_state_lives_on_between_calls_and_the_constructor_runs_once(counter_class: Any, tmp_path: Any) -> None:
    log = tmp_path / "log"

    async def main() -> list[Any]:
        counter = counter_class(10, log=str(log))
        return [(await counter.add(1)).output, (await counter.add(n=5)).output, (await counter.add()).output]

    assert asyncio.run(main()) == [11, 16, 17]
    assert log.read_text() == "made\n"


def test_parallel_calls_run_in_their_order_on_one_instance(counter_class: Any, tmp_path: Any) -> None:
    log = tmp_path / "log"

    async def main() -> list[Any]:
        counter = counter_class(0, log=str(log))
        return [job.output for job in await asyncio.gather(*(counter.add(n) for n in range(1, 6)))]

    assert asyncio.run(main()) == [1, 3, 6, 10, 15]
    assert log.read_text() == "made\n"


def test_instances_are_apart_and_live_side_by_side(counter_class: Any) -> None:
    one, two = counter_class(1), counter_class(100)
    assert [one.add.remote().output, two.add.remote().output, one.add.remote().output] == [2, 101, 3]


def test_every_way_of_calling(counter_class: Any) -> None:
    counter = counter_class(0)
    assert counter.add.remote(1).output == 1
    assert counter.add.spawn(1).result(30) == 2
    assert [job.output for job in counter.add.map([1, 1])] == [3, 4]
    assert asyncio.run(counter.add_later(1)).output == 5
    assert asyncio.run(counter.add_later(1)).output == 6
    assert counter.static.remote(1).output == 2
    assert asyncio.run(counter(10)).output == 60


def test_a_failing_method_keeps_the_instance(counter_class: Any) -> None:
    counter = counter_class(0)
    assert counter.fail.remote().error == "LookupError: 1000"
    assert counter.add.remote(1).output == 1001


def test_a_failing_constructor_is_a_failed_call_and_runs_again(script: Script) -> None:
    source = """
        import os
        @remote(CpuLiveServerless(name="counter"))
        class C:
            def __init__(self, path):
                if not os.path.exists(path):
                    open(path, "w").close()
                    raise ValueError("not yet")
            def f(self): return 1
    """
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        instance = script(source)["C"](str(Path(folder) / "marker"))
        assert instance.f.remote().error == "ValueError: not yet"
        assert instance.f.remote().output == 1


def test_what_the_methods_read_is_that_of_the_first_call(script: Script) -> None:
    names = script(COUNTER)
    counter = names["Counter"](0)
    assert counter.add.remote().output == 1
    names["STEP"] = 50
    assert counter.add.remote().output == 2
    assert names["Counter"](0).add.remote().output == 50


def test_a_lost_instance_is_said_and_not_made_anew(counter_class: Any, tmp_path: Any) -> None:
    log = tmp_path / "log"
    counter = counter_class(1, log=str(log))
    counter.add.remote()
    with pytest.raises(InstanceLostError) as hit:
        counter.die.remote()
    assert hit.value.is_hit
    assert re.sub(r"\w+: exit", "WORKER: exit", str(hit.value)) == (
        "the instance of Counter is gone: the worker died while it ran the job; it was not run again\n"
        "    WORKER: exit code 3\n"
        "  → look at its last lines, then run it again, on a new instance: Counter(...)"
    )
    with pytest.raises(InstanceLostError) as caught:
        counter.add.remote()
    assert not caught.value.is_hit
    assert str(caught.value) == (
        "the instance of Counter is gone: the worker in which it lived has ended\n"
        "  → make a new one, Counter(...); a longer idleTimeout= or workersMin=1 keeps its worker longer"
    )
    assert log.read_text() == "made\n"
    assert counter_class(1).add.remote().output == 2


def test_an_instance_whose_worker_ended_unseen_is_lost_too(counter_class: Any, session: Session) -> None:
    counter = counter_class(1)
    counter.add.remote()
    with pytest.raises(JobTimedOut):
        counter.hang.options(timeout=5).remote()
    job = counter.add.spawn()
    with pytest.raises(InstanceLostError) as caught:
        job.result()
    assert job.status() == "FAILED"
    record = session.job(job.id)
    assert record.outcome == "FAILED"
    assert record.error == (
        "InstanceLostError: the instance of Counter is lost:"
        " a call did not reach the worker in which it lived, which has probably ended"
    )
    with pytest.raises(ResultLost, match="is FAILED and has no result: InstanceLostError: the instance of Counter"):
        session.attach(job.id, {}, lambda _event: None)
    assert not caught.value.is_hit
    with pytest.raises(InstanceLostError):
        counter.add.remote()


def test_calls_that_wait_when_their_instance_is_lost_are_over_too(counter_class: Any, session: Session) -> None:
    counter = counter_class(1)
    counter.add.remote()
    hit, waiting = counter.die.spawn(), counter.add.spawn()
    with pytest.raises(InstanceLostError):
        hit.result()
    with pytest.raises(InstanceLostError):
        waiting.result()
    assert [session.job(job.id).outcome for job in (hit, waiting)] == ["FAILED", "FAILED"]


def test_calls_run_in_order_also_where_one_takes_longer_to_be_written_down(
    counter_class: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = counter_class(1)
    counter.add.remote()
    write_down, pauses = Runner.write_down, [0.2, 0.0]

    async def late(runner: Runner) -> None:
        await asyncio.sleep(pauses.pop(0) if pauses else 0)
        await write_down(runner)

    monkeypatch.setattr(Runner, "write_down", late)
    calls = [counter.add.spawn(), counter.add.spawn()]
    assert [call.result() for call in calls] == [3, 4]


def test_a_worker_that_dies_before_there_is_an_instance_is_no_lost_instance(counter_class: Any) -> None:
    with pytest.raises(WorkerLost):
        counter_class(1).die.remote()


def test_flash_run_makes_a_lost_instance_anew_but_does_not_repeat_the_call_that_it_died_of(
    script: Script, tmp_path: Any
) -> None:
    cls = script(f"""
        import os
        @remote(CpuLiveServerless(name="counter"))
        class Fragile:
            def f(self): return 1
            def die(self):
                with open({str(tmp_path / "log")!r}, "a") as file:
                    file.write("died ")
                os._exit(3)
    """)["Fragile"]
    served = Served("counter", Function(name="Fragile", module="m", is_class=True), "here", cls)
    resource = QueueResource("counter", {"Fragile": served})

    def ask(method: str) -> Any:
        return asyncio.run(resource.run({"input": {"method": method}})).output

    assert ask("f") == 1
    with pytest.raises(InstanceLostError):
        ask("die")
    assert (tmp_path / "log").read_text() == "died "
    assert ask("f") == 1


def test_its_endpoint_has_one_worker(counter_class: Any, session: Session) -> None:
    counter_class(0).add.remote()
    endpoint = next(view for view in session.endpoints() if view.name == "counter")
    link = session.links.open("local")
    document = session.loop.call(link.control.get(endpoint.id))
    assert (document.workers["min"], document.workers["max"], document.workers["idleTimeout"]) == (0, 1, 300)


FUNCTION_ELSEWHERE = """
import os, time
from flash_jupyter import CpuLiveServerless, remote
@remote(CpuLiveServerless(name="shared", workersMax=3, scalerType="REQUEST_COUNT", scalerValue=1))
def worker(_call):
    time.sleep(0.2)
    return os.environ["RUNPOD_POD_ID"]
print(*{each.output for each in worker.map(range(6))})
"""


def test_another_process_with_the_same_configuration_leaves_it_its_one_worker(
    script: Script, session: Session, tmp_path: Any
) -> None:
    def workers_of_calls_elsewhere() -> list[str]:
        environ = {**os.environ, "FLASH_JUPYTER_HOME": str(session.settings.home), "FLASH_JUPYTER_BACKEND": "local"}
        program = [sys.executable, "-c", FUNCTION_ELSEWHERE]
        done = subprocess.run(program, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def most_workers() -> int:
        endpoint = next(view for view in session.endpoints() if view.name == "shared")
        document = session.loop.call(session.links.open("local").control.get(endpoint.id))
        return int(document.workers["max"])

    workers_of_calls_elsewhere()
    assert most_workers() == 3
    names = script(
        """
        @remote(CpuLiveServerless(name="shared", workersMax=3, scalerType="REQUEST_COUNT", scalerValue=1))
        class Here:
            value = 0
            def add(self):
                self.value += 1
                return self.value
        """
    )
    here = names["Here"]()
    assert here.add.remote().output == 1
    assert len(workers_of_calls_elsewhere()) == 1
    assert [here.add.remote().output for _ in range(4)] == [2, 3, 4, 5]
    assert most_workers() == 1


def test_workers_that_it_cannot_have_are_named(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    names = script("@remote(CpuLiveServerless(name='counter', workersMax=5))\nclass Wide:\n    def f(self): return 1")
    assert names["Wide"]().f.remote().output == 1
    assert capsys.readouterr().err == (
        "Wide.f: its endpoint has one worker, because instances live in it; workersMax=5 does not apply\n"
    )


def test_without_a_resource_it_has_an_endpoint_of_its_own(script: Script, session: Session) -> None:
    names = script("@remote\nclass Odd:\n    def f(self): return 1\n@remote\ndef g(): return 2")
    assert names["Odd"]().f.remote().output == 1
    assert names["g"].remote().output == 2
    assert len([view for view in session.endpoints() if view.name.endswith("-odd")]) == 1


ATTRIBUTES = [
    ("state", "counter.value", AttributeError,
     ("Counter has no method `value`; its attributes live in the worker, and can't be read from here\n"
     "  → read it with a method: def get_value(self): return self.value")),
    ("a property", "counter.double", AttributeError,
     ("Counter has no method `double`; its attributes live in the worker, and can't be read from here\n"
     "  → read it with a method: def get_double(self): return self.double")),
    ("a misspelt method", "counter.ad", AttributeError,
     "Counter has no method `ad`; its attributes live in the worker, and can't be read from here\n  → did you mean add(...)?"),
    ("a private method", "counter._private", AttributeError,
     "`_private` of Counter is private: only public methods can be called from here"),
    ("setting", "setattr(counter, 'value', 3)", AttributeError,
     "`value` of a remote Counter can't be set here: the instance lives in a worker\n  → set it in a method, and call that"),
    ("a class attribute", "Counter.limit", AttributeError,
     ("Counter is a remote class and has no attribute `limit` here\n"
     "  → make an instance and call a method of it; Counter.__wrapped__ is the class itself")),
    ("the wrong arguments", "Counter()", TypeError,
     "Counter() missing a required argument: 'start'\n  → Counter(start, *, log=None)"),
    ("a local call of a remote method", "counter.add.local(1)", AttributeError,
     "Counter.add: its instance lives in a worker\n  → Counter.local(...) makes one here"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "error", "text"), [c[1:] for c in ATTRIBUTES], ids=[c[0] for c in ATTRIBUTES])
def test_what_cannot_be_is_said_with_the_way_out(
    counter_class: Any, expression: str, error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        eval(expression, {"Counter": counter_class, "counter": counter_class(1)})
    assert str(caught.value) == text


def test_a_class_that_is_not_callable(script: Script) -> None:
    instance = script("@remote\nclass C: pass")["C"]()
    with pytest.raises(TypeError, match="'C' object is not callable"):
        instance()


def test_an_instance_does_not_travel(script: Script, counter_class: Any) -> None:
    f = script("@remote\ndef f(x): return x")["f"]
    with pytest.raises(Exception, match="a remote Counter lives in its worker and can't travel"):
        f.remote(counter_class(1))
    with pytest.raises(
        Exception, match=r"Counter\.add is a method of an instance that lives in its worker and can't travel"
    ):
        f.remote(counter_class(1).add)


def test_what_a_method_returns_is_a_copy(counter_class: Any) -> None:
    counter = counter_class(5)
    copy = counter.me.remote().output
    assert (type(copy), copy.value) == (counter_class.__wrapped__, 5)
    copy.value = 100
    assert counter.add.remote(1).output == 6


def test_a_subclass_derives_from_the_class_itself(script: Script) -> None:
    names = script("@remote\nclass A:\n    def f(self): return 1\nclass B(A):\n    def g(self): return self.f() + 1")
    assert names["B"]().g() == 2


def test_local_keeps_one_instance_here(script: Script, session: Session) -> None:
    names = script("@remote(local=True)\nclass C:\n    n = 0\n    def f(self): self.n += 1; return self.n")
    instance = names["C"]()
    assert [instance.f.remote().output, asyncio.run(instance.f()).output, instance.f.local()] == [1, 2, 3]


def test_repr_and_dir(counter_class: Any) -> None:
    counter = counter_class(1)
    assert repr(counter_class) == "<remote class Counter on CpuLiveServerless counter>"
    assert repr(counter).startswith("<remote Counter Counter-")
    assert dir(counter) == ["add", "add_later", "die", "fail", "hang", "me", "static"]
    assert counter_class.__doc__ == "Counts."


def test_an_image_of_its_own_holds_no_instances(script: Script) -> None:
    with pytest.raises(OptionError) as caught:
        script("@remote(ServerlessEndpoint(name='mine', imageName='me/mine:1'))\nclass C: pass")
    assert str(caught.value) == (
        "class C can't live on ServerlessEndpoint mine: its image runs a handler of its own\n"
        "  → use LiveServerless or CpuLiveServerless for classes"
    )


def test_a_failure_has_the_frames_of_the_method(counter_class: Any) -> None:
    with pytest.raises(RemoteExecutionError) as caught:
        counter_class(0).fail.remote().result()
    assert [frame["name"] for frame in caught.value.frames] == ["fail"]
