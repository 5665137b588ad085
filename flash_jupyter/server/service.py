"""What the routes do, on both Runpods: the same functions as `%flash` and the command line call.

It is used on the server's loop and never blocks it: what speaks to a Runpod is on the session's loop thread, files and
SQLite on threads. It keeps nothing: what it says is what a backend and the store of jobs say now.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from flash_jupyter._version import __version__
from flash_jupyter.deploy.returning import said_of_return
from flash_jupyter.errors import FlashError, OptionError
from flash_jupyter.resources.endpoint import OWNER
from flash_jupyter.server.documents import endpoint_document, job_document, local_document, worker_document
from flash_jupyter.server.errors import document_of
from flash_jupyter.session.bill import read_bill
from flash_jupyter.session.cost import billed_workers
from flash_jupyter.session.endpoints import (
    Sight,
    endpoint_view,
    entries,
    look_at_endpoints,
    purge_queue,
    undeploy,
    undeploy_all,
)
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.live_logs import Piece, across, follow_endpoint
from flash_jupyter.session.local import local_info, running_local, start_local, stop_local
from flash_jupyter.session.logs import FileTail
from flash_jupyter.session.records import JobRecord
from flash_jupyter.session.session import Session
from flash_jupyter.settings import BackendName, Settings
from flash_jupyter.transport.http import ONCE

T = TypeVar("T")
BACKENDS: tuple[BackendName, ...] = ("local", "runpod")
#: between two looks at the file of a job that is followed, in seconds
LOOK_S = 0.3
#: what one round of the collector may wait for the platform, in seconds
ROUND_S = 30.0


class Service:
    """What can be asked of one user's Runpods. Never starts the embedded one but where that is what is asked for.

    `links` is a seam for tests.
    """

    def __init__(self, settings: Settings, threads: ThreadPoolExecutor, *, links: Links | None = None) -> None:
        self.settings, self._threads = settings, threads
        self._session = Session(settings, links=links or Links(settings, open_local=running_local))

    def close(self) -> None:
        """End threads and connections; blocks."""
        self._session.close()

    async def about(self) -> dict[str, Any]:
        """Return the version, whose endpoints count as the user's, and which Runpods can be asked; no network."""
        backends = [{"name": name, "state": await self._state(name)} for name in BACKENDS]
        return {
            "version": __version__,
            "owner": self.settings.owner,
            "backend": self.settings.backend,
            "key_origin": self.settings.key_origin,
            "backends": backends,
        }

    # --- endpoints ------------------------------------------------------------------------------------------------

    async def endpoints(self) -> dict[str, Any]:
        """Return the endpoints of both Runpods, each with its newest job's notebook, and what all cost an hour."""
        found = await asyncio.gather(*(self._ask(name, partial(look_at_endpoints, retry=ONCE)) for name in BACKENDS))
        jobs, now = await self._aside(partial(self._session.jobs, of_scratch=True)), datetime.now(timezone.utc)
        documents = [
            document
            for status, seen in found
            for document in self._endpoint_documents(status["name"], seen or [], jobs, now)
        ]
        return {
            "at": now.isoformat(),
            "backends": [status for status, _ in found],
            "endpoints": documents,
            "usd_per_hour": round(sum(each["usd_per_hour_now"] or 0.0 for each in documents), 4),
            "billed_workers": sum(each["billed_workers"] for each in documents),
        }

    def _endpoint_documents(
        self, backend: BackendName, seen: list[Sight], jobs: list[JobRecord], now: datetime
    ) -> list[dict[str, Any]]:
        views = [endpoint_view(each.endpoint, backend, each.health) for each in seen]
        listed = entries(views, jobs, owner=self.settings.owner, now=now)
        is_billed = backend == "runpod"
        return [
            endpoint_document(entry, each, billed_workers(each.endpoint, each.health) if is_billed else 0)
            for entry, each in zip(listed, seen, strict=True)
        ]

    async def workers(self, backend: BackendName, endpoint_id: str) -> list[dict[str, Any]]:
        """Return the workers of an endpoint; raises `NotFoundError`."""
        link = await self._link(backend)
        return [worker_document(worker) for worker in await self._there(link.control.workers(endpoint_id))]

    async def undeploy(self, backend: BackendName, endpoint_id: str) -> dict[str, Any]:
        """Delete an endpoint; returns the names that a listing no longer shows, and a note on what comes back."""
        link = await self._link(backend)
        note = await self._there(said_of_return(link, lambda each: endpoint_id in (each.id, each.name)))
        return _deleted(await self._there(undeploy(link, endpoint_id)), note)

    async def undeploy_all(self, backend: BackendName) -> dict[str, Any]:
        """Delete this user's endpoints; none where the embedded Runpod does not run."""
        if await self._state(backend) == "asleep":
            return _deleted([])
        link, owner = await self._link(backend), self.settings.owner
        note = await self._there(said_of_return(link, lambda each: each.env.get(OWNER) == owner))
        return _deleted(await self._there(undeploy_all(link, owner)), note)

    async def purge(self, backend: BackendName, endpoint_id: str) -> int:
        """Take the waiting jobs out of an endpoint's queue; returns how many."""
        return await self._there(purge_queue(await self._link(backend), endpoint_id))

    # --- jobs -----------------------------------------------------------------------------------------------------

    async def jobs(self, limit: int) -> list[dict[str, Any]]:
        """Return the jobs of this machine, newest first."""
        return [job_document(job) for job in (await self._aside(self._session.jobs))[:limit]]

    async def job(self, job_id: str) -> dict[str, Any]:
        """Return one job."""
        return job_document(await self._record(job_id))

    async def cancel(self, job_id: str) -> dict[str, Any]:
        """Stop a job; returns how that ended, as `flash cancel` prints it."""
        record = await self._record(job_id)
        ended = await self._aside(partial(self._session.cancel, record.id, by="a Jupyter page"))
        return ended.to_json()

    async def bring_home(self, jobs: list[JobRecord]) -> None:
        """Look where jobs are that nobody follows, and store the results of those that are over."""
        await self._aside(partial(self._session.look_after, jobs, ROUND_S))

    # --- money ----------------------------------------------------------------------------------------------------

    async def costs(self, days: int) -> dict[str, Any]:
        """Return the bills of the last days; each a `Bill`, or None where the Runpod was not asked, or did not say."""
        found = await asyncio.gather(*(self._ask(name, partial(read_bill, days=days)) for name in BACKENDS))
        bills = [{**status, "bill": bill.to_json() if bill else None} for status, bill in found]
        return {"days": days, "backends": bills}

    # --- logs -----------------------------------------------------------------------------------------------------

    async def endpoint_log(
        self, backend: BackendName, endpoint_id: str, tail: int
    ) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        """Return what the workers of an endpoint say, as it comes; raises `NotFoundError` before it begins."""
        link = await self._link(backend)
        await self._there(link.control.get(endpoint_id))
        return self._said(follow_endpoint(link, endpoint_id, tail=tail))

    async def _said(self, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        coming = across(self._session.loop, pieces)
        try:
            async for piece in coming:
                yield "log", {"worker_id": piece.worker_id, "text": piece.text}
        finally:
            await coming.aclose()
        yield "end", {"state": "deleted", "error": None}

    async def job_log(self, job_id: str) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        """Return what a job printed and prints; raises `OptionError` before it begins."""
        return self._job_said(await self._record(job_id))

    async def _job_said(self, job: JobRecord) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        path = Path(job.events_log) if job.events_log else self.settings.home / "logs" / f"{job.id}.log"
        file = FileTail(path)
        while True:
            job = await self._aside(partial(self._session.job, job.id))  # before the file: its end is there then
            while text := await self._aside(file.read):
                yield "log", {"worker_id": "", "text": text}
            if job.state.is_final:
                break
            await asyncio.sleep(LOOK_S)
        yield "end", {"state": job.state.value, "error": job.error}

    # --- the embedded Runpod --------------------------------------------------------------------------------------

    async def local(self) -> dict[str, Any]:
        """Return whether the embedded Runpod runs, and where."""
        return local_document(await self._aside(partial(local_info, self.settings)))

    async def start_local(self) -> dict[str, Any]:
        """Start the embedded Runpod, or say where it runs."""
        return local_document(await self._aside(partial(start_local, self.settings)))

    async def stop_local(self) -> bool:
        """End the embedded Runpod and its workers; False when none runs."""
        return await self._aside(partial(stop_local, self.settings))

    # --- where things are done ------------------------------------------------------------------------------------

    async def _record(self, job_id: str) -> JobRecord:
        """Find a job by its whole id, ours or the platform's: what begins so is not meant here."""
        record = await self._aside(partial(self._session.job, job_id))
        if job_id not in (record.id, record.platform_id):
            raise OptionError(f"there is no job {job_id}", fix="write the whole id")
        return record

    async def _state(self, name: BackendName) -> str:
        """Say whether a Runpod can be asked; no network."""
        if name == "runpod":
            return "ready" if self.settings.api_key else "no key"
        return "ready" if await self._aside(partial(local_info, self.settings)) else "asleep"

    async def _ask(
        self, name: BackendName, work: Callable[[Link], Coroutine[Any, Any, T]]
    ) -> tuple[dict[str, Any], T | None]:
        """Ask one Runpod, where it can be asked; its error is part of the answer, beside what the other says."""
        status: dict[str, Any] = {"name": name, "state": await self._state(name), "error": None}
        if status["state"] != "ready":
            return status, None
        try:
            return status, await self._there(work(await self._link(name)))
        except FlashError as error:
            return {**status, "state": "failed", "error": document_of(error)}, None

    async def _link(self, name: BackendName) -> Link:
        return await self._aside(partial(self._session.links.open, name))

    async def _there(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Wait for what is done on the session's loop thread."""
        return await asyncio.wrap_future(self._session.loop.submit(coroutine))

    async def _aside(self, work: Callable[[], T]) -> T:
        """Wait for what blocks a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _deleted(names: list[str], note: str = "") -> dict[str, Any]:
    return {"deleted": names, **({"note": note} if note else {})}
