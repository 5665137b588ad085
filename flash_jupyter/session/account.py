"""What an account has and costs: endpoints, volumes, the bill. The half of a session that is not about jobs."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from flash_jupyter.resources.options import RemoteOptions
from flash_jupyter.session.bill import DAYS, Bill, read_bill
from flash_jupyter.session.budget import Budget, Caps
from flash_jupyter.session.endpoints import EndpointView, list_endpoints, undeploy, undeploy_all, undeploy_ids
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.local import local_info
from flash_jupyter.session.loop import LoopThread
from flash_jupyter.session.meter import Reading
from flash_jupyter.session.sweep import Orphan, Swept, find_orphans, remove_orphans
from flash_jupyter.session.volumes import VolumeView, delete_volume, list_volumes
from flash_jupyter.settings import BackendName, Settings


class Account:
    """Blocking calls about the backend in use. The embedded Runpod is not started to be asked what it has."""

    def __init__(self, settings: Settings, links: Links, budget: Budget) -> None:
        self.settings, self.links, self.budget = settings, links, budget
        self.loop = LoopThread()
        self._listed: list[EndpointView] = []

    def backend_of(self, options: RemoteOptions) -> BackendName:
        """Return which Runpod runs a cell with these options."""
        return options.backend or self.settings.backend

    def key_origin(self, backend: BackendName) -> str:
        """Say where the key for a backend comes from."""
        return "the embedded Runpod's own" if backend == "local" else self.settings.key_origin

    def endpoints(self) -> list[EndpointView]:
        """Return the endpoints of the backend in use; none where the embedded Runpod is not running."""
        if self._is_asleep():
            return []
        self._listed = self.loop.call(list_endpoints(self._link()))
        return self._listed

    def known_endpoints(self) -> list[str]:
        """Return the names of the last listing, and of what was made since; no I/O."""
        link = self.links.known(self.settings.backend)
        made = link.provisioner.names if link else []
        return list(dict.fromkeys([*(endpoint.name for endpoint in self._listed), *made]))

    def undeploy(self, name: str, *, backend: BackendName | None = None) -> list[str]:
        """Delete the endpoints with this name or id; returns the names that a listing no longer shows."""
        return self._forget(self.loop.call(undeploy(self.links.open(backend or self.settings.backend), name)))

    def undeploy_all(self) -> list[str]:
        """Delete all endpoints that have this user's label; returns the names that a listing no longer shows."""
        if self._is_asleep():
            return []
        return self._forget(self.loop.call(undeploy_all(self._link(), self.settings.owner)))

    def undeploy_ids(self, ids: Collection[str]) -> list[str]:
        """Delete the endpoints with these ids; returns the names that a listing no longer shows."""
        return self._forget(self.loop.call(undeploy_ids(self._link(), ids)))

    def orphans(self) -> list[Orphan]:
        """Return this user's endpoints that have expired and have no job."""
        if self._is_asleep():
            return []
        return self.loop.call(find_orphans(self._link(), self.settings.owner))

    def sweep(self, ids: Iterable[str] | None = None) -> Swept:
        """Delete orphans, those with these ids or all; what has a job by now is kept."""
        if self._is_asleep():
            return Swept([], [])
        swept = self.loop.call(remove_orphans(self._link(), self.settings.owner, ids))
        self._forget(swept.deleted)
        return swept

    def volumes(self) -> list[VolumeView]:
        """Return the network volumes of the backend in use, with what each costs a month where it is billed."""
        if self._is_asleep():
            return []
        return self.loop.call(list_volumes(self._link().control, is_billed=self.settings.backend == "runpod"))

    def delete_volume(self, name: str) -> str:
        """Delete a network volume, by name or id, with all that is on it; returns its id once it is gone."""
        return self.loop.call(delete_volume(self._link().control, name))

    def limit_cost(self, per_hour: float | None, total: float | None) -> None:
        """Limit what may be spent from now on, in US dollars; None is what the environment says."""
        hour = self.settings.max_cost_per_hour if per_hour is None else per_hour
        self.budget.caps = Caps(hour, self.settings.max_cost if total is None else total)

    def bill(self, days: int = DAYS) -> Bill | None:
        """Return what the platform has billed; None where the embedded Runpod is not running."""
        return None if self._is_asleep() else self.loop.call(read_bill(self._link(), days))

    def meter(self) -> Reading:
        """Return what this kernel has spent, by our own reckoning."""

        async def read() -> Reading:
            return self.budget.meter.read()

        return self.loop.call(read())

    def _link(self) -> Link:
        return self.links.open(self.settings.backend)

    def _forget(self, gone: list[str]) -> list[str]:
        """Endpoints with these names are deleted."""
        self._listed = [endpoint for endpoint in self._listed if endpoint.name not in gone]
        self.budget.meter.gone(gone)
        return gone

    def _is_asleep(self) -> bool:
        """Whether the embedded Runpod is used and does not run, so that nothing costs anything: it is not started."""
        return self.settings.backend == "local" and local_info(self.settings) is None
