"""Whose a printed line is: that of the job in whose context it was written, else the log's."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from flash_jupyter.session.events import EventAssembler, Stream, read_fragment
from flash_jupyter.worker.handler import create_handler
from flash_jupyter.worker.prints import Attributed, telling

RUNS = {"tea": "0" * 16, "cake": "1" * 16}


async def brew(item: str) -> str:
    for number in range(2):
        print(item, number)
        await asyncio.sleep(0.01)
    await asyncio.to_thread(print, item, "in its thread")
    thread = threading.Thread(target=print, args=(item, "in a thread of its own"))
    thread.start()
    thread.join()
    print("no", item, file=sys.stderr)
    return item


@contextmanager
def attributed() -> Iterator[None]:
    """Do what `attribute_prints` does, for a while; in the test itself, for pytest changes the streams between phases."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Attributed("stdout", before[0]), Attributed("stderr", before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def run(answering: Coroutine[Any, Any, Any]) -> Any:
    with attributed():
        return asyncio.run(answering)


def ask(function: Any, mark: str | None, *args: Any) -> Any:
    request = {"execution_type": "function", "function_name": function.__name__, "serialization_format": "json"}
    given = {**request, "args": list(args), **({} if mark is None else {"run": mark})}
    return create_handler({function.__name__: function})({"input": given})


def said(answer: dict[str, Any]) -> str:
    told = EventAssembler().fill(answer["events"], answer["events_total"])
    return "".join(f"{each.name}: {each.text}" for each in told if isinstance(each, Stream))


def test_jobs_that_run_at_once_have_their_own_lines(capfd: pytest.CaptureFixture[str]) -> None:
    async def both() -> Any:
        return await asyncio.gather(*(ask(brew, mark, item) for item, mark in RUNS.items()))

    answers = dict(zip(RUNS, run(both()), strict=True))
    for item, answer in answers.items():
        assert answer["json_result"] == item
        assert said(answer).replace("stdout: ", "") == (
            f"{item} 0\n{item} 1\n{item} in its thread\nstderr: no {item}\n"
        )
    lines = capfd.readouterr().out.splitlines()
    own = sorted(line for line in lines if "@FJ1" not in line)
    assert own == ["cake in a thread of its own", "tea in a thread of its own"]
    for item, mark in RUNS.items():
        fragments = [found for line in lines if (found := read_fragment(line)) and found.run == mark]
        assert [found.seq for found in fragments] == list(range(answers[item]["events_total"]))
        assert fragments[-1].text == '{"t":"done"}'


@pytest.mark.parametrize("mark", [None, "", "not one of ours", 7])
def test_for_who_says_no_run_all_is_in_the_log(mark: Any, capfd: pytest.CaptureFixture[str]) -> None:
    answer = run(ask(brew, mark, "tea"))
    assert set(answer) == {"success", "json_result"}
    assert capfd.readouterr().out.startswith("tea 0\ntea 1\n")


def test_a_forked_child_writes_to_the_log() -> None:
    program = (
        "import asyncio, os, sys\nfrom flash_jupyter.worker.prints import attribute_prints, telling\n"
        "attribute_prints()\n"
        "async def job():\n"
        "    print('before')\n"
        "    if (child := os.fork()) == 0:\n"
        "        print('of the child', flush=True)\n        os._exit(0)\n"
        "    os.waitpid(child, 0)\n    print('after')\n    return {}\n"
        "answer = asyncio.run(telling('0' * 16, job()))\n"
        "print([event for _, event in answer['events']])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    plain = [line for line in done.stdout.splitlines() if "@FJ1" not in line]
    assert plain[0] == "of the child"
    assert "of the child" not in plain[1]
    assert "before" in plain[1]
    assert "after" in plain[1]


def test_a_large_result_leaves_the_events_to_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    async def answer() -> dict[str, Any]:
        print("tea")
        return {"result": "x" * 17_000_000}

    told = run(telling(RUNS["tea"], answer()))
    assert (told["events"], told["events_total"]) == ([], 2)
    assert '"text":"tea\\n"' in capfd.readouterr().out


def test_a_task_that_outlives_its_job_prints_and_flushes_to_the_log() -> None:
    class Below(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    below = Below()
    stream = Attributed("stdout", below)

    async def outlive() -> None:
        answered, late = asyncio.Event(), list[asyncio.Task[None]]()

        async def tell() -> None:
            await answered.wait()
            print("late", file=stream, flush=True)

        async def answer() -> dict[str, Any]:
            late.append(asyncio.ensure_future(tell()))
            return {}

        await telling(RUNS["tea"], answer())
        answered.set()
        await late[0]

    asyncio.run(outlive())
    assert (below.getvalue(), below.flushed) == ("late\n", 1)
