"""Jobs that nobody waits for, and what their kernel knows of them."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from flash_jupyter.capsule import Sender
from flash_jupyter.session.running import Finished, Runner
from flash_jupyter.settings import BackendName


@dataclass(frozen=True)
class JobHandle:
    """A job that runs by itself: its id is what `attach` and `cancel` take."""

    id: str
    endpoint: str
    backend: BackendName

    def __str__(self) -> str:
        return f"job {self.id} on {self.endpoint} ({self.backend}); see it with %flash attach {self.id}"


@dataclass(frozen=True)
class Detached:
    """A job of this kernel that nobody waits for; its sender still knows the objects that travelled."""

    runner: Runner
    future: Future[Finished]
    sender: Sender
