"""From a spec to an endpoint that exists: remembered, else found by name, else made. Two kernels make one (D11).

What exists is what the server lists; nothing here is written to a file, and the lock only saves work: two machines
that share none end with one endpoint, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Container, Iterable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from filelock import AsyncFileLock

from flash_jupyter import limits
from flash_jupyter.errors import ApiError, NotFoundError, NoWorkersError
from flash_jupyter.resources.drift import check_change, is_held_at_one, patch_body
from flash_jupyter.resources.endpoint import EndpointSpec, create_body
from flash_jupyter.session.cost import Prices, Rate, hardware_of, rate_of, rate_of_existing
from flash_jupyter.session.stock import check_stock
from flash_jupyter.session.volumes import Resolved, resolve_volumes
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.refusals import may_have_worked
from flash_jupyter.wire.control import Endpoint, RequestUrls

#: after a doubtful end of a create: seconds before each look whether it worked all the same
LOOKS_S = (0.5, 2.0, 5.0)

Say = Callable[[str], None]
#: is told what an endpoint costs before anything is made, and may raise
Admit = Callable[[Rate], None]
#: is told the name of an endpoint before it is made, then its id, once it is made and stays
Made = Callable[[str, str | None], None]


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Provisioner:
    """Endpoints of one backend. `locks` is a folder that all kernels of this machine share."""

    def __init__(
        self,
        control: Control,
        locks: Path,
        *,
        is_billed: bool = True,
        made: Made = lambda _name, _id: None,
        now: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._control, self._locks, self._is_billed, self._made = control, locks, is_billed, made
        self._now, self._sleep = now, sleep
        self._prices = Prices(control.catalog)
        self._known: dict[EndpointSpec, Endpoint] = {}
        self._rates: dict[EndpointSpec, Rate] = {}

    def known(self, spec: EndpointSpec) -> Endpoint | None:
        """Return the endpoint if this process has seen it; no I/O."""
        return self._known.get(spec)

    def rate(self, spec: EndpointSpec) -> Rate:
        """Return what the endpoint of `spec`, which `ensure` has returned, costs."""
        return self._rates[spec]

    @property
    def names(self) -> list[str]:
        """Names of the endpoints that this process has seen."""
        return [endpoint.name for endpoint in list(self._known.values())]

    def forget(self, spec: EndpointSpec) -> None:
        """The endpoint answered 404: look for it, or make it, the next time."""
        self._known.pop(spec, None)

    async def ensure(self, spec: EndpointSpec, say: Say, admit: Admit = lambda _rate: None) -> Endpoint:
        """Return the endpoint of `spec`; `say` is told what takes time, and what costs money.

        `admit` is told the price first, and may refuse. Raises what it raises, `OptionError` where an endpoint with
        this name is of another kind, `NoStockError`, `NoWorkersError`, and other `ApiError`s.
        """
        if known := self.known(spec):
            admit(self.rate(spec))
            return known
        async with AsyncFileLock(self._lock_path(spec)):
            if known := self.known(spec):  # many calls at once wait here for the first
                admit(self.rate(spec))
                return known
            found = oldest(spec, await self._control.endpoints())
            if found:
                check_change(spec, found.model_dump(by_alias=True))
            self._rates[spec] = rate = await self._look_up(spec, found)
            admit(rate)
            # before anything that costs money
            hint = "" if found else await check_stock(self._control, spec)
            resolved = await resolve_volumes(self._control.volumes, spec, say, is_billed=self._is_billed)
            if found:
                endpoint = await self._adapt(resolved.spec, found, say)
            else:
                say("; ".join(filter(None, [f"making endpoint {spec.name}", hint])))
                endpoint = await self._make(resolved, say)
        _check_workers(endpoint)
        self._known[spec] = endpoint
        return endpoint

    async def _look_up(self, spec: EndpointSpec, found: Endpoint | None) -> Rate:
        price = await self._prices.usd_per_hour(hardware_of(spec, found))
        return rate_of(spec, found, price, is_charged=self._is_billed)

    async def rate_of_standing(self, endpoint: Endpoint) -> Rate:
        """Return what an endpoint costs that somebody else made, at the catalogue's price where the table has none."""
        rate = rate_of_existing(endpoint, is_charged=self._is_billed)
        chosen = {"cpu": endpoint.cpu} if endpoint.cpu else {"gpu": endpoint.gpu or {}}
        return replace(rate, usd_per_hour=await self._prices.usd_per_hour(chosen), is_standing=True)

    async def undeploy(
        self, endpoints: Iterable[Endpoint], tell: Callable[[int, str], None] = lambda _done, _name: None
    ) -> list[str]:
        """Delete endpoints and return their names, once a listing no longer shows them.

        `tell` gets how many deletions were asked for, and the last one's name. Raises `ApiError` where one is still
        there, whatever its deletion was answered; its text names those that went.
        """
        wanted = {endpoint.id: endpoint.name for endpoint in endpoints}
        if not wanted:
            return []
        refusals: list[ApiError] = []
        for done, (endpoint_id, name) in enumerate(wanted.items(), 1):
            refusals += filter(None, [await self._try_to_delete(endpoint_id)])
            tell(done, name)
        self._drop(wanted)
        left = await self._still_listed(wanted)
        gone = [name for endpoint_id, name in wanted.items() if endpoint_id not in left]
        if left:
            raise _not_gone([wanted[each] for each in left], gone, refusals)
        return gone

    async def _try_to_delete(self, endpoint_id: str) -> ApiError | None:
        """Ask for a deletion; what was answered says less than the listing, so it is only kept."""
        try:
            await self._delete(endpoint_id)
        except ApiError as failure:
            return failure
        return None

    async def _still_listed(self, wanted: Container[str]) -> list[str]:
        """Return the ids that are listed even after some looks: a listing may lag behind."""
        for pause_s in (0.0, *LOOKS_S):
            if pause_s:
                await self._sleep(pause_s)
            left = [endpoint.id for endpoint in await self._control.endpoints() if endpoint.id in wanted]
            if not left:
                break
        return left

    async def _adapt(self, spec: EndpointSpec, endpoint: Endpoint, say: Say) -> Endpoint:
        """Change what the user asked for and the endpoint is not; what was not said stays."""
        document = endpoint.model_dump(by_alias=True)
        if is_held_at_one(spec, document):
            say(f"endpoint {endpoint.name} keeps one worker, because instances of a remote class live in it")
        changes = patch_body(spec, document)
        if not changes:
            return endpoint
        say(f"changing {', '.join(changes)} of endpoint {endpoint.name}")
        # whoever asked for something else must ask again
        self._drop({endpoint.id})
        return await self._control.patch(endpoint.id, changes)

    async def _make(self, resolved: Resolved, say: Say) -> Endpoint:
        self._made(resolved.spec.name, None)
        try:
            made = await self._create(resolved.spec, say)
        except ApiError as failure:
            if not may_have_worked(failure):
                await self._delete_volumes(resolved.made)
            raise
        # another machine may have made one meanwhile, which no lock here prevents: the oldest wins
        first = oldest(resolved.spec, await self._control.endpoints()) or made
        if first.id != made.id:
            await self._delete(made.id)
            await self._delete_volumes(set(resolved.made) - set(first.network_volumes))
        else:
            self._made(first.name, first.id)
        return first

    async def _create(self, spec: EndpointSpec, say: Say) -> Endpoint:
        """Make it, once: a create that failed and may have worked is looked for, and never sent again."""
        try:
            return await self._control.create(create_body(spec, now=self._now()))
        except ApiError as failure:
            if not may_have_worked(failure):
                raise
            say(f"the platform gave no good answer ({failure.status or 'cut'}): looking whether the endpoint is there")
            for pause_s in LOOKS_S:
                await self._sleep(pause_s)
                if adopted := oldest(spec, await self._control.endpoints()):
                    return adopted
            raise

    def _drop(self, endpoint_ids: Container[str]) -> None:
        self._known = {spec: known for spec, known in self._known.items() if known.id not in endpoint_ids}

    async def _delete(self, endpoint_id: str) -> None:
        with contextlib.suppress(NotFoundError):  # somebody else was quicker
            await self._control.delete(endpoint_id)

    async def _delete_volumes(self, volume_ids: Iterable[str]) -> None:
        """Delete volumes that were made a moment ago for an endpoint that does not come: nothing is on them."""
        for volume_id in volume_ids:
            with contextlib.suppress(NotFoundError):
                await self._control.volumes.delete(volume_id)

    def _lock_path(self, spec: EndpointSpec) -> Path:
        self._locks.mkdir(parents=True, exist_ok=True)
        return self._locks / f"{hashlib.sha256(spec.name.encode()).hexdigest()[:16]}.lock"


def _not_gone(names: list[str], gone: list[str], refusals: list[ApiError]) -> ApiError:
    """Say which endpoints a listing still shows, and what the platform answered."""
    many = len(names) > 1
    text = f"endpoint{'s' if many else ''} {', '.join(sorted(names))} {'are' if many else 'is'} still listed"
    if gone:
        text += f"; deleted: {', '.join(gone)}"
    fix = "try again in a minute, or delete it in the console; a listed endpoint may go on to cost money"
    if not refusals:
        return ApiError(f"{text}, though the platform took the deletion", fix=fix)
    last = refusals[-1]
    return type(last)(f"{text}: {last.message}", status=last.status, detail=last.detail, fix=fix)


def _check_workers(endpoint: Endpoint) -> None:
    """Refuse an endpoint that was closed: by a person, or by the platform after a week without a request."""
    if endpoint.workers.get("max") == 0:
        raise NoWorkersError(
            f"endpoint {endpoint.name} may not have a worker: its workers.max is 0; nothing was sent",
            fix=f"allow some with workers={limits.OUR_WORKERS_MAX}, or choose another name=",
        )


def oldest(spec: EndpointSpec, endpoints: Iterable[Endpoint]) -> Endpoint | None:
    """Return the endpoint that was made first among those that `spec` means."""
    mine = [endpoint for endpoint in endpoints if spec.matches(endpoint.name, endpoint.env)]
    return min(mine, key=lambda endpoint: (endpoint.created_at, endpoint.id), default=None)


def request_urls(endpoint: Endpoint) -> RequestUrls:
    """Return where a queue endpoint takes jobs, or raise `ApiError` for one that is no queue."""
    if endpoint.type != "QUEUE" or not endpoint.request_urls:
        raise ApiError(f"endpoint {endpoint.name} is not a queue endpoint", fix="choose another name= for this cell")
    return RequestUrls.model_validate(endpoint.request_urls)
