"""From what an environment runs to what a build wants: plan, trial, switch, verify, and only then away with the old."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from flash_jupyter.build.manifest import Manifest
from flash_jupyter.deploy.apply import Applying
from flash_jupyter.deploy.consent import consent_for
from flash_jupyter.deploy.environment import Endpoints, existing
from flash_jupyter.deploy.fields import with_volumes
from flash_jupyter.deploy.history import Past
from flash_jupyter.deploy.labels import resource_of
from flash_jupyter.deploy.plan import Action, Plan, make_plan
from flash_jupyter.deploy.records import activate, forget_remakes, is_build_of, known_to_vary, runs
from flash_jupyter.deploy.site import Site, remove_if_made
from flash_jupyter.deploy.stored import with_stored_templates
from flash_jupyter.deploy.terms import Progress, Result, Standing, Terms
from flash_jupyter.deploy.together import to_the_end
from flash_jupyter.deploy.trial import Trial, provide_key, remove_leftovers, tried
from flash_jupyter.deploy.undo import Journal, Turn
from flash_jupyter.deploy.verify import Tried, Verifier
from flash_jupyter.deploy.wanted import wanted_of
from flash_jupyter.errors import ApiError, DeployError, FlashError
from flash_jupyter.runtime.state import Deployed, StateManager
from flash_jupyter.session.links import Link
from flash_jupyter.session.volumes import find_volume
from flash_jupyter.settings import Settings
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.control import Endpoint


@dataclass(frozen=True)
class Order:
    """What is asked for; `put` uploads the bundle and returns its build, or knows one that is there.

    `is_way_back`: what the environment ran after the build is left behind (`history.py`).
    """

    manifest: Manifest
    put: Callable[[Site], Awaitable[str]]
    terms: Terms
    is_way_back: bool = False


@dataclass
class Switch:
    """One deploy on its way, by who holds this machine's lock of the environment; `locks` is their folder."""

    link: Link
    settings: Settings
    site: Site
    order: Order
    locks: Path
    journal: Journal = field(default_factory=Journal)
    #: whether the new version is verified, so that nothing is taken back any more
    stands: bool = False
    #: whether nothing is left of the version before
    is_clear: bool = False
    #: whether there was a version before
    stood: bool = False
    #: whether another deploy's version stands here by now, so that nothing is taken back any more
    is_overtaken: bool = False
    #: empty until the bundle is there
    build_id: str = ""

    def __post_init__(self) -> None:
        manifest, terms, site = self.order.manifest, self.order.terms, self.site
        self._apps = Apps(self.link.http)
        self._state = StateManager(self._apps, clock=self.link.http.clock)
        self._endpoints = Endpoints(self.link, self.settings, site.place, manifest.python_version)
        self._wanted = wanted_of(
            manifest,
            site.place,
            owner=self.settings.owner,
            runtime_secret=terms.runtime_secret,
            repair_secret=terms.repair_secret,
        )
        self._verifier = Verifier(self.link, self.settings, manifest, terms)
        if site.made_app or site.made_environment:
            self.journal.add(
                Turn.PLACE,
                f"environment {site.environment.name} is removed again",
                lambda: remove_if_made(self._apps, site),
            )

    async def run(self) -> Result:
        """Do it all; what is done so far is in `journal`, which is empty once the new version stands."""
        await remove_leftovers(self.link, self._endpoints, self.site.app, self.locks)
        self._wanted = await with_stored_templates(self._wanted, self.link.control.templates)
        await self._know_volumes()
        before = {each.id: each for each in await self._endpoints.listed()}
        self.stood = bool(before)
        plan = make_plan(
            {name: each.fields for name, each in self._wanted.items()},
            [existing(each, self._wanted.get(resource_of(each))) for each in before.values()],
        )
        await self._ask(plan, before)
        terms, environment_id = self.order.terms, self.site.environment.id
        await provide_key(
            self.link, self.order.manifest, terms.runtime_secret, environment_id, repair_secret=terms.repair_secret
        )
        build_id = self.build_id = await self.order.put(self.site)
        kept = {
            step.name: before[step.endpoint_id or ""] for step in plan.of(Action.KEEP, Action.UPDATE, Action.REPLACE)
        }
        names = tried(plan) if kept else []
        trial = await self._try_out(build_id, names, kept) if names else Tried()
        past, ours = await self._activate(build_id, kept), build_id
        applying = Applying(self._endpoints, self._wanted, before, build_id, self.journal, self.order.terms.report)
        applied = await applying.apply(plan)
        await self._record(applied)
        verified = await self._verifier.verify(
            build_id, self._wanted, applied, rolled=[step.name for step in plan.of(Action.UPDATE)], trial=trial
        )
        listed = {each.id: each for each in await self._endpoints.listed()}
        build_id = await self._check(build_id, applied, listed)
        self.stands = True
        past_of_it = past if build_id == ours else None
        await to_the_end(self._verifier.stand(build_id, environment_id, past_of_it, verified.standing))
        await self._verifier.keep(build_id, self._wanted, applied, verified.tried, trial.recording)
        if terms.repair_secret:
            await self._make_repairable([listed[each.id] for each in applied.values()])
        await self._forget_remakes(build_id)
        await self._remove(plan, before)
        self.is_clear = True
        return self._result(build_id, plan, verified.standing)

    async def take_back(self) -> str:
        """Take back what was done, and say what came of it and what serves now."""
        done = "what this deploy has changed stays" if self.is_overtaken else await self.journal.take_back()
        return f"{done}{await self._serving()}"

    async def _serving(self) -> str:
        """Say which version serves after a deploy that failed; what can't be looked at is passed over."""
        environment = self.site.environment
        try:
            now = await runs(self._apps, environment.id)
        except FlashError:
            return ""
        if now is not None and now not in (environment.active_build_id, self.build_id):
            look = f"flash deploy info {environment.name} --app-name {self.site.app.name}"
            return f"; build {now} of another deploy serves now, `{look}` shows it"
        return "; the version before goes on serving" if self.stood and now == environment.active_build_id else ""

    def _result(self, build_id: str, plan: Plan, standing: tuple[Standing, ...]) -> Result:
        return Result(self.site.app.name, self.site.environment.name, build_id, plan, standing)

    async def _know_volumes(self) -> None:
        """Give volumes that exist their ids; the others are made with their endpoint."""
        wanted = {volume for each in self._wanted.values() for volume in each.spec.unresolved_volumes}
        if not wanted:
            return
        listed = await self.link.control.volumes.all()
        known = {volume: found.id for volume in wanted if (found := find_volume(volume, listed))}
        if len(known) < len(wanted):
            self.journal.add(Turn.VOLUME, "volumes that were made are removed again", self._remove_volumes)
        self._wanted = {name: each.with_spec(with_volumes(each.spec, known)) for name, each in self._wanted.items()}

    async def _remove_volumes(self) -> None:
        while self._endpoints.made_volumes:
            await self.link.control.volumes.delete(self._endpoints.made_volumes.pop())

    async def _ask(self, plan: Plan, before: Mapping[str, Endpoint]) -> None:
        lines = [str(step) for step in plan.steps]
        self.order.terms.report(Progress("plan", "\n".join(lines) or "there is nothing to deploy", plan=plan))
        consent = consent_for(plan, self._wanted, before, self.settings.owner)
        if consent.is_needed and not await asyncio.to_thread(self.order.terms.allow_removal, plan):
            raise consent.refused()

    async def _try_out(self, build_id: str, names: list[str], kept: Mapping[str, Endpoint]) -> Tried:
        trial = Trial(
            self.link, self._endpoints, self._verifier, self.site.app.id, self.locks, self.order.terms.runtime_secret
        )
        standing = {name: _deployed(each) for name, each in kept.items() if name not in names}
        verified = await trial.run(build_id, names, standing)
        varying = await known_to_vary(self._apps, self.site.environment.active_build_id)
        return replace(verified.tried, resources=names, varying=varying)

    async def _activate(self, build_id: str, kept: Mapping[str, Endpoint]) -> Past:
        """Make the build the one that new workers get; callers find the endpoints that stay from the first moment."""
        endpoints = {name: _deployed(each) for name, each in kept.items()}
        return await activate(
            self._apps, build_id, self.site, endpoints, self.journal, is_way_back=self.order.is_way_back
        )

    async def _record(self, applied: Mapping[str, Endpoint]) -> None:
        """Say where each resource is served; a build that was active before gets its old entries back on failure."""
        environment_id = self.site.environment.id
        before = await self._state.endpoints(environment_id)

        async def give_back() -> None:
            await self._state.update_all(environment_id, {name: before.get(name) for name in applied})

        changed = {name: _deployed(each) for name, each in applied.items() if self._differs(before.get(name), each)}
        if changed:
            if not any(each.turn is Turn.BUILD for each in self.journal.done):
                self.journal.add(Turn.RECORD, "the map of endpoints is as it was", give_back)
            await self._state.update_all(environment_id, changed)

    def _differs(self, known: Deployed | None, endpoint: Endpoint) -> bool:
        """Whether the map says something else; what makes it anew stays only for who repairs."""
        if known is not None and self.order.terms.repair_secret:
            known = replace(known, remake=None)
        return known != _deployed(endpoint)

    async def _check(self, build_id: str, applied: Mapping[str, Endpoint], listed: Mapping[str, Endpoint]) -> str:
        """See that the platform lists what was made, and that no other deploy has overtaken this one."""
        if gone := sorted(name for name, each in applied.items() if each.id not in listed):
            raise DeployError(f"{', '.join(gone)} is no longer listed", fix="somebody may have deleted it: send again")
        active = (await self._apps.environment(self.site.environment.id)).active_build_id
        if active != build_id and not await is_build_of(self._apps, active, self.order.manifest):
            self.is_overtaken = True
            raise DeployError(
                f"another deploy has overtaken this one: the environment runs build {active}",
                fix="look at what it runs (flash deploy info), then send again",
            )
        return active or build_id

    async def _make_repairable(self, endpoints: Iterable[Endpoint]) -> None:
        """Leave beside each endpoint of the map what makes it anew, for a mothership that may."""
        entries = {
            resource_of(each): Deployed(each.id, each.base_url, self._endpoints.remake(each)) for each in endpoints
        }
        await self._state.update_all(self.site.environment.id, entries)

    async def _forget_remakes(self, build_id: str) -> None:
        """Take what made endpoints anew from the build that ran before; what the platform refuses here stays there."""
        old, environment = self.site.environment.active_build_id, self.site.environment.id
        if old is not None and old != build_id:
            with contextlib.suppress(ApiError):
                await forget_remakes(self._apps, old, environment, clock=self.link.http.clock)

    async def _remove(self, plan: Plan, before: Mapping[str, Endpoint]) -> None:
        """Take away what nobody wants any more; the new version stands whatever becomes of it."""
        steps = plan.of(Action.DELETE, Action.REPLACE)
        if not steps:
            return
        self.order.terms.report(Progress("remove", f"removing {', '.join(sorted({step.name for step in steps}))}"))
        await self._endpoints.remove(before[step.endpoint_id or ""] for step in steps)
        gone = {step.name for step in plan.of(Action.DELETE)} - {*self._wanted}
        await self._state.update_all(self.site.environment.id, dict.fromkeys(gone))


def _deployed(endpoint: Endpoint) -> Deployed:
    return Deployed(endpoint.id, endpoint.base_url)
