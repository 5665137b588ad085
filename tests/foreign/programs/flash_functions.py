"""Functions of the released `runpod-flash`; run in its environment as `python flash_functions.py STORY`.

Prints one JSON line for each thing that it saw. Addresses and key come from the environment, as `flash local env` says.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import io
import json
import sys
from pathlib import Path
from typing import Any

from runpod_flash import CpuLiveServerless, GpuGroup, LiveServerless, NetworkVolume, remote

cpu = CpuLiveServerless(name="functions")
gpu = LiveServerless(name="on-gpu", gpus=[GpuGroup.ADA_24])
with_volume = LiveServerless(name="with-volume", networkVolume=NetworkVolume(name="models", size=20))


def tell(what: str, seen: Any) -> None:
    print(json.dumps([what, seen]), flush=True)


@remote(resource_config=cpu)
async def add(a, b=2, *, c=0):
    return a + b + c


@remote(resource_config=cpu)
def subtract(a, b):
    return a - b


@remote(resource_config=cpu)
async def echo(value="nothing"):
    return value


@remote(resource_config=cpu)
async def describe(values):
    return [type(value).__name__ for value in values]


@remote(resource_config=cpu)
async def talk(name):
    import sys

    print("hello", name)
    print("a second line")
    print("aside", file=sys.stderr)
    return len(name)


@remote(resource_config=cpu)
async def divide(a, b):
    return a / b


@remote(resource_config=cpu)
async def leave():
    raise SystemExit(3)


@remote(resource_config=cpu)
async def lines():
    return (line for line in "ab")


@remote(resource_config=cpu, dependencies=["humanize==4.9.0"])
async def with_dependency(count):
    import humanize

    return [humanize.__version__, humanize.intcomma(count)]


@remote(resource_config=cpu, dependencies=["no-such-package-anywhere-at-all"])
async def with_impossible_dependency():
    return 1


@remote(resource_config=gpu)
async def where(x):
    import os

    return [x, os.environ["RUNPOD_ENDPOINT_ID"] != "", os.environ["RUNPOD_POD_ID"] != ""]


@remote(resource_config=cpu)
async def with_module(x):
    from helpers.numbers import twice

    return twice(x)


@remote(resource_config=gpu)
async def square(x):
    return x * x


@remote(resource_config=cpu)
async def square_and_add(x):
    return await square(x) + 1


@remote(resource_config=with_volume)
async def count_on_volume():
    import os
    from pathlib import Path

    file = Path(os.environ["RUNPOD_VOLUME_PATH"]) / "count"
    count = int(file.read_text()) + 1 if file.exists() else 1
    file.write_text(str(count))
    return count


async def arguments() -> None:
    tell("async, by position and name", [await add(1), await add(1, 3), await add(1, b=4, c=5)])
    tell("sync", await subtract(5, 3))
    tell("None alone is not sent", await echo(None))
    values = [1, 1.5, "ü", b"\0", None, (1,), {2}, {"k": [3]}, dt.date(2026, 1, 2), range(3), Path("a")]
    tell("types there", await describe(values))
    tell("values here", await echo(values) == values)


async def output() -> None:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        result = await talk("world")
    tell("result", result)
    # 1.21 writes `04:05:06 functions │ hello world`, and says there what it waits for
    lines = [line.rpartition("│ ")[2] for line in printed.getvalue().splitlines()]
    tell("printed", [line for line in lines if line in ("hello world", "a second line", "aside")])


async def failure(call: Any) -> list[str]:
    """The first line of the exception, and the last one of the traceback that it carries."""
    try:
        await call
    except Exception as error:
        return [type(error).__name__, str(error).splitlines()[0], str(error).strip().splitlines()[-1]]
    return []


async def errors() -> None:
    tell("division", await failure(divide(1, 0)))
    tell("exit", await failure(leave()))
    tell("a result that can't be pickled", await failure(lines()))
    tell("and the worker goes on", await divide(1, 4))


async def many() -> None:
    tell("sums", await asyncio.gather(*(add(number) for number in range(50))))


async def dependencies() -> None:
    tell("installed", await with_dependency(1234567))
    tell("not installed", (await failure(with_impossible_dependency()))[:2])
    tell("and the worker goes on", await add(1))


async def hardware() -> None:
    tell("on a GPU endpoint", await where(1))


async def volume() -> None:
    tell("what a file on the volume counts", [await count_on_volume(), await count_on_volume()])


async def modules() -> None:
    tell("a local module", await with_module(21))


async def stacked() -> None:
    tell("one endpoint calls another", await square_and_add(6))


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]]())
