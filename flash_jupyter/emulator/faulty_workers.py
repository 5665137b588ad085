"""What a worker fault does: the worker is listed, in the state and with the log lines that the platform would show.

A throttled, pulling or unhealthy worker has no process yet; one in a crash loop has a real one, which ends again. When
the fault is over, the worker goes its usual way.
"""

from __future__ import annotations

import shlex

from flash_jupyter.emulator.faults import Fault
from flash_jupyter.emulator.fleet import Fleet
from flash_jupyter.emulator.world import Endpoint, Worker, World
from flash_jupyter.states import WorkerState

_CRASH = "raise RuntimeError('crash-loop: the handler can not be imported')"


class FaultyWorkers:
    """Leads workers through their fault."""

    def __init__(self, world: World, fleet: Fleet) -> None:
        self._world, self._fleet = world, fleet
        self._begin = {
            "throttled": self._throttle,
            "no-stock": self._throttle,
            "slow-pull": self._pull,
            "unhealthy": self._sicken,
            "crash-loop": self._crash,
        }

    def start(self, endpoint: Endpoint) -> None:
        """Start a worker, with the fault that hits it if one does."""
        fault = self._world.faults.of_new_worker(endpoint.id, hardware_of(endpoint))
        if fault is None:
            self._fleet.start(endpoint)
        elif fault.kind.name in self._begin:
            worker = self._fleet.hold(endpoint, fault)
            self._begin[fault.kind.name](endpoint, worker)

    def look(self, worker: Worker, now: float) -> None:
        """Lead a worker with a fault one step on: it tells its progress, crashes again, or its fault is over."""
        fault, endpoint = worker.fault, self._world.endpoints.get(worker.endpoint_id)
        if fault is None or endpoint is None:
            return
        waited_s = now - worker.fault_since
        if fault.kind.name == "crash-loop" and worker.state is not WorkerState.UNHEALTHY:
            return  # its process runs
        if fault.cleared or (fault.seconds is not None and waited_s >= fault.seconds):
            self._go_on(endpoint, worker, fault)
        elif fault.kind.name == "slow-pull":
            self._tell_pull(endpoint, worker, int(10 * waited_s / (fault.seconds or 1)) * 10)

    def _go_on(self, endpoint: Endpoint, worker: Worker, fault: Fault) -> None:
        if worker.state is WorkerState.UNHEALTHY:
            worker.advance("restart")
        elif worker.state is WorkerState.THROTTLED:
            worker.advance("place")
        if fault.kind.name == "crash-loop" and not fault.cleared:
            self._crash(endpoint, worker)
            return
        if fault.kind.name == "slow-pull":
            worker.log.system(f"image {endpoint.document['image']} is pulled")
        worker.fault = None
        self._fleet.launch(endpoint, worker)

    def _throttle(self, endpoint: Endpoint, worker: Worker) -> None:
        sold_out = worker.fault is not None and worker.fault.kind.name == "no-stock"
        wanted = ", ".join(hardware_of(endpoint))
        why = f"{wanted} is sold out" if sold_out else "no machine is free"
        worker.advance("throttle")
        worker.log.system(f"worker {worker.id} is throttled: {why}; it starts when one is")

    def _pull(self, endpoint: Endpoint, worker: Worker) -> None:
        self._tell_pull(endpoint, worker, 0)

    def _tell_pull(self, endpoint: Endpoint, worker: Worker, percent: int) -> None:
        if percent > worker.pulled_percent:
            worker.pulled_percent = percent
            worker.log.system(f"pulling image {endpoint.document['image']}: {percent} %")

    def _sicken(self, _: Endpoint, worker: Worker) -> None:
        worker.advance("sicken")
        worker.log.system(f"worker {worker.id} is unhealthy: gpu_test: the machine failed its check")

    def _crash(self, endpoint: Endpoint, worker: Worker) -> None:
        command = [self._world.config.python, "-c", _CRASH]
        self._fleet.launch(endpoint, worker, args=shlex.join(command))


def hardware_of(endpoint: Endpoint) -> list[str]:
    """Return the ids of the endpoint's GPU pools or CPU flavours."""
    document = endpoint.document
    return list(document["gpu"]["pools"]) if "gpu" in document else [cpu["id"] for cpu in document["cpu"]]
