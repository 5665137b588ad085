"""Whether what was deployed works: it is listed, its workers are new and answer, its functions give what they should.

The values come from where the sources are, as in a preview (`build/smoke.py`), else from what was kept with the build
when it was verified (`replay.py`). What can't be said to be verified says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from flash_jupyter.build.asking import Served
from flash_jupyter.build.existing import built_of
from flash_jupyter.build.manifest import Manifest
from flash_jupyter.build.preview import wait_until_imported
from flash_jupyter.build.project import Project
from flash_jupyter.build.recorded import Recording, merged
from flash_jupyter.build.smoke import smoke
from flash_jupyter.build.trying import Verdict
from flash_jupyter.deploy.history import Past
from flash_jupyter.deploy.records import keep, recorded_of, stand
from flash_jupyter.deploy.replay import Replay
from flash_jupyter.deploy.terms import Progress, Report, Standing, Terms
from flash_jupyter.deploy.together import to_the_end, together
from flash_jupyter.deploy.wanted import Wanted
from flash_jupyter.errors import DeployError, FlashError
from flash_jupyter.session.links import Link
from flash_jupyter.settings import Settings
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.control import Endpoint

#: how long workers of the version before may finish what they do, in seconds
ROLLOUT_S = 120.0
#: why an answer may be another one than when the build was verified
CHANGED = (
    "look at what has changed since: a secret, a stored template, files on a volume, other services; "
    "--no-smoke deploys the build without asking"
)
#: what to do where a bundle gives another value than its sources
OTHER_VALUE = "change the function, or the example if the new value is right; --no-smoke sends it without asking"
#: between two looks at a roll-out: the control plane allows 60 requests a minute, for all endpoints together
_LOOKS_S = (0.2, 0.5, 1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Tried:
    """What the sources had to say: function -> why it is not verified, empty where it is; and what it was asked.

    Of a trial `resources` are what was tried, and `varying` the functions of the version before that did not give the
    same answer when they were asked twice.
    """

    reasons: Mapping[str, str] = field(default_factory=dict)
    recording: Recording = field(default_factory=dict)
    resources: Collection[str] = ()
    varying: Collection[str] = ()


@dataclass(frozen=True)
class Verified:
    """What stands, and what can be kept of how that was found out."""

    standing: tuple[Standing, ...]
    tried: Tried


@dataclass(frozen=True)
class Verifier:
    """Looks at endpoints over one link. Without sources in the terms it asks what was kept with the build."""

    link: Link
    settings: Settings
    manifest: Manifest
    terms: Terms

    @property
    def report(self) -> Report:
        """Who is told what it waits for."""
        return self.terms.report

    async def verify(
        self,
        build_id: str,
        wanted: Mapping[str, Wanted],
        endpoints: Mapping[str, Endpoint],
        rolled: Iterable[str] = (),
        *,
        trial: Tried | None = None,
        is_trial: bool = False,
    ) -> Verified:
        """Return what stands of a build; `rolled` are resources whose workers have to be exchanged first.

        `trial` is what the trial of this deploy has found out; `is_trial`: this is it.

        Raises `DeployError` for a value that differs, `BuildError` where workers do not start, and `ApiError`s.
        """
        old = dict(zip(rolled, await together(self._rolled_out(name, endpoints[name]) for name in rolled), strict=True))
        probed = [name for name in endpoints if wanted[name].is_probed and not old.get(name)]
        await self._wait_for_workers({name: endpoints[name] for name in probed})
        trial = trial or Tried()
        replay = Replay(self.link.http, wanted, {name: endpoints[name] for name in probed}, trial.resources, is_trial)
        verdicts, asked = await self._values(build_id, replay, trial)
        standing = tuple(
            _standing(
                name, endpoints[name], wanted[name], verdicts, unverified(name, probed, old, is_asked=self.terms.smoke)
            )
            for name in sorted(endpoints)
        )
        return Verified(standing, asked)

    async def stand(self, build_id: str, environment_id: str, past: Past | None, standing: Iterable[Standing]) -> None:
        """Write down that the build stands, with what its environment ran before; what can't be written is told."""
        is_verified, clock = any(each.state == "verified" for each in standing), self.link.http.clock
        try:
            await stand(Apps(self.link.http), build_id, environment_id, past, clock, is_verified=is_verified)
        except FlashError as failure:
            text = f"that it stands could not be written, rollback will pass over this build: {failure.message}"
            self.report(Progress("smoke", text))

    async def keep(
        self,
        build_id: str,
        wanted: Mapping[str, Wanted],
        endpoints: Mapping[str, Endpoint],
        tried: Tried,
        in_trial: Recording,
    ) -> None:
        """Keep with the build what its sources verified, now and before that in a trial; what can't be is told."""
        if not tried.reasons:
            return
        apps, replay = Apps(self.link.http), Replay(self.link.http, wanted, endpoints)
        try:
            kept = await replay.kept(tried.recording, await recorded_of(apps, build_id), tried.reasons, in_trial)
            await keep(apps, build_id, kept, self.link.http.clock)
        except FlashError as failure:
            text = f"what it was asked could not be kept with build {build_id}: {failure.message}"
            self.report(Progress("smoke", text))

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

    async def _values(self, build_id: str, replay: Replay, trial: Tried) -> tuple[dict[str, str], Tried]:
        """Try the functions; returns function -> why it is not verified, empty where it is, and what sources said."""
        functions = [each.name for name in replay.endpoints for each in replay.wanted[name].resource.functions]
        if not self.terms.smoke:
            return {}, Tried()
        tried, why = await self._as_in_trial(functions, replay, trial), ""
        if tried is None:
            project, why = await self._project() if functions else (None, "")
            tried = Tried() if project is None else await self._by_sources(project, replay.wanted, replay.endpoints)
        reasons = dict(tried.reasons)
        if left := [name for name in functions if reasons.get(name) != ""]:
            kept = await recorded_of(Apps(self.link.http), build_id)
            if any("requests" in kept.get(name, ()) for name in left):
                self.report(Progress("smoke", "asking again what was asked when the build was verified"))
            verdicts = await replay.verdicts(left, kept)
            _check(verdicts, fix=CHANGED)
            for each in verdicts:
                if each.state == "verified":
                    reasons[each.function] = ""
                reasons.setdefault(each.function, f"{why}{each.text}")
        return reasons, tried

    async def _as_in_trial(self, functions: list[str], replay: Replay, trial: Tried) -> Tried | None:
        """Ask again what the trial was asked: where the answers are the same, the sources need not be run once more.

        None where they have to say it: of what was not tried, or can't be asked again, and of other answers, for only
        a test knows whether these will do, too.
        """
        verified = [name for name in functions if trial.reasons.get(name) == ""]
        asked = {name: replay.repeatable(name, trial.recording.get(name, {})) for name in verified}
        if not verified or not {*functions} <= {*trial.reasons} or {*verified} & {*trial.varying}:
            return None
        if not all("requests" in each for each in asked.values()):
            return None
        self.report(Progress("smoke", "asking again what was asked in the trial"))
        verdicts = await replay.verdicts(verified, asked)
        return trial if all(each.state == "verified" for each in verdicts) else None

    async def _project(self) -> tuple[Project | None, str]:
        """Return the sources of the build, or None and what to say of them."""
        if self.terms.sources is None:
            return None, ""
        project = await asyncio.to_thread(built_of, self.terms.sources, self.manifest)
        return project, "" if project else "the sources are no longer those of the build; "

    async def _by_sources(
        self, project: Project, wanted: Mapping[str, Wanted], endpoints: Mapping[str, Endpoint]
    ) -> Tried:
        served = tuple(
            Served(name, endpoint.id, endpoint.base_url, wanted[name].resource) for name, endpoint in endpoints.items()
        )
        recordings: list[Recording] = []
        verdicts = await self._compare(served, project, recordings)
        _check(verdicts, fix=OTHER_VALUE)
        return Tried(_reasons(verdicts), merged(recordings))

    async def _compare(
        self, served: tuple[Served, ...], project: Project, recordings: list[Recording]
    ) -> tuple[Verdict, ...]:
        """Send the requests on a thread; when we are cancelled, its kernel ends first, with all that it made."""
        stop = threading.Event()
        work = asyncio.ensure_future(asyncio.to_thread(self._smoke, served, project, stop, recordings))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await to_the_end(asyncio.gather(work, return_exceptions=True))
            raise

    def _smoke(
        self, served: tuple[Served, ...], project: Project, stop: threading.Event, recordings: list[Recording]
    ) -> tuple[Verdict, ...]:
        def tell(text: str) -> None:
            self.report(Progress("smoke", text))

        try:
            return smoke(
                project,
                served,
                self.settings,
                tell,
                api_key=self.link.backend.api_key,
                stop=stop,
                with_defaults=self.terms.try_defaults,
                recordings=recordings,
            )
        finally:
            _close_loop_of_thread()


def unverified(name: str, probed: Collection[str], old: Mapping[str, str], *, is_asked: bool) -> str:
    """Return why nothing can be said of a whole resource; `old` are those whose workers of before are still at work.

    >>> unverified("web", ["web"], {}, is_asked=False), unverified("web", ["web"], {}, is_asked=True)
    ('no request was sent to it (--no-smoke)', '')
    """
    if old.get(name):
        return old[name]
    if name not in probed:
        return "its image has a handler of its own"
    return "" if is_asked else "no request was sent to it (--no-smoke)"


def _check(verdicts: tuple[Verdict, ...], *, fix: str) -> None:
    """Raise `DeployError` where a value differs."""
    if differ := [str(each) for each in verdicts if each.state == "differs"]:
        raise DeployError("\n".join(["the deployed functions do not give what they should:", *differ]), fix=fix)


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
