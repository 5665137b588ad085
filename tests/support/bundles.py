"""A bundle made by hand: a queue resource, a load balancer, and on demand one that can't be imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from artifacts import archive

from flash_jupyter.build.manifest import Function, Manifest, Resource, make_manifest
from flash_jupyter.build.project import fingerprint
from flash_jupyter.worker import handler

WORKER = Path(str(handler.__file__)).parent
#: the handler's module and what it imports of ours
HANDLER = ("handler", "prints", "output")
PYTHON = "3.11"
IMAGE = "runpod/flash-cpu:latest"

QUEUE = """
import runpod
from flash_jupyter.worker.handler import create_handler
from prices import Basket, total

FUNCTION_REGISTRY = {"total": total, "Basket": Basket}
handler = create_handler(FUNCTION_REGISTRY)

if __name__ == "__main__":
    runpod.serverless.start({"handler": handler})
"""
BALANCER = """
from fastapi import FastAPI
from prices import PRICES

app = FastAPI()


@app.get("/ping")
def ping():
    return {"status": "healthy"}


@app.get("/prices/{item}")
def price(item: str, count: int = 1):
    return {"total": PRICES[item] * count}
"""
PRICES = """
PRICES = {"tea": 2.5, "cake": 4.0}


def total(*, items=None, discount=0.0):
    return sum(PRICES[item] for item in items or ["tea"]) * (1 - discount)


class Basket:
    def __init__(self):
        self.items = []

    def add(self, item="tea"):
        self.items.append(item)
        return len(self.items)
"""


def schema(**inputs: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"default": value} for name, value in inputs.items()},
        "required": [],
    }


def hand_made(
    folder: Path, python: str, *, broken: bool = False, tea: float = 2.5, without: str = "", **config: Any
) -> tuple[Path, Manifest]:
    """Return the archive and the manifest of a bundle: at another price, without a resource, with another `till`."""
    total = Function(name="total", module="prices", input_schema=schema(items=["tea"], discount=0.0))
    basket = Function(name="Basket", module="prices", is_class=True, class_methods=["add"])
    price = Function(name="price", module="prices", http_method="GET", http_path="/prices/{item}")
    resources = {
        "till": Resource(resource_type="CpuLiveServerless", functions=[total, basket], imageName=IMAGE, config=config),
        "shop": Resource(
            resource_type="CpuLiveLoadBalancer", functions=[price], imageName=IMAGE, is_load_balanced=True
        ),
    }
    resources.pop(without, None)
    files = {
        "handler_till.py": "import sys\nimport nothing_like_it\n" if broken else QUEUE,
        "handler_shop.py": BALANCER,
        "prices.py": PRICES.replace("2.5", str(tea)),
        "flash_jupyter/__init__.py": "",
        "flash_jupyter/worker/__init__.py": "",
        **{f"flash_jupyter/worker/{each}.py": (WORKER / f"{each}.py").read_text("utf-8") for each in HANDLER},
    }
    print_of = fingerprint({name: text.encode() for name, text in files.items()})
    manifest = make_manifest("shop", python, resources, print_of)
    folder.mkdir(parents=True, exist_ok=True)
    return archive(folder / "artifact.tar.gz", {"flash_manifest.json": manifest.text(), **files}), manifest
