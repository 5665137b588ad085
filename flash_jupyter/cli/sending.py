"""A build into an environment: found or made, its plan shown and asked about, rolled out, and told what stands."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from flash_jupyter.cli.desk import Desk, news_of
from flash_jupyter.cli.work import Work
from flash_jupyter.errors import FlashError
from flash_jupyter.views.deploy import plan_sheet, result_sheet
from flash_jupyter.views.format import size
from flash_jupyter.views.progress import News

if TYPE_CHECKING:
    from flash_jupyter.build.bundle import BuildOptions
    from flash_jupyter.build.existing import Existing
    from flash_jupyter.deploy.plan import Plan
    from flash_jupyter.deploy.send import Deployer
    from flash_jupyter.deploy.terms import Progress, Result, Terms
    from flash_jupyter.session.links import Link


@dataclass(frozen=True)
class Options:
    """What may be typed beside what is deployed, and where: each field is an option of every command that deploys."""

    no_smoke: Annotated[
        bool, typer.Option("--no-smoke", help="ask no function for a value: what stands is then 'listed, not verified'")
    ] = False
    runtime_secret: Annotated[
        str | None,
        typer.Option(help="Runpod secret with the API key by which deployed functions call each other"),
    ] = None
    repair_secret: Annotated[
        str | None,
        typer.Option(help="Runpod secret with an API key by which the mothership makes deleted endpoints anew"),
    ] = None
    allow_missing: Annotated[
        bool,
        typer.Option("--allow-missing", help="deploy functions that read environment variables nobody sets, too"),
    ] = False
    yes: Annotated[bool, typer.Option("--yes", "-y", help="ask nothing: what would be asked is allowed")] = False

    def terms(self, at_work: Work[Progress, Plan | str]) -> Terms:
        """Return them as a deployer takes them; what is not said is its to choose."""
        from flash_jupyter.deploy.terms import RUNTIME_SECRET, Terms

        return Terms(
            at_work.allow,
            smoke=not self.no_smoke,
            runtime_secret=self.runtime_secret or RUNTIME_SECRET,
            repair_secret=self.repair_secret or "",
            allow_missing=self.allow_missing,
            allow_unverified=at_work.allow,
            report=at_work.report,
        )


def takes_options(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command be typed with the fields of `Options`; it gets them as `options`."""
    signature = inspect.signature(command, eval_str=True)
    types = get_type_hints(Options, include_extras=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    typed = [
        inspect.Parameter(each.name, kind, default=each.default, annotation=types[each.name])
        for each in fields(Options)
    ]
    parameters = [
        parameter
        for given in signature.parameters.values()
        for parameter in (typed if given.name == "options" else [given])
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        command(options=Options(**{each.name: given.pop(each.name) for each in typed}), **given)

    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def send(
    desk: Desk,
    path: Path,
    environment: str,
    app: str | None,
    options: Options,
    *,
    is_built_first: bool,
    try_defaults: bool,
) -> None:
    """Deploy the build of a path; one that is older than its sources is told, and sent as it is."""
    built = _build(desk, path) if is_built_first else _existing(desk, path)
    name = app or built.manifest.project_name
    what = f"{built.manifest.project_name} ({size(built.archive.stat().st_size)})"

    async def work(deployer: Deployer, terms: Terms) -> Result:
        terms = replace(terms, sources=built.source, try_defaults=try_defaults)
        return await deployer.send(built.archive, built.manifest, name, environment, terms)

    result = _deploy(desk, work, name, environment, options, f"sending {what} to {name}/{environment}")
    _show(desk, result, {"changed_since_build": list(built.changed)})


def promote(desk: Desk, app: str, environment: str, build_id: str, options: Options) -> None:
    """Deploy a build that was sent before."""

    async def work(deployer: Deployer, terms: Terms) -> Result:
        return await deployer.promote(app, environment, build_id, terms)

    _show(desk, _deploy(desk, work, app, environment, options, f"promoting build {build_id} to {app}/{environment}"))


def rollback(desk: Desk, app: str, environment: str, build_id: str | None, options: Options) -> None:
    """Deploy an earlier build."""

    async def work(deployer: Deployer, terms: Terms) -> Result:
        return await deployer.rollback(app, environment, build_id, terms)

    to = f"build {build_id}" if build_id else "the build before"
    _show(desk, _deploy(desk, work, app, environment, options, f"{app}/{environment}: back to {to}"))


def _existing(desk: Desk, path: Path) -> Existing:
    from flash_jupyter.build.existing import find_existing

    found = find_existing(path)
    if found.changed:
        names = ", ".join(found.changed[:5]) + (f" and {len(found.changed) - 5} more" if len(found.changed) > 5 else "")
        desk.note(f"the build is older than its sources, and is sent as it is; changed since: {names} (--build builds)")
    return found


def _build(desk: Desk, path: Path) -> Existing:
    """Build as `flash build` does, what the build before was of."""
    from flash_jupyter.build.bundle import build
    from flash_jupyter.build.existing import Existing, options_before, source_of

    source = source_of(path)
    options = options_before(source)
    if said := _said(options):
        desk.note(f"building as before: {said}; flash build builds otherwise")
    try:
        with desk.progress(f"building {source.resolve().name}") as tell:
            bundle = build(source, options, lambda each: tell(News(each.step, each.text, each.done, each.total)))
    except KeyboardInterrupt:
        text = "interrupted while building; nothing was sent, and the build of before is as it was"
        raise desk.face.interrupted(text, as_json=desk.as_json) from None
    for note in bundle.notes:
        desk.note(note)
    return Existing(source, bundle.archive, bundle.manifest, ())


def _said(options: BuildOptions) -> str:
    """Write the options of a build as they are typed."""
    given = {
        "--exclude": ",".join(options.exclude),
        "--python-version": options.python or "",
        "--from-magics": options.from_magics,
        "--mothership": options.mothership,
    }
    return " ".join(f"{name} {value}" if isinstance(value, str) else name for name, value in given.items() if value)


def _deploy(
    desk: Desk,
    work: Callable[[Deployer, Terms], Awaitable[Result]],
    app: str,
    environment: str,
    options: Options,
    title: str,
) -> Result:
    from flash_jupyter.deploy.send import Deployer

    place = f"{app}/{environment}"

    async def deploy(link: Link, at_work: Work[Progress, Plan | str]) -> Result:
        return await work(Deployer(link, desk.session.settings), options.terms(at_work))

    back_to = list[str]()

    def ask(about: Plan | str) -> bool:
        question = f"{about}; make {environment} run it?" if isinstance(about, str) else _question(about, *back_to)
        return options.yes or (not desk.as_json and desk.face.confirm(question))

    def read(progress: Progress) -> News:
        back_to.extend(filter(None, [progress.back_to]))
        if progress.plan is None:
            return news_of(progress)
        desk.show_beside(plan_sheet(progress.plan.to_json(), place))
        return News("plan", "comparing with what there is")

    return desk.work(title, deploy, read=read, ask=ask, state=lambda link: _standing(link, app, environment))


def _question(plan: Plan, back_to: str = "") -> str:
    """Ask for what takes something away; on the way back, to which build that goes.

    >>> from flash_jupyter.deploy.plan import Action, Plan, Step
    >>> _question(Plan((Step(Action.DELETE, "ocr", "e1"), Step(Action.REPLACE, "web", "e2"))))
    'delete ocr, and make web anew?'
    >>> _question(Plan((Step(Action.DELETE, "ocr", "e1"),)), "b1")
    'back to build b1: delete ocr?'
    >>> _question(Plan((Step(Action.KEEP, "ocr", "e1"), Step(Action.DELETE, "ocr", "e2"))))
    'delete the second endpoint of ocr (e2)?'
    """
    from flash_jupyter.deploy.plan import Action

    served = {step.name for step in plan.steps if step.action is not Action.DELETE}
    deleted = ", ".join(
        f"the second endpoint of {step.name} ({step.endpoint_id})" if step.name in served else step.name
        for step in plan.of(Action.DELETE)
    )
    replaced = ", ".join(step.name for step in plan.of(Action.REPLACE))
    parts = [f"delete {deleted}" if deleted else "", f"make {replaced} anew" if replaced else ""]
    return f"{f'back to build {back_to}: ' if back_to else ''}{', and '.join(filter(None, parts))}?"


async def _standing(link: Link, app: str, environment: str) -> str:
    """Say in one line what an interrupt has left."""
    from flash_jupyter.deploy.apps import AppDesk

    try:
        view = await AppDesk(link).environment(app, environment)
    except FlashError as failure:
        return f"interrupted; {failure.message}"
    runs = f"runs build {view.build_id}" if view.build_id else "runs no build"
    names = ", ".join(each.name for each in view.endpoints) or "no endpoints"
    return f"interrupted; {app}/{environment} {runs}, with {names}; flash deploy info {environment} shows it"


def _show(desk: Desk, result: Result, more: dict[str, Any] | None = None) -> None:
    document = result.to_json()
    desk.show(result_sheet(document), {"deployment": {**document, **(more or {})}})
