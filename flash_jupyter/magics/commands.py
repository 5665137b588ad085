"""`%flash WORD` as the command line has it: the same functions, with a notebook as their face.

Nobody is asked in a notebook, as in a program: what deletes says what it would delete, and takes --yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from flash_jupyter.errors import OptionError
from flash_jupyter.magics.source import find_source
from flash_jupyter.magics.usage import interrupts_without_our_frames
from flash_jupyter.views.format import one_line
from flash_jupyter.views.progress import News, ProgressCard
from flash_jupyter.views.publisher import Publisher
from flash_jupyter.views.sheet import Sheet, json_bundle, sheet_bundle

if TYPE_CHECKING:
    from flash_jupyter.session.session import Session

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

    def errors(self, *, as_json: bool) -> AbstractContextManager[None]:  # noqa: ARG002
        """Leave errors to the notebook, which shows them."""
        return nullcontext()

    def session(self) -> AbstractContextManager[Session]:
        """Give the kernel's session, which stays open."""
        return nullcontext(self._session)

    def show(self, sheet: Sheet | str) -> None:
        """Display a sheet, or a text."""
        self._publisher.publish({"text/plain": sheet} if isinstance(sheet, str) else sheet_bundle(sheet))

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
        card = ProgressCard(self._publisher, title)
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
        from flash_jupyter.build.existing import find_manifest

        if find_manifest(Path()) is not None:
            return Path()
        try:
            return find_source([], "deploy send", self._shell, self._session.settings)
        except OptionError:
            return Path()


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
            where = wrong.ctx.command_path if wrong.ctx else f"%flash {word}"
            raise OptionError(f"{where}: {text[0].lower()}{text[1:]}", fix=_how(wrong, word)) from None
        return
    except typer.Abort:  # what older versions of typer make of an interrupt
        code = INTERRUPTED
    if code == INTERRUPTED:  # typer keeps the exception; *Run All* has to stop here
        with interrupts_without_our_frames():
            raise face.stopped or KeyboardInterrupt
    if code:
        raise OptionError(f"%flash {word} ended with code {code}", fix=f"see %flash {word} --help")


def _how(wrong: Any, word: str) -> str:
    """Say how a command is written, where the mistake knows which one it was."""
    if wrong.ctx is None:
        return f"see %flash {word} --help"
    command = wrong.ctx.command
    commands = "|".join(name for name, each in getattr(command, "commands", {}).items() if not each.hidden)
    parts = [commands and (f"[{commands}]" if command.invoke_without_command else commands)]
    for each in command.params:
        value = each.name.upper()
        if each.param_type_name == "option":
            value = each.opts[0] if each.is_flag else f"{each.opts[0]} {value}"
        parts.append(value if each.required else f"[{value}]")
    return f"write {' '.join(filter(None, [wrong.ctx.command_path, *parts]))}; more with --help"
