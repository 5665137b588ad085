"""What the answers look like: JSON of endpoints, workers, jobs and the embedded Runpod; `rest-api.yml` describes it.

Only named fields are answered, so that no key and no source of a cell gets to the browser by accident.
"""

from __future__ import annotations

from typing import Any

from flash_jupyter.quantities import read_time
from flash_jupyter.session.endpoints import EndpointEntry, Sight
from flash_jupyter.session.handlers import DEPLOYED, SHARED
from flash_jupyter.session.local import LocalInfo
from flash_jupyter.session.records import JobRecord
from flash_jupyter.wire.control import Worker


def endpoint_document(entry: EndpointEntry, sight: Sight, billed: int) -> dict[str, Any]:
    """Return an endpoint as a listing with `--json` has it, and its counts; `billed` workers cost money now.

    `usd_per_hour_now` is None where workers are billed whose price nobody says.
    """
    health, price = sight.health, entry.view.usd_per_hour
    return {
        **entry.to_json(),
        "type": sight.endpoint.type,
        "worker_counts": health.workers.model_dump(exclude={"ready"}) if health else None,
        "job_counts": {"queued": health.jobs.in_queue, "running": health.jobs.in_progress} if health else None,
        "billed_workers": billed,
        "usd_per_hour_now": 0.0 if not billed else None if price is None else round(price * billed, 4),
    }


def worker_document(worker: Worker) -> dict[str, Any]:
    """Return a worker."""
    return {
        "id": worker.id,
        "state": worker.status.value,
        "is_stale": worker.is_stale,
        "gpu": worker.gpu_type,
        "data_center": worker.data_center,
        "uptime_s": worker.uptime_s,
    }


def job_document(job: JobRecord) -> dict[str, Any]:
    """Return a job as a listing with `--json` has it; `seconds` is from its sending to its end."""
    began, ended = read_time(job.created_at), read_time(job.finished_at or "")
    return {
        **job.to_json(),
        "kind": DEPLOYED if job.kind in SHARED else job.kind,
        "worker_id": job.worker_id,
        "error": job.error,
        "is_open": not job.state.is_final,
        "seconds": round((ended - began).total_seconds(), 3) if began and ended else None,
    }


def local_document(info: LocalInfo | None) -> dict[str, Any]:
    """Return whether the embedded Runpod runs, and where; not its key."""
    if info is None:
        return {"running": False, "url": None, "pid": None, "version": None, "started_at": None}
    return {
        "running": True,
        "url": info.url,
        "pid": info.pid,
        "version": info.version,
        "started_at": info.started_at,
    }
