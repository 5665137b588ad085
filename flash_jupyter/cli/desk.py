"""What all commands have in common, in a terminal and in a notebook: a session, a face, JSON, questions."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar, cast

import typer

from flash_jupyter.cli.output import FAILED
from flash_jupyter.cli.work import Work
from flash_jupyter.errors import FlashError
from flash_jupyter.views.progress import News
from flash_jupyter.views.sheet import Sheet

if TYPE_CHECKING:
    from flash_jupyter.deploy.terms import Progress
    from flash_jupyter.session.links import Link
    from flash_jupyter.session.session import Session

T = TypeVar("T")
Told = TypeVar("Told")
About = TypeVar("About")

#: seconds that a look may take, after an interrupt, at what there is now
STATE_S = 15.0
LEFT = "left before it had ended, so this may change yet: "

AppName = Annotated[
    str | None,
    typer.Option("--app-name", "--app", "-a", help="the app (default: what the build here is called, or the folder)"),
]


class Face(Protocol):
    """Where a command speaks. In a notebook nobody is asked: `confirm` and `retype` raise what to write instead."""

    def errors(self, *, as_json: bool) -> AbstractContextManager[None]:
        """Say what goes wrong within as it is the way there."""

    def session(self) -> AbstractContextManager[Session]:
        """Give a session for one command."""

    def show(self, sheet: Sheet | str) -> None:
        """Show what was asked for; a text is one of a program, and stays as it is."""

    def show_json(self, document: Mapping[str, Any]) -> None:
        """Show one object."""

    def note(self, text: str) -> None:
        """Say something beside the result."""

    def confirm(self, question: str) -> bool:
        """Ask yes or no."""

    def retype(self, name: str) -> bool:
        """Ask for a name to be typed, and say whether it was."""

    def progress(self, title: str) -> AbstractContextManager[Callable[[News], None]]:
        """Show how work goes on, until the context ends; `confirm` may be asked within."""

    def interrupted(self, text: str, *, as_json: bool) -> BaseException:
        """Say what an interrupt left, and return what ends the command."""

    def misused(self, message: str, *, fix: str, as_json: bool) -> BaseException:
        """Say what is wrong with the command, and return what ends it."""

    def default_source(self) -> Path:
        """Return what is deployed where no path is given."""


class Desk:
    """One command at work; `opened` closes what it has opened."""

    def __init__(self, face: Face, opened: ExitStack, *, as_json: bool) -> None:
        self.face, self.as_json, self._opened = face, as_json, opened

    @cached_property
    def session(self) -> Session:
        """The session, opened when it is needed first."""
        return self._opened.enter_context(self.face.session())

    @property
    def link(self) -> Link:
        """The connection to the backend in use; the embedded Runpod is started where it is that."""
        return self.session.links.open(self.session.settings.backend)

    def call(self, work: Callable[[Link], Coroutine[Any, Any, T]]) -> T:
        """Do something over there that is done in one go, and wait for it."""
        try:
            return self.session.loop.call(work(self.link))
        except KeyboardInterrupt:
            text = "interrupted; flash app list shows what there is"
            raise self.face.interrupted(text, as_json=self.as_json) from None

    def show(self, sheet: Sheet | str, document: Mapping[str, Any]) -> None:
        """Show the sheet, or with --json the document."""
        if self.as_json:
            self.face.show_json(document)
        else:
            self.face.show(sheet)

    def note(self, text: str) -> None:
        """Say something beside the result; a program reads it in the document."""
        if not self.as_json:
            self.face.note(text)

    def confirm(self, question: str, *, yes: bool, name: str = "", sheet: Sheet = ()) -> None:
        """Ask before something is deleted, and for its name where one is given; a no ends the command.

        What would be deleted is shown first. With --yes nobody is asked, and with --json alone it is a usage error.
        """
        if yes:
            return
        if self.as_json:
            message = "nobody can be asked with --json; nothing was deleted"
            raise self.face.misused(message, fix="add --yes", as_json=True)
        if sheet:
            self.face.show(sheet)
        if not self.face.confirm(question) or (name and not self.face.retype(name)):
            self.note("nothing was deleted")
            raise typer.Exit(FAILED)

    def show_beside(self, sheet: Sheet) -> None:
        """Show what is not the result; a program reads it in the document."""
        if sheet and not self.as_json:
            self.face.show(sheet)

    def progress(self, title: str) -> AbstractContextManager[Callable[[News], None]]:
        """Show how work goes on, unless a program asked for it."""
        return nullcontext(_ignore) if self.as_json else self.face.progress(title)

    def work(
        self,
        title: str,
        make: Callable[[Link, Work[Told, About]], Coroutine[Any, Any, T]],
        *,
        read: Callable[[Told], News],
        ask: Callable[[About], bool] = lambda _about: False,
        state: Callable[[Link], Coroutine[Any, Any, str]],
    ) -> T:
        """Do what takes long, with its progress; an interrupt lets it end what it has begun, and `state` says where.

        `read` makes news of what the work tells.
        """
        link, work = self.link, None
        try:
            with self.progress(title) as tell:
                work = Work[Told, About](self.session.loop, tell=lambda told: tell(read(told)), ask=ask, told=self.note)
                return work.run(make(link, work))
        except KeyboardInterrupt:
            left = "" if work is None or work.is_over else LEFT
            raise self.face.interrupted(left + self._state(state), as_json=self.as_json) from None

    def _state(self, state: Callable[[Link], Coroutine[Any, Any, str]]) -> str:
        try:
            return self.session.loop.call(state(self.link), timeout_s=STATE_S)
        except (FlashError, KeyboardInterrupt, concurrent.futures.TimeoutError):
            return "interrupted, and what there is now could not be listed; see flash app list"


def news_of(progress: Progress) -> News:
    """Return what a deploy tells as views draw it."""
    return News(progress.step, progress.text, progress.done, progress.total)


def _ignore(_news: News) -> None:
    """A program reads the result."""


@contextmanager
def at_desk(context: typer.Context, *, as_json: bool) -> Iterator[Desk]:
    """Give what a command needs; `context.obj` is the face of a notebook, or nothing in a terminal."""
    face = face_of(context)
    with face.errors(as_json=as_json), ExitStack() as opened:
        yield Desk(face, opened, as_json=as_json)


def app_or_default(desk: Desk, app: str | None) -> str:
    """Return the app that is named, else what the build here is called, or would be."""
    from flash_jupyter.build.existing import project_name

    return app or project_name(desk.face.default_source())


def in_notebook(context: typer.Context) -> bool:
    """Whether `%flash` runs the command, in a cell."""
    return context.obj is not None


def face_of(context: typer.Context) -> Face:
    """Return where a command speaks: the notebook that runs it, or the terminal."""
    if context.obj is not None:
        return cast("Face", context.obj)
    from flash_jupyter.cli.terminal import Terminal

    return Terminal()
