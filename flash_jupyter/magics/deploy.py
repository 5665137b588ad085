"""`%flash deploy`, `env`, `app` and `undeploy`: what the command line has, with a notebook as its face.

Nobody is asked in a notebook, as in a program: what deletes says what it would delete, and takes --yes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from flash_jupyter.errors import OptionError
from flash_jupyter.magics.source import find_source
from flash_jupyter.views.deploying import News, StepTime, deploying_bundle
from flash_jupyter.views.format import one_line
from flash_jupyter.views.listing import json_bundle
from flash_jupyter.views.output import Publisher
from flash_jupyter.views.sheet import Sheet, sheet_bundle

if TYPE_CHECKING:
    from flash_jupyter.session.session import Session

#: between two drawings of the same step, in seconds
REDRAW_S = 0.2
#: the exit code that typer makes of an interrupt
INTERRUPTED = 130
#: typer's base of all mistakes in what was typed
_UsageError: Any = typer.BadParameter.__mro__[1]


class NotebookFace:
    """Speaks in the cell that runs."""

    def __init__(self, shell: Any, session: Session, line: str) -> None:
        self._shell, self._session, self._line = shell, session, line
        self._publisher: Publisher = shell.display_pub
        self.stopped: KeyboardInterrupt | None = None

    def session(self, *, as_json: bool) -> AbstractContextManager[Session]:  # noqa: ARG002 - a notebook shows errors
        """Give the kernel's session, which stays open."""
        return nullcontext(self._session)

    def show(self, sheet: Sheet) -> None:
        """Display a sheet."""
        self._publisher.publish(sheet_bundle(sheet))

    def show_json(self, document: Mapping[str, Any]) -> None:
        """Display one object."""
        self._publisher.publish(json_bundle(document))

    def note(self, text: str) -> None:
        """Display a line."""
        self._publisher.publish(one_line(text))

    def confirm(self, question: str) -> bool:
        """Refuse, and say how it is done."""
        raise OptionError(f"nothing was done: {question}", fix=f"write {self._line} --yes")

    def retype(self, name: str) -> bool:
        """Nobody is asked, so nobody types."""
        return self.confirm(f"delete {name}?")

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[News], None]]:
        """Show a card that follows the work."""
        card = DeployCard(self._publisher, title, f"flash-deploy-{time.monotonic_ns()}")
        try:
            yield card.tell
        finally:
            card.close()

    def interrupted(self, text: str, *, as_json: bool) -> BaseException:  # noqa: ARG002
        """Return the interrupt, with one line in place of our frames."""
        self.stopped = KeyboardInterrupt(text)
        self.stopped._render_traceback_ = lambda: [f"KeyboardInterrupt: {text}"]  # type: ignore[attr-defined]
        return self.stopped

    def misused(self, message: str, *, fix: str, as_json: bool) -> BaseException:  # noqa: ARG002
        """Return the error that says what is wrong."""
        return OptionError(message, fix=fix)

    def default_source(self) -> Path:
        """Return this notebook, or its folder where a build is there already, or nobody says which notebook it is."""
        from flash_jupyter.build.bundle import FOLDER
        from flash_jupyter.build.manifest import FILE_NAME

        if (Path(FOLDER) / FILE_NAME).is_file():
            return Path()
        try:
            return find_source([], "deploy send", self._shell, self._session.settings)
        except OptionError:
            return Path()


class DeployCard:
    """The display of work that goes on, updated in place."""

    def __init__(self, publisher: Publisher, title: str, display_id: str) -> None:
        self._publisher, self._title, self._display_id = publisher, title, display_id
        self._steps: list[StepTime] = []
        self._began_at = self._drawn_at = 0.0
        self._news: News | None = None
        self._is_shown = False

    def tell(self, news: News) -> None:
        """Something goes on; each step is drawn at once, what happens within it a few times a second."""
        now = time.monotonic()
        is_new = not self._steps or self._steps[-1].step != news.step
        if is_new:
            self._end_step(now)
            self._steps.append(StepTime(news.step))
            self._began_at = now
        self._news = news
        if is_new or now - self._drawn_at >= REDRAW_S:
            self._draw(now)

    def close(self) -> None:
        """It is over; what it led to is shown below."""
        self._end_step(time.monotonic())
        self._news = None
        if self._is_shown:
            self._draw(time.monotonic())

    def _end_step(self, now: float) -> None:
        if self._steps:
            self._steps[-1] = StepTime(self._steps[-1].step, now - self._began_at)

    def _draw(self, now: float) -> None:
        self._drawn_at = now
        bundle = deploying_bundle(self._title, self._steps, self._news)
        self._publisher.publish(bundle, transient={"display_id": self._display_id}, update=self._is_shown)
        self._is_shown = True


def run_command(shell: Any, session: Session, word: str, arguments: list[str]) -> None:
    """Do what `flash WORD` does.

    Raises `OptionError` for what was typed wrongly, and what the command raises.
    """
    from flash_jupyter.cli.main import app

    line = " ".join(["%flash", word, *arguments])
    command = typer.main.get_command(app)
    face = NotebookFace(shell, session, line)
    try:
        code = command.main([word, *arguments], prog_name="%flash", standalone_mode=False, obj=face)
    except _UsageError as wrong:
        if text := wrong.format_message().rstrip("."):  # without words behind it, the help was shown
            raise OptionError(text, fix=f"see %flash {word} --help") from None
    except typer.Abort:  # what older versions of typer make of an interrupt
        code = INTERRUPTED
    if code == INTERRUPTED:  # typer keeps the exception; *Run All* has to stop here
        raise face.stopped or KeyboardInterrupt
