"""Projects for the build, made by hand: what `read_project` returns of some files."""

from __future__ import annotations

from pathlib import Path

from flash_jupyter.build.manifest import Function
from flash_jupyter.build.project import Export, Project
from flash_jupyter.resources.classes import CpuLiveLoadBalancer, CpuLiveServerless
from flash_jupyter.resources.model import Resource

MODEL = """\
from flash_jupyter import CpuLiveServerless, remote

config = CpuLiveServerless(name="numbers", workersMax=2)


@remote(config)
def double(x: float) -> float:
    return 2 * x


@remote(config)
async def quadruple(x: float) -> float:
    first = await double(x)
    second = await double(first)
    return second.output


@remote(config)
class Counter:
    def __init__(self, start: int = 0) -> None:
        self.value = start

    def add(self, step: int = 1) -> int:
        self.value += step
        return self.value

    def read(self) -> int:
        return self.value
"""
WEB = """\
from runpod_flash import CpuLiveLoadBalancer, remote

import model


@remote(CpuLiveLoadBalancer(name="web"), method="POST", path="/price")
async def price(amount: float, currency: str = "EUR") -> str:
    return f"{amount:.2f} {currency}"


@remote(CpuLiveLoadBalancer(name="web"), method="GET", path="/items/{number}")
def item(number: int, full: bool = False) -> dict:
    return {"number": number, "full": full}


@remote(CpuLiveLoadBalancer(name="web"), method="POST", path="/both")
async def both(x: float) -> float:
    return 2 * x
"""
#: the same, with a call of what the other resource serves
CALLING_WEB = WEB.replace("return 2 * x", "return (await model.double(x)).output")


def shop(root: Path) -> Project:
    """Two functions and a class on one queue, three routes on a load balancer."""
    queue, web = CpuLiveServerless(name="numbers", workersMax=2), CpuLiveLoadBalancer(name="web")
    exports = (
        export("double", "model", queue),
        export("quadruple", "model", queue, is_async=True),
        export("Counter", "model", queue, is_class=True, class_methods=["add", "read"]),
        export("price", "web", web, is_async=True, http_method="POST", http_path="/price"),
        export("item", "web", web, http_method="GET", http_path="/items/{number}"),
        export("both", "web", web, is_async=True, http_method="POST", http_path="/both"),
    )
    return Project("shop", root, exports, {"model.py": MODEL.encode(), "web.py": WEB.encode()})


def export(name: str, module: str, resource: Resource, where: str = "", **more: object) -> Export:
    function = Function.model_validate({"name": name, "module": module, **more})
    return Export(function, resource, where or f"{module}.py")
