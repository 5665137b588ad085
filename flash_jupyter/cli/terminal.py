"""The terminal as a face of commands: rich tables and bars where it is one, plain lines where it is a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from flash_jupyter.cli.output import FAILED, error_text, errors, print_json, usage
from flash_jupyter.errors import FlashError
from flash_jupyter.settings import read_settings
from flash_jupyter.views.format import shortened
from flash_jupyter.views.progress import News, count_text
from flash_jupyter.views.sheet import Column, Rows, Sheet, sheet_text

if TYPE_CHECKING:
    from flash_jupyter.session.session import Session

#: of a step's text; the bar beside it needs room too
TEXT_CHARACTERS = 44
#: the key of what a row of a table is about
NAME = "name"
#: a width that no table has
WIDEST = 100_000


class Terminal:
    """Results go to stdout; what goes on, questions and notes go to stderr."""

    def __init__(self) -> None:
        self._bar: _Bar | None = None

    def errors(self, *, as_json: bool) -> AbstractContextManager[None]:
        """End the command with the error's text on stderr."""
        return errors(as_json)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session, and close it."""
        from flash_jupyter.session.session import Session

        session = Session(read_settings())
        try:
            yield session
        finally:
            session.close()

    def show(self, sheet: Sheet | str) -> None:
        """Print a sheet, or a text."""
        with self._paused():
            if isinstance(sheet, str):
                typer.echo(sheet)
            else:
                print_sheet(sheet, Console(file=sys.stdout))

    def show_json(self, document: Mapping[str, Any]) -> None:
        """Print one object."""
        print_json(document)

    def note(self, text: str) -> None:
        """Print a line."""
        with self._paused():
            typer.echo(text, err=True)

    def confirm(self, question: str) -> bool:
        """Ask; the end of the input and Ctrl-C are a no."""
        with self._paused():
            try:
                return typer.confirm(question, err=True)
            except typer.Abort:
                typer.echo(err=True)
                return False

    def retype(self, name: str) -> bool:
        """Ask for the name, once."""
        with self._paused():
            try:
                return bool(typer.prompt(f"type {name} to delete it", err=True, default="", show_default=False) == name)
            except typer.Abort:
                typer.echo(err=True)
                return False

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[News], None]]:
        """Show bars in a terminal, and a line a step elsewhere."""
        console = Console(stderr=True)
        if not console.is_terminal:
            yield _Lines()
            return
        self._bar = _Bar(console, title)
        try:
            with self._bar:
                yield self._bar
        finally:
            self._bar = None

    def interrupted(self, text: str, *, as_json: bool) -> BaseException:
        """Write the line, and end with code 1."""
        typer.echo(error_text(Interrupted(text), as_json=as_json), err=True)
        return typer.Exit(FAILED)

    def misused(self, message: str, *, fix: str, as_json: bool) -> BaseException:
        """Write what is wrong, and end with code 2."""
        return usage(message, as_json=as_json, fix=fix)

    def default_source(self) -> Path:
        """Return the current folder."""
        return Path()

    @contextmanager
    def _paused(self) -> Iterator[None]:
        """Take the bar away while something else is written."""
        if self._bar is None:
            yield
            return
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()


class Interrupted(FlashError):
    """Somebody pressed Ctrl-C; the text says what there is now."""


class _Lines:
    """A line for every step, for logs."""

    def __init__(self) -> None:
        self._step = ""

    def __call__(self, news: News) -> None:
        if news.step != self._step:
            self._step = news.step
            typer.echo(f"{news.text}...", err=True)


class _Bar:
    """The steps below each other, each with its bar where it can be counted."""

    def __init__(self, console: Console, title: str) -> None:
        self._shown = Progress(
            SpinnerColumn(finished_text="·"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._console, self._title, self._step = console, title, ""
        self._task: TaskID | None = None

    def __enter__(self) -> _Bar:
        self._console.print(Text(self._title))
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Draw it."""
        self._shown.start()

    def stop(self) -> None:
        """Take it away."""
        self._shown.stop()

    def __call__(self, news: News) -> None:
        if news.step != self._step:
            self._end()
            self._step = news.step
            self._task = self._shown.add_task(shortened(news.text, TEXT_CHARACTERS), total=None, count="")
        if self._task is not None:
            total = news.total or None
            self._shown.update(
                self._task,
                description=shortened(news.text, TEXT_CHARACTERS),
                total=total,
                completed=news.done,
                count=count_text(news),
            )

    def _end(self) -> None:
        """The step is over; what it counted is full by then, or stopped there."""
        if self._task is not None:
            self._shown.stop_task(self._task)
            total = next(task.total for task in self._shown.tasks if task.id == self._task)
            self._shown.update(self._task, total=total or 1, completed=total or 1)


def print_sheet(sheet: Sheet, console: Console) -> None:
    """Print a sheet in a terminal as wide as it is; where it is none, as plain text that no width cuts."""
    if not console.is_terminal:
        console.file.write(f"{sheet_text(sheet)}\n")
        return
    for part in sheet:
        if isinstance(part, str):
            console.print(Text(part), soft_wrap=True)
        else:
            _print_rows(part, console)


def _print_rows(part: Rows, console: Console) -> None:
    """Print a table; where it is too wide, what will be copied stands whole on lines of its own below it."""
    drawn = _table(part.rows, part.shown)
    whole = [column for column in part.shown if column.is_whole]
    unlimited = console.options.update(width=WIDEST)
    if not whole or Measurement.get(console, unlimited, drawn).maximum <= console.width:
        console.print(drawn)
        return
    console.print(_table(part.rows, [column for column in part.shown if not column.is_whole]))
    for row in part.rows:
        for column in whole:
            if text := row.get(column.key):
                console.print(Text(f"{row[NAME]}: {text}"), soft_wrap=True)


def _table(rows: Sequence[Mapping[str, str]], columns: Sequence[Column]) -> Table:
    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        drawn.add_column(column.title, justify="right" if column.is_number else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(row.get(column.key) or "") for column in columns))
    return drawn
