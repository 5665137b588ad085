"""Whether what was deployed works: it is listed, its workers are new and answer, its functions give what they should.

The values come from where the sources are, as in a preview (`build/smoke.py`). What can't be said to be verified says
why.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flash_jupyter.build.asking import Served
from flash_jupyter.build.existing import built_of
from flash_jupyter.build.manifest import Manifest
from flash_jupyter.build.preview import wait_until_imported
from flash_jupyter.build.project import Project
from flash_jupyter.build.smoke import smoke
from flash_jupyter.build.trying import Verdict
from flash_jupyter.deploy.terms import Progress, Report, Standing, Terms
from flash_jupyter.deploy.together import to_the_end, together
from flash_jupyter.deploy.wanted import Wanted
from flash_jupyter.errors import DeployError
from flash_jupyter.session.links import Link
from flash_jupyter.settings import Settings
from flash_jupyter.wire.control import Endpoint

#: how long workers of the version before may finish what they do, in seconds
ROLLOUT_S = 120.0
#: between two looks at a roll-out: the control plane allows 60 requests a minute, for all endpoints together
_LOOKS_S = (0.2, 0.5, 1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Verifier:
    """Looks at endpoints over one link. Without sources in the terms there is nothing to compare values with."""

    link: Link
    settings: Settings
    manifest: Manifest
    terms: Terms

    @property
    def report(self) -> Report:
        """Who is told what it waits for."""
        return self.terms.report

    async def verify(
        self, wanted: Mapping[str, Wanted], endpoints: Mapping[str, Endpoint], rolled: Iterable[str] = ()
    ) -> tuple[Standing, ...]:
        """Return what stands; `rolled` are resources whose workers have to be exchanged first.

        Raises `DeployError` for a value that differs, `BuildError` where workers do not start, and `ApiError`s.
        """
        old = dict(zip(rolled, await together(self._rolled_out(name, endpoints[name]) for name in rolled), strict=True))
        probed = [name for name in endpoints if wanted[name].is_probed and not old.get(name)]
        await self._wait_for_workers({name: endpoints[name] for name in probed})
        verdicts = await self._values(wanted, {name: endpoints[name] for name in probed})
        return tuple(
            _standing(name, endpoints[name], wanted[name], verdicts, self._why_not(name, probed, old))
            for name in sorted(endpoints)
        )

    async def _wait_for_workers(self, endpoints: Mapping[str, Endpoint]) -> None:
        ready = list[str]()

        async def wait(name: str) -> None:
            text = f"waiting for a worker of {name}"
            self.report(Progress("wait", text, len(ready), len(endpoints)))
            await wait_until_imported(self.link, name, endpoints[name])
            ready.append(name)
            self.report(Progress("wait", text, len(ready), len(endpoints)))

        await together(wait(name) for name in endpoints)

    async def _rolled_out(self, name: str, endpoint: Endpoint) -> str:
        """Wait until no worker of the version before is left; returns why that did not come, empty where it did."""
        self.report(Progress("wait", f"exchanging the workers of {name}"))
        deadline, number = time.monotonic() + ROLLOUT_S, 0
        while (await self.link.control.releases(endpoint.id)).rollout.in_progress:
            if time.monotonic() > deadline:
                return f"workers of the version before were still at work after {ROLLOUT_S:.0f} s"
            await asyncio.sleep(_LOOKS_S[min(number, len(_LOOKS_S) - 1)])
            number += 1
        return ""

    def _why_not(self, name: str, probed: list[str], old: Mapping[str, str]) -> str:
        if old.get(name):
            return old[name]
        return "" if name in probed else "its image has a handler of its own"

    async def _values(self, wanted: Mapping[str, Wanted], endpoints: Mapping[str, Endpoint]) -> dict[str, str]:
        """Try the functions; returns function -> why it is not verified, empty where it is."""
        functions = [each.name for name in endpoints for each in wanted[name].resource.functions]
        if not functions:
            return {}
        if not self.terms.smoke:
            return dict.fromkeys(functions, "no request was sent to its functions")
        sources = self.terms.sources
        if sources is None:
            return dict.fromkeys(functions, "without its sources there is nothing to compare with")
        project = await asyncio.to_thread(built_of, sources, self.manifest)
        if project is None:
            return dict.fromkeys(functions, "the sources are no longer those of the build")
        served = tuple(
            Served(name, endpoint.id, endpoint.base_url, wanted[name].resource) for name, endpoint in endpoints.items()
        )
        verdicts = await self._compare(served, project)
        differ = [str(each) for each in verdicts if each.state == "differs"]
        if differ:
            raise DeployError("\n".join(["the deployed functions do not give what they should:", *differ]))
        return _reasons(verdicts)

    async def _compare(self, served: tuple[Served, ...], project: Project) -> tuple[Verdict, ...]:
        """Send the requests on a thread; when we are cancelled, its kernel ends first, with all that it made."""
        stop = threading.Event()
        work = asyncio.ensure_future(asyncio.to_thread(self._smoke, served, project, stop))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await to_the_end(asyncio.gather(work, return_exceptions=True))
            raise

    def _smoke(self, served: tuple[Served, ...], project: Project, stop: threading.Event) -> tuple[Verdict, ...]:
        def tell(text: str) -> None:
            self.report(Progress("smoke", text))

        try:
            key, with_defaults = self.link.backend.api_key, self.terms.try_defaults
            return smoke(project, served, self.settings, tell, api_key=key, stop=stop, with_defaults=with_defaults)
        finally:
            _close_loop_of_thread()


def _close_loop_of_thread() -> None:
    """Close the loop that jupyter_client makes in each thread from which a kernel is driven, and leaves there."""
    with contextlib.suppress(RuntimeError):  # there is none
        asyncio.get_event_loop().close()
        asyncio.set_event_loop(None)


def _reasons(verdicts: tuple[Verdict, ...]) -> dict[str, str]:
    """A function that one way verified is verified, whatever another could not say."""
    found = {each.function: each.text for each in verdicts}
    return {**found, **{each.function: "" for each in verdicts if each.state == "verified"}}


def _standing(name: str, endpoint: Endpoint, wanted: Wanted, verdicts: Mapping[str, str], why_not: str) -> Standing:
    reasons = [f"{each.name}: {verdicts[each.name]}" for each in wanted.resource.functions if verdicts.get(each.name)]
    reason = why_not or "; ".join(reasons)
    return Standing(name, endpoint.id, endpoint.base_url, "listed, not verified" if reason else "verified", reason)
