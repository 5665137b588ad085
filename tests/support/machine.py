"""What the machine's half of the embedded Runpod is given: its configuration, and the order of a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flash_jupyter.emulator.config import Config
from flash_jupyter.emulator.machine import WorkerOrder

#: an endpoint's document, as far as starting a worker reads it
DOCUMENT: dict[str, Any] = {
    "type": "QUEUE",
    "env": {},
    "args": "",
    "networkVolumes": [],
    "cpu": [{"id": "cpu3c", "memory": 4}],
}


def config(folder: Path, **environ: str) -> Config:
    return Config(folder=folder, overlays=folder / "overlays", version="1", environ={"PATH": "/bin", **environ})


def order(folder: Path, **document: Any) -> WorkerOrder:
    return WorkerOrder("w1", "ep1", {**DOCUMENT, **document}, "http://127.0.0.1:5", "key", folder / "w1.log")
