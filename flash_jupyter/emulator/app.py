"""The embedded Runpod as an ASGI application; everything that it needs comes in through `create_app`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.emulator.admin_api import AccountApi, AdminApi, AdminClock
from flash_jupyter.emulator.apps import Apps, remove_previews
from flash_jupyter.emulator.artifacts import Artifacts, ArtifactsApi
from flash_jupyter.emulator.auth import Access, Keys, Lock, RequireKey
from flash_jupyter.emulator.balancer import Balancer, HealthChecks
from flash_jupyter.emulator.balancer_api import BalancerApi
from flash_jupyter.emulator.billing import BillingApi
from flash_jupyter.emulator.catalog_api import CatalogApi
from flash_jupyter.emulator.config import Config, PlatformLimits
from flash_jupyter.emulator.direct import Direct
from flash_jupyter.emulator.dispatch import Dispatcher
from flash_jupyter.emulator.endpoints import Endpoints
from flash_jupyter.emulator.endpoints_api import EndpointsApi
from flash_jupyter.emulator.faulty_answers import FaultyAnswers
from flash_jupyter.emulator.fleet import Fleet
from flash_jupyter.emulator.graphql_api import GraphqlApi
from flash_jupyter.emulator.logins import Logins
from flash_jupyter.emulator.logs import show_time
from flash_jupyter.emulator.logs_api import LogsApi
from flash_jupyter.emulator.pool import Pool
from flash_jupyter.emulator.problems import refusal
from flash_jupyter.emulator.queue_api import QueueApi
from flash_jupyter.emulator.rate import ControlLimiter, QueueLimiter, Window
from flash_jupyter.emulator.restore import restore
from flash_jupyter.emulator.secrets import Secrets
from flash_jupyter.emulator.shortcuts import Shortcuts
from flash_jupyter.emulator.store import Store
from flash_jupyter.emulator.templates import Templates
from flash_jupyter.emulator.templates_api import TemplatesApi
from flash_jupyter.emulator.volumes import Volumes
from flash_jupyter.emulator.volumes_api import VolumesApi
from flash_jupyter.emulator.watch import Watch, follow_logs
from flash_jupyter.emulator.worker_api import POLLS, WorkerApi
from flash_jupyter.emulator.world import Clock, World

if TYPE_CHECKING:
    from flash_jupyter.emulator.graphql.execution import Executor


class Emulator:
    """The parts of one embedded Runpod, put together."""

    def __init__(self, config: Config, store: Store, pool: Pool, *, api_key: str, clock: Clock, base_url: str) -> None:
        self.clock = AdminClock(clock)
        self.world = World(config, store, api_key, self.clock, base_url)
        self.world.last_request_at = self.started_at = clock()
        self.dispatcher = Dispatcher(self.world)
        self.artifacts = Artifacts(config.folder, secret=api_key, base_url=base_url, clock=self.clock)
        self.apps, self.logins = Apps(self.world, self.artifacts), Logins(self.world)
        self.secrets, self.keys = Secrets(store, self.clock), Keys(store, self.clock)
        self.fleet = Fleet(self.world, self.dispatcher, pool, self.apps.artifact_of, self.secrets)
        self.templates = Templates(store, self.clock)
        self.volumes = Volumes(store, self.clock, config.folder)
        self.endpoints = Endpoints(self.world, self.dispatcher, self.fleet, self.templates, self.volumes)
        self.balancer = Balancer(self.world)
        self.health = HealthChecks(self.world, self.balancer)
        previews = partial(remove_previews, self.apps, self.endpoints.delete)
        self.watch = Watch(self.world, self.dispatcher, self.fleet, self.health, previews)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take over what the last server left, and look after workers until the end."""
        restore(self.world, self.endpoints, self.dispatcher, self.fleet)
        tasks = [asyncio.create_task(self.watch.run()), asyncio.create_task(follow_logs(self.world))]
        try:
            yield
        finally:
            self.dispatcher.release()
            self.fleet.close()
            await self.world.webhooks.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.health.close()

    def graphql(self) -> Executor:
        """Return what runs GraphQL documents; it takes its time to load, and so waits for the first of them."""
        from flash_jupyter.emulator.graphql.execution import Executor, all_resolvers

        resolvers = all_resolvers(
            self.world, self.endpoints, self.templates, self.volumes, self.apps, self.artifacts, self.logins
        )
        return Executor(resolvers)

    def seen(self, path: str) -> None:
        """Remember when somebody used the server; a worker that polls does not."""
        if not any(poll in path for poll in POLLS):
            self.world.last_request_at = self.world.clock()

    @property
    def is_idle(self) -> bool:
        """Whether nobody has used the server for so long that it should end."""
        unused_s = self.world.clock() - self.world.last_request_at
        return unused_s > self.world.config.idle_s and self.world.open_jobs == 0

    async def info(self, _: Request) -> Response:
        """GET /_flash/info - who we are; the client's check that the server is there."""
        world = self.world
        return JSONResponse(
            {
                "pid": os.getpid(),
                "version": world.config.version,
                "url": world.base_url,
                "started_at": show_time(self.started_at),
                "endpoints": len(world.endpoints),
                "workers": len(world.workers),
                "open_jobs": world.open_jobs,
            }
        )


def create_app(
    config: Config,
    store: Store,
    pool: Pool,
    *,
    api_key: str,
    base_url: str,
    clock: Clock = time.time,
) -> Starlette:
    """Return the application; `app.state.emulator` is what it is made of, `app.state.direct` a shorter way."""
    emulator = Emulator(config, store, pool, api_key=api_key, clock=clock, base_url=base_url)
    limiter = ControlLimiter(_control_windows(config.limits), emulator.world.clock)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with emulator.running():
            yield

    access, lock = Access(emulator.world, emulator.apps), Lock(api_key)
    workers, queue = _apis_of_jobs(emulator)
    of_jobs = [*workers.routes(), *queue.routes()]
    app = Starlette(
        routes=_routes(emulator, limiter, of_jobs),
        middleware=[
            Middleware(RequireKey, lock=lock, keys=emulator.keys, access=access, seen=emulator.seen),
            Middleware(FaultyAnswers, world=emulator.world, limiter=limiter),
            Middleware(Shortcuts, routes=of_jobs, endpoints=emulator.world.endpoints),
        ],
        exception_handlers={HTTPException: _http_error, Exception: _http_error},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.emulator, app.state.direct = emulator, Direct(emulator.world, lock, queue, workers, emulator.seen)
    return app


def _apis_of_jobs(emulator: Emulator) -> tuple[WorkerApi, QueueApi]:
    """Return what answers the requests that each job makes, the worker's and the client's."""
    world = emulator.world
    limiter = QueueLimiter(world.config.limits.rate_per_10_s.get, world.clock)
    queue = QueueApi(world, emulator.dispatcher, emulator.endpoints, limiter, emulator.apps)
    return WorkerApi(world, emulator.dispatcher), queue


def _routes(emulator: Emulator, limiter: ControlLimiter, of_jobs: list[Route]) -> list[Route]:
    """Return all routes; those of the control plane must come before `/v2/{endpoint}`."""
    world, endpoints = emulator.world, emulator.endpoints
    return [
        *EndpointsApi(world, endpoints, limiter).routes(),
        *LogsApi(world).routes(limiter),
        *TemplatesApi(emulator.templates, endpoints, limiter).routes(),
        *VolumesApi(emulator.volumes, endpoints, limiter).routes(),
        *CatalogApi(world.faults.is_sold_out, limiter).routes(),
        *BillingApi(world.store.usage, limiter, world.clock).routes(),
        *of_jobs,
        *BalancerApi(world, emulator.balancer, emulator.health, emulator.apps).routes(),
        *GraphqlApi(emulator.graphql).routes(),
        *ArtifactsApi(emulator.apps.upload, emulator.artifacts).routes(),
        Route("/_flash/info", emulator.info),
        *AccountApi(emulator.secrets, emulator.keys, emulator.logins).routes(),
        *AdminApi(world, emulator.dispatcher, emulator.watch, emulator.clock, limiter).routes(),
    ]


def _control_windows(limits: PlatformLimits) -> list[Window]:
    return [
        Window("minute", limits.control_per_minute, 60),
        Window("hour", limits.control_per_hour, 3600),
        Window("day", limits.control_per_day, 86_400),
    ]


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer an unknown path, a wrong method, or our own failure, in the form of its plane."""
    if isinstance(error, HTTPException):
        return refusal(request.url.path, error.status_code, error.detail, headers=error.headers)
    return refusal(request.url.path, 500, str(error))
