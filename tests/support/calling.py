"""A project of six endpoints that call each other, and a hand on them while they are previewed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from flash_jupyter.build.asking import Served
from flash_jupyter.build.bundle import build
from flash_jupyter.build.preview import Preview
from flash_jupyter.session.local import local_info
from flash_jupyter.settings import Settings

#: three that are called, three that call: a queue, a queue of queues, a load balancer
PROJECT = """\
import os
import time
from pathlib import Path

from flash_jupyter import CpuLiveLoadBalancer, CpuLiveServerless, remote

cleaner = CpuLiveServerless(name="cleaner", workersMax=1)
shelf = CpuLiveServerless(name="shelf", workersMax=1)
prices = CpuLiveLoadBalancer(name="prices", workersMax=1)
scorer = CpuLiveServerless(name="scorer", workersMax=1)
boss = CpuLiveServerless(name="boss", workersMax=1)
shop = CpuLiveLoadBalancer(name="shop", workersMax=1)


class Refused(ValueError):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


@remote(cleaner)
async def clean(rows):
    return [row * 10 for row in rows if row is not None]


@remote(cleaner)
def refuse(what):
    raise Refused(7, f"no {what}")


@remote(cleaner)
def hang(note):
    with Path(note).open("a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(600)


@remote(shelf)
class Basket:
    def __init__(self, start):
        self.items = list(start)

    def add(self, item):
        self.items.append(item)
        return len(self.items)


@remote(prices, method="GET", path="/prices/{item}")
def price(item: str, count: int = 1):
    if item == "gold":
        raise Refused(9, "not sold here")
    return {"item": item, "total": 2.5 * count}


@remote(scorer)
async def score(rows):
    cleaned = await clean(rows)
    return {"total": sum(cleaned.output), "status": cleaned.status, "has_id": bool(cleaned.id)}


@remote(scorer)
def score_all(groups):
    return [sum(each.output) for each in clean.map(groups)]


@remote(scorer)
async def fill():
    basket = Basket(["tea"])
    first = await basket.add("cake")
    return [first.output, basket.add.remote("milk").output]


@remote(scorer)
async def ask_price(item, count):
    return await price(item, count=count)


@remote(scorer)
async def caught(where):
    try:
        if where == "route":
            await price("gold")
        else:
            (await refuse("tea")).result()
    except Refused as error:
        return {"code": error.code, "text": str(error), "below": "raise Refused(" in str(error.__cause__)}


@remote(scorer)
def not_caught():
    refuse.remote("tea").result()


@remote(scorer)
async def wait_for(note, seconds):
    return (await hang.options(timeout=seconds)(note)).output


@remote(scorer)
async def too_much():
    await clean("x" * 11_000_000)


@remote(boss)
async def order(rows):
    return await score(await clean(rows))


@remote(boss)
async def twice(rows):
    scored = await order(rows)
    return scored.output.output["total"] * 2


@remote(shop, method="GET", path="/totals/{n}")
async def total(n: int):
    return (await score(list(range(n)))).output


@remote(shop, method="GET", path="/refused")
async def refused():
    (await refuse("milk")).result()
"""


@dataclass
class Calling:
    """The endpoints of a preview by the names of their resources."""

    served: dict[str, Served]
    client: httpx.Client

    def ask(self, resource: str, function: str, **arguments: Any) -> dict[str, Any]:
        """Run a job as a caller over HTTP; returns its document when it is over."""
        url = self.served[resource].url
        job: dict[str, Any] = self.client.post(
            f"{url}/runsync?wait=90000", json={"input": {"function": function, **arguments}}
        ).json()
        while job["status"] in ("IN_QUEUE", "IN_PROGRESS"):
            job = self.client.get(f"{url}/status/{job['id']}").json()
        return job

    def start(self, resource: str, function: str, **arguments: Any) -> str:
        """Submit a job; returns its id."""
        url = self.served[resource].url
        return str(self.client.post(f"{url}/run", json={"input": {"function": function, **arguments}}).json()["id"])

    def ended(self, resource: str, job_id: str) -> dict[str, Any] | None:
        """Return a job's document if it is over."""
        found: dict[str, Any] = self.client.get(f"{self.served[resource].url}/status/{job_id}").json()
        return None if found["status"] in ("IN_QUEUE", "IN_PROGRESS") else found

    def get(self, resource: str, path: str) -> httpx.Response:
        """Ask a route."""
        return self.client.get(self.served[resource].url + path)


@contextmanager
def calling(settings: Settings, folder: Path) -> Iterator[Calling]:
    """Build the project in `folder` and preview it."""
    (folder / "trade.py").write_text(PROJECT)
    bundle = build(folder / "trade.py", settings=settings)
    with Preview(bundle.archive, bundle.manifest, settings) as preview:
        served = {each.name: each for each in preview.start()}
        info = local_info(settings)
        assert info is not None
        headers = {"Authorization": f"Bearer {info.api_key}"}
        with httpx.Client(headers=headers, timeout=150, trust_env=False) as client:
            yield Calling(served, client)
