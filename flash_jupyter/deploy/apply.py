"""A plan made so: endpoints are made and changed at the same time, and each thing is remembered with its way back.

Callers come after those whom they call, so that no new code asks old one. What goes, goes when all else is verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flash_jupyter.deploy.environment import Endpoints, existing
from flash_jupyter.deploy.labels import resource_of
from flash_jupyter.deploy.plan import Action, Plan, Step, changes_between, is_other_endpoint
from flash_jupyter.deploy.terms import Progress, Report
from flash_jupyter.deploy.together import together
from flash_jupyter.deploy.undo import Journal, Turn
from flash_jupyter.deploy.wanted import Wanted
from flash_jupyter.errors import DeployError
from flash_jupyter.wire.control import Endpoint


@dataclass
class Applying:
    """One plan on its way; `before` are the endpoints that there were, by id."""

    endpoints: Endpoints
    wanted: Mapping[str, Wanted]
    before: Mapping[str, Endpoint]
    build_id: str
    journal: Journal
    report: Report
    _done: int = field(default=0, init=False)

    async def apply(self, plan: Plan) -> dict[str, Endpoint]:
        """Make, change and keep; returns resource -> the endpoint that serves it now. Raises `ApiError`s."""
        steps = plan.of(Action.CREATE, Action.UPDATE, Action.REPLACE)
        standing = {
            step.name: self.before[step.endpoint_id or ""] for step in plan.of(Action.KEEP) if step.name in self.wanted
        }
        made = dict[str, str]()
        for wave in (False, True):
            now = [step for step in steps if self.wanted[step.name].resource.calls_others is wave]
            results = await together([self._do(step, len(steps)) for step in now], finish=True)
            made |= {step.name: endpoint_id for step, endpoint_id in zip(now, results, strict=True)}
        changed = {step.name: self.before[step.endpoint_id or ""] for step in plan.of(Action.UPDATE)}
        new = {name: endpoint_id for name, endpoint_id in made.items() if name not in changed}
        return {**standing, **changed, **(await self._first_of(new) if new else {})}

    async def _do(self, step: Step, total: int) -> str:
        text = f"{step.action.value} {step.name}"
        self.report(Progress("apply", text, self._done, total))
        endpoint_id = await self._change(step)
        self._done += 1
        self.report(Progress("apply", text, self._done, total))
        return endpoint_id

    async def _change(self, step: Step) -> str:
        wanted = self.wanted[step.name]
        if step.action is not Action.UPDATE:
            return await self._create(wanted)
        endpoint = self.before[step.endpoint_id or ""]
        text = f"endpoint {step.name} has its old configuration back"
        self.journal.add(Turn.ENDPOINT, text, lambda: self.endpoints.restore(endpoint, self.build_id))
        await self.endpoints.update(endpoint, wanted, self.build_id)
        return endpoint.id

    async def _create(self, wanted: Wanted) -> str:
        known = {*self.before}

        async def remove() -> None:
            """Also where the create was cut, so that nobody knows its id: the labels say that it is of this build."""
            mine = [
                each
                for each in await self.endpoints.listed()
                if each.id not in known and resource_of(each) == wanted.name and self.endpoints.made_it(each)
            ]
            await self.endpoints.remove(mine)

        self.journal.add(Turn.ENDPOINT, f"endpoint {wanted.name} is removed again", remove)

        def say(text: str) -> None:
            self.report(Progress("apply", text))

        return await self.endpoints.create(wanted, self.build_id, say)

    async def _first_of(self, made: Mapping[str, str]) -> dict[str, Endpoint]:
        """Another machine may have made the same meanwhile, which no lock here prevents: the oldest wins."""
        listed = await self.endpoints.listed()
        found = dict[str, Endpoint]()
        for name in made:
            same = [e for e in listed if resource_of(e) == name and self._is_same_kind(e, self.wanted[name])]
            if not same:
                raise DeployError(f"endpoint {name} was made and is not listed", fix="send again")
            found[name] = min(same, key=lambda each: (each.created_at, each.id))
        extra = [each for each in listed if each.id in made.values() and found[resource_of(each)].id != each.id]
        if extra:
            await self.endpoints.remove(extra)
        return found

    @staticmethod
    def _is_same_kind(endpoint: Endpoint, wanted: Wanted) -> bool:
        return not is_other_endpoint(changes_between(existing(endpoint, wanted).fields, wanted.fields))
