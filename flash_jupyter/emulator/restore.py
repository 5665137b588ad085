"""What a new server does with what the last one left: nothing accepted is lost, nothing runs twice."""

from __future__ import annotations

from collections import defaultdict

from flash_jupyter.emulator.dispatch import Dispatcher
from flash_jupyter.emulator.endpoints import Endpoints
from flash_jupyter.emulator.fleet import Fleet
from flash_jupyter.emulator.jobs import Job, webhook_of
from flash_jupyter.emulator.world import World
from flash_jupyter.states import JobState


def restore(world: World, endpoints: Endpoints, dispatcher: Dispatcher, fleet: Fleet) -> None:
    """Put endpoints and jobs back, adopt the workers that live, and fail the jobs of those that do not."""
    for row in world.store.endpoints.all():
        endpoints.restore(row)
    running = _restore_jobs(world, dispatcher)
    same_url = world.store.meta("workers_url") == world.base_url  # else the workers do not find us
    for worker in world.store.workers():
        endpoint = world.endpoints.get(worker.endpoint_id)
        if endpoint is None or not same_url:
            fleet.end_stray(worker)
        else:
            fleet.adopt(endpoint, worker, running.pop(worker.id, []))
    world.store.set_meta("workers_url", world.base_url)
    for worker_id, jobs in running.items():
        for job in jobs:
            dispatcher.fail(job, f"worker lost: {worker_id}: it ended before the embedded Runpod was started anew")


def _restore_jobs(world: World, dispatcher: Dispatcher) -> dict[str, list[Job]]:
    """Return the running jobs by worker."""
    running: defaultdict[str, list[Job]] = defaultdict(list)
    for job in world.store.jobs():
        endpoint = world.endpoints.get(job.endpoint_id)
        if endpoint is None:
            world.store.delete_job(job.id)
            continue
        world.jobs[job.id] = job
        endpoint.completed += job.state is JobState.COMPLETED
        endpoint.failed += job.state in (JobState.FAILED, JobState.TIMED_OUT)
        endpoint.retried += job.retries
        if not job.state.is_final:
            job.webhook = webhook_of(dispatcher.order_of(job))
        if job.state is JobState.IN_QUEUE:
            endpoint.enqueue(job)
        elif job.state is JobState.IN_PROGRESS:
            running[job.worker_id].append(job)
    return running
