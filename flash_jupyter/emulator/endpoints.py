"""Endpoints: made, changed, deleted, and shown as REST v2 shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flash_jupyter.emulator.dispatch import Dispatcher
from flash_jupyter.emulator.documents import HIDDEN, changed_fields, create_document, patch_document, scaling_of
from flash_jupyter.emulator.fault_rules import name_error
from flash_jupyter.emulator.fleet import Fleet
from flash_jupyter.emulator.logs import show_time
from flash_jupyter.emulator.machine import health_path
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.tables import EndpointRow, Resource, new_id
from flash_jupyter.emulator.templates import Templates, applied, container_settings
from flash_jupyter.emulator.volumes import Volumes, check_data_centers
from flash_jupyter.emulator.world import Endpoint, NoWorker, Worker, World
from flash_jupyter.states import WorkerState


class Endpoints:
    """The life of endpoints."""

    def __init__(
        self, world: World, dispatcher: Dispatcher, fleet: Fleet, templates: Templates, volumes: Volumes
    ) -> None:
        self._world, self._dispatcher, self._fleet = world, dispatcher, fleet
        self._templates, self._volumes = templates, volumes

    def create(self, body: Mapping[str, Any]) -> Endpoint:
        """Make an endpoint from a checked body; raises `Problem`."""
        if "templateId" in body:
            body = applied(self._templates.find(body["templateId"]), body, seed_cuda=True)
        return self.add(create_document(body))

    def add(self, document: dict[str, Any]) -> Endpoint:
        """Make an endpoint of a whole document; raises `Problem` for unknown places, or where a fault forbids it."""
        refusal = self._world.faults.refusal(document["name"])
        if refusal is not None:
            raise Problem(*refusal)
        self._check_places(document)
        now = self._world.clock()
        row = EndpointRow(new_id(), now, 1, document, [_release(1, now, [])])
        endpoint = self.restore(row)
        self._world.store.endpoints.put(row)
        self._world.wake.set()
        return endpoint

    def restore(self, row: EndpointRow) -> Endpoint:
        """Put a stored endpoint into the world."""
        scaling = scaling_of(row.document, row.version)
        endpoint = Endpoint(row.id, row.document, row.version, row.created_at, row.releases, scaling)
        self._world.endpoints[row.id] = endpoint
        self._world.faults.know(row.id, row.document["name"])
        return endpoint

    def patch(self, endpoint: Endpoint, body: Mapping[str, Any]) -> None:
        """Change what is in a checked body; raises `Problem`."""
        if body.get("templateId"):
            body = applied(self._templates.find(body["templateId"]), body, seed_cuda=False)
        self.change(endpoint, patch_document(endpoint.document, body))

    def change(self, endpoint: Endpoint, document: dict[str, Any]) -> None:
        """Give an endpoint a new document; what workers are made of makes a new release, and replaces them.

        Raises `Problem` for a name with a fault in it that there is not, and for places that do not exist.
        """
        bad_name = name_error(document["name"])
        if bad_name is not None:
            raise Problem(400, bad_name)
        if any(document[name] != endpoint.document[name] for name in ("networkVolumes", "dataCenterIds")):
            self._check_places(document)
        diff = changed_fields(endpoint.document, document)
        if diff:
            endpoint.version += 1
            endpoint.releases.insert(0, _release(endpoint.version, self._world.clock(), diff))
        endpoint.document = document
        self._world.faults.know(endpoint.id, document["name"])
        endpoint.scaling = scaling_of(document, endpoint.version)
        self._world.store.endpoints.put(endpoint.row())
        self._world.wake.set()

    def _check_places(self, document: Mapping[str, Any]) -> None:
        check_data_centers(document["dataCenterIds"])
        self._volumes.check_attachable(document["networkVolumes"], document["dataCenterIds"])

    def follow(self, template: Resource) -> None:
        """Take a changed template's settings over into the endpoints that are bound to it."""
        for endpoint_id in self._templates.bound_to(template.id):
            self.patch(self._world.endpoint(endpoint_id), container_settings(template))

    def using_volume(self, volume_id: str) -> list[str]:
        """Return the ids of the endpoints that have a network volume."""
        endpoints = self._world.endpoints.values()
        return [endpoint.id for endpoint in endpoints if volume_id in endpoint.document["networkVolumes"]]

    def delete(self, endpoint: Endpoint) -> None:
        """Delete an endpoint and its bound template: its jobs are cancelled, its workers ended, its logs removed."""
        jobs = [job for job in self._world.jobs.values() if job.endpoint_id == endpoint.id]
        for poll in endpoint.polls:
            poll.release()
        for waiter in endpoint.waiters:
            waiter.refuse(NoWorker(404, f"endpoint {endpoint.id} was deleted"))
        with self._world.store.transaction():
            for job in jobs:
                self._dispatcher.cancel(job)
                self._dispatcher.forget(job)
            self._world.store.endpoints.delete(endpoint.row())
            self._templates.release(endpoint.id)
        del self._world.endpoints[endpoint.id]
        self._world.faults.forget(endpoint.id)
        for worker in list(endpoint.workers.values()):
            self._fleet.end(worker, "its endpoint was deleted")
        for worker_id, (owner, log) in list(self._world.logs.items()):
            if owner == endpoint.id and log.ended:
                log.remove()
                del self._world.logs[worker_id]

    def show(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return `Endpoint` of the REST v2 document."""
        document = {name: value for name, value in endpoint.document.items() if name not in HIDDEN}
        return {
            "id": endpoint.id,
            "name": document.pop("name"),
            "type": document.pop("type"),
            "requestUrls": request_urls(self._world.base_url, endpoint),
            **document,
            "createdAt": show_time(endpoint.created_at),
        }

    def show_workers(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return `ListEndpointWorkersResponse`."""
        workers = [self._show_worker(endpoint, worker) for worker in endpoint.workers.values()]
        counts = {state.value.lower(): 0 for state in WorkerState}
        for worker in workers:
            counts[worker["status"].lower()] += 1
        return {
            "endpointVersion": endpoint.version,
            "summary": {**counts, "total": len(workers)},
            "workers": workers,
        }

    def _show_worker(self, endpoint: Endpoint, worker: Worker) -> dict[str, Any]:
        gpu: Mapping[str, Any] = endpoint.document.get("gpu") or {"count": 0}
        return {
            "id": worker.id,
            "status": worker.state.value,
            "isStale": worker.version != endpoint.version,
            "version": worker.version,
            "gpuCount": gpu["count"],
            "image": endpoint.document["image"],
            "uptimeSeconds": max(0, int(self._world.clock() - worker.started_at)),
            "gpuTypeId": None,  # it runs on what the machine has, without pretending
            "dataCenterId": None,
            "startedAt": show_time(worker.started_at),
        }

    def show_releases(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return `ListEndpointReleasesResponse`."""
        versions = [worker.version for worker in endpoint.workers.values()]
        latest = versions.count(endpoint.version)
        return {
            "endpointVersion": endpoint.version,
            "rollout": {
                "inProgress": latest < len(versions),
                "workersOnLatest": latest,
                "workersTotal": len(versions),
                "percentOnLatest": round(100 * latest / len(versions)) if versions else 0,
            },
            "releases": [
                {**release, "workerCount": versions.count(release["version"])} for release in endpoint.releases
            ],
        }

    def health(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return what `/health` answers, with all keys that the released clients require (flash-wire.md 3.1)."""
        return {
            "jobs": {
                "completed": endpoint.completed,
                "failed": endpoint.failed,
                "inProgress": endpoint.running_jobs,
                "inQueue": endpoint.queued,
                "retried": endpoint.retried,
            },
            "workers": _count_workers(endpoint),
        }

    def metrics(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return what `/metrics` answers: the ids of workers that take jobs, and the counts (flash-wire.md 3.1)."""
        ready = [worker.id for worker in endpoint.workers.values() if worker.state.can_take_jobs]
        return {"readyWorkers": ready, "workers": _count_workers(endpoint)}

    def requests(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return what `/requests` answers. The platform's form is not documented: ours is the jobs that are known,
        newest first, each with its id, its status, and the worker that has or had it.
        """
        jobs = [job for job in self._world.jobs.values() if job.endpoint_id == endpoint.id]
        rows = [{"id": job.id, "status": job.state.value, "workerId": job.worker_id} for job in reversed(jobs)]
        return {"requests": rows}


def _count_workers(endpoint: Endpoint) -> dict[str, int]:
    states = [worker.state for worker in endpoint.workers.values()]
    counts = {state.value.lower(): states.count(state) for state in WorkerState}
    return {**counts, "ready": counts["idle"]}


def _release(version: int, at: float, diff: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": new_id(8),
        "version": version,
        "source": "MANUAL",
        "buildId": None,
        "createdByUserId": None,
        "createdAt": show_time(at),
        "diff": diff,
    }


def request_urls(origin: str, endpoint: Endpoint) -> dict[str, str]:
    """Return `EndpointRequestUrls`. A load balancer has a path here, not a host name of its own as on the platform."""
    if endpoint.is_balancer:
        base = f"{origin}/lb/{endpoint.id}"
        return {"base": base, "health": base + health_path(endpoint.document["env"])}
    base = f"{origin}/v2/{endpoint.id}"
    return {
        "run": f"{base}/run",
        "runSync": f"{base}/runsync",
        "status": f"{base}/status/{{job_id}}",
        "stream": f"{base}/stream/{{job_id}}",
        "cancel": f"{base}/cancel/{{job_id}}",
        "retry": f"{base}/retry/{{job_id}}",
        "purgeQueue": f"{base}/purge-queue",
        "health": f"{base}/health",
    }
