"""What a type checker says of a user's program: parameters are checked, results have their types."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """\
import asyncio

from flash_jupyter import CpuLiveServerless, LiveLoadBalancer, remote


@remote
def bare(x: int, *, times: int = 1) -> list[int]:
    return [x] * times


@remote(CpuLiveServerless(name="scorer"), dependencies=["numpy"])
async def score(batch: list[float]) -> float:
    return sum(batch)


@remote(LiveLoadBalancer(name="api"), method="POST", path="/add")
async def add(a: int, b: int) -> int:
    return a + b


class Counter:
    def __init__(self, start: int) -> None:
        self.n = start

    def add(self, k: int) -> int:
        self.n += k
        return self.n


RemoteCounter = remote()(Counter)  # mypy takes no notice of what stands above a class


async def main() -> None:
    reveal_type(await score([1.0]))
    reveal_type((await score([1.0])).output)
    reveal_type(await add(1, b=2))
    reveal_type(await RemoteCounter(1).add(2))


reveal_type(bare.remote(1, times=2).result())
reveal_type(bare.spawn(1).result())
reveal_type(bare.map([1, 2]))
reveal_type(bare.options(timeout=5).remote(1).output)
bare.remote("one")
bare.remote(1, tims=2)
asyncio.run(main())
"""
SAID = [
    'note: Revealed type is "JobOutput[float]"',
    'note: Revealed type is "float"',
    'note: Revealed type is "int"',
    'note: Revealed type is "JobOutput[Any]"',
    'note: Revealed type is "list[int]"',
    'note: Revealed type is "list[int]"',
    'note: Revealed type is "list[JobOutput[list[int]]]"',
    'note: Revealed type is "list[int]"',
    'error: Argument 1 to "remote" of "RemoteCallable" has incompatible type "str"; expected "int"  [arg-type]',
    'error: Unexpected keyword argument "tims" for "remote" of "RemoteCallable"; did you mean "times"?  [call-arg]',
]


@pytest.mark.slow
def test_a_users_program_is_fully_typed(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = [
        re.sub(r"^program.py:\d+: |flash_jupyter\.decorator\.output\.|builtins\.", "", line)
        for line in done.stdout.splitlines()
    ]
    assert [line for line in lines if " defined " not in line] == SAID, done.stdout + done.stderr
