"""The data plane of load balancing endpoints: `/lb/{endpoint}/...`, any method and path (Runpod docs, load-balancing).

On the platform each endpoint has a host name, `https://{endpoint}.api.runpod.ai`; here it has a path. `flash` is not an
endpoint's id but stands for the one that three headers name. WebSockets, which the platform passes on too, are refused.
"""

from __future__ import annotations

import asyncio
from functools import partial

from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from flash_jupyter.emulator.apps import FLASH_ID, Apps
from flash_jupyter.emulator.balancer import STOPPED, Balancer, Broken, HealthChecks, Refused, WorkerTimeout
from flash_jupyter.emulator.jobs import BadRequest
from flash_jupyter.emulator.machine import health_path
from flash_jupyter.emulator.relay import WORKER_ID, Answer, Destination, Inbox, TooLarge, relay, target_of
from flash_jupyter.emulator.world import Affinity, Endpoint, NoSuchEndpoint, NoWorker, Worker, WorkerGone, World

#: the status of an answer that takes too long, which the docs name
TOOK_TOO_LONG = 524
STRICT = ("strict", "strict-resume")


class BalancerApi:
    """The routes, and what they need."""

    def __init__(self, world: World, balancer: Balancer, health: HealthChecks, apps: Apps) -> None:
        self._world, self._balancer, self._health, self._apps = world, balancer, health, apps

    def routes(self) -> list[Route]:
        """Return the routes; they take every method."""
        return [Route("/lb/{endpoint_id}", self), Route("/lb/{endpoint_id}/{path:path}", self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, until its sender goes away or the server ends."""
        inbox, answer = Inbox(receive, self._world.config.limits.balancer_bytes), Answer(send)
        serving = asyncio.create_task(self._serve(scope, inbox, answer))
        gone = asyncio.create_task(inbox.watch())
        closing = asyncio.create_task(self._world.closing.wait())
        try:
            await asyncio.wait({serving, gone, closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (serving, gone, closing):
                task.cancel()
            await asyncio.gather(serving, gone, closing, return_exceptions=True)
        if not serving.cancelled():
            serving.result()
        elif gone.cancelled():
            await answer.error(503, STOPPED)

    async def _serve(self, scope: Scope, inbox: Inbox, answer: Answer) -> None:
        limit_bytes = self._world.config.limits.balancer_bytes
        try:
            endpoint = self._endpoint(scope)
            _check_request(scope, limit_bytes)
            if _is_health_check(scope, endpoint):
                await self._check_health(scope, inbox, answer, endpoint)
            else:
                await self._pass_on(scope, inbox, answer, endpoint)
        except NoSuchEndpoint as missing:
            await answer.error(404, f"endpoint {missing} not found")
        except NoWorker as none:
            await answer.error(none.status, str(none), none.detail, none.worker_id)
        except WorkerGone as gone:
            await answer.error(404, "affinity_worker_gone", f"worker {gone} is none of the endpoint's workers")
        except WorkerTimeout as late:
            await answer.error(400, "worker_timeout", f"worker {late} had no room for the request")
        except BadRequest as refused:
            await answer.error(400, str(refused))
        except TooLarge:
            await answer.error(413, f"the body is larger than {limit_bytes} bytes")

    def _endpoint(self, scope: Scope) -> Endpoint:
        endpoint_id = scope["path_params"]["endpoint_id"]
        if endpoint_id == FLASH_ID:
            endpoint = self._apps.called(Headers(scope=scope), None)
        else:
            endpoint = self._world.endpoint(endpoint_id)
        if not endpoint.is_balancer:
            url = f"{self._world.base_url}/v2/{endpoint.id}/run"
            raise NoWorker(404, f"endpoint {endpoint.id} is no load balancer but a queue: send jobs to {url}")
        return endpoint

    async def _pass_on(self, scope: Scope, inbox: Inbox, answer: Answer, endpoint: Endpoint) -> None:
        """Give the request to a worker; to another one only when the first is gone and has not seen it."""
        affinity = _affinity(scope)
        while True:
            worker = await self._balancer.enter(endpoint, affinity)
            try:
                await self._exchange(scope, inbox, answer, worker, worker.ports.serve if worker.ports else 0)
                return
            except Refused:
                if worker.process.is_alive():
                    await answer.error(502, f"worker {worker.id} does not listen on its port (PORT)", "", worker.id)
                    return
            finally:
                self._balancer.leave(worker)

    async def _check_health(self, scope: Scope, inbox: Inbox, answer: Answer, endpoint: Endpoint) -> None:
        """Let a healthy worker answer, or say 204 at once: no request waits here, but a worker is started."""
        worker = self._balancer.healthy_worker(endpoint)
        if worker is None or worker.ports is None:
            await answer.empty(204)
            return
        try:
            await self._exchange(scope, inbox, answer, worker, worker.ports.health)
        except Refused:
            await answer.empty(204)

    async def _exchange(self, scope: Scope, inbox: Inbox, answer: Answer, worker: Worker, port: int) -> None:
        limits = self._world.config.limits
        destination = Destination(worker.id, port, f"/lb/{worker.endpoint_id}")
        upstream, retire = await self._health.upstream(), partial(self._balancer.retire, worker)
        exchange = relay(scope, inbox, answer, upstream, destination, limits.balancer_bytes, retire)
        try:
            await asyncio.wait_for(exchange, limits.balancer_processing_s)
        except asyncio.TimeoutError:
            text = f"the request took longer than {limits.balancer_processing_s:g} s"
            await answer.error(TOOK_TOO_LONG, text, worker_id=worker.id)
        except Broken as broken:
            await answer.error(502, f"worker {worker.id} broke off the request", str(broken), worker.id)


def _is_health_check(scope: Scope, endpoint: Endpoint) -> bool:
    path = health_path(endpoint.document["env"]).encode()
    return scope["method"] in ("GET", "HEAD") and target_of(scope).partition(b"?")[0] == path


def _check_request(scope: Scope, limit_bytes: int) -> None:
    """Refuse what can be seen from the headers; raises `TooLarge` or `NoWorker`."""
    headers = dict(scope["headers"])
    if headers.get(b"upgrade", b"").lower() == b"websocket":
        raise NoWorker(501, "WebSockets are not supported by the embedded Runpod")
    if int(headers.get(b"content-length", b"0")) > limit_bytes:
        raise TooLarge


def _affinity(scope: Scope) -> Affinity:
    """Read `X-Runpod-Worker-Id`. `strict-resume` can't bring back a worker that has ended: its disk went with it."""
    text = dict(scope["headers"]).get(WORKER_ID, b"").decode("latin-1").strip()
    mode, _, worker_id = text.partition(" ")
    return Affinity(worker_id.strip(), strict=True) if mode in STRICT else Affinity(text)
