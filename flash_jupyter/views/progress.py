"""How a build, a preview or a deploy goes on: its steps with their times, and a bar for what can be counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flash_jupyter.views.card import CARD
from flash_jupyter.views.format import duration, escape, size
from flash_jupyter.views.publisher import Display, Publisher

#: between two drawings of the same step, in seconds
REDRAW_S = 0.2
#: step -> what it counts; what is not here has no bar
UNITS = {"upload": "bytes", "apply": "endpoints", "wait": "endpoints", "smoke": "functions", "remove": "endpoints"}
#: step -> its name in a row of steps; the news itself say more
TITLES = {
    "turn": "another deploy",
    "upload": "upload",
    "trial": "trial",
    "plan": "plan",
    "apply": "roll-out",
    "wait": "workers",
    "smoke": "smoke requests",
    "rollback": "rollback",
    "remove": "removal",
}


@dataclass(frozen=True)
class News:
    """What is going on: `done` of `total` are bytes or endpoints; a `total` of 0 says nothing."""

    step: str
    text: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Step:
    """A step that was met; `seconds` are None while it runs."""

    name: str
    seconds: float | None = None


class ProgressCard:
    """The display of work that goes on, updated in place."""

    def __init__(self, publisher: Publisher, title: str) -> None:
        self._display, self._title = Display(publisher), title
        self.steps: list[Step] = []
        self._began_at = self._drawn_at = 0.0

    def tell(self, news: News) -> None:
        """Something goes on; each step is drawn at once, what happens within it a few times a second."""
        now = time.monotonic()
        is_new = not self.steps or self.steps[-1].name != news.step
        if is_new:
            self._end_step(now)
            self.steps.append(Step(news.step))
            self._began_at = now
        if is_new or now - self._drawn_at >= REDRAW_S:
            self._drawn_at = now
            self._display.show(progress_bundle(self._title, self.steps, news))

    def close(self) -> None:
        """It is over; what it led to is shown below."""
        if self.steps:
            self._end_step(time.monotonic())
            self._display.show(progress_bundle(self._title, self.steps, None))

    def become(self, draw: Callable[[Sequence[Step]], Mapping[str, str]]) -> None:
        """It is over; what it led to is shown in its place, drawn with the times of its steps."""
        self._end_step(time.monotonic())
        self._display.show(draw(self.steps))

    def _end_step(self, now: float) -> None:
        if self.steps:
            self.steps[-1] = Step(self.steps[-1].name, now - self._began_at)


def count_text(news: News) -> str:
    """Say how far it is.

    >>> count_text(News("upload", "", 500_000, 2_000_000)), count_text(News("apply", "", 1, 3))
    ('0.5 MB of 2.0 MB', '1 of 3 endpoints')
    >>> count_text(News("plan", "comparing"))
    ''
    """
    if not news.total:
        return ""
    unit = UNITS.get(news.step, "")
    if unit == "bytes":
        return f"{size(news.done)} of {size(news.total)}"
    return f"{news.done} of {news.total} {unit}".rstrip()


def progress_bundle(title: str, steps: Sequence[Step], news: News | None) -> dict[str, str]:
    """Draw work that runs, or with no news work that is over.

    >>> progress_bundle("shop to live", [Step("upload", 1.5), Step("apply")], News("apply", "making a", 1, 2)
    ...                  )["text/plain"]
    'shop to live · making a · 1 of 2 endpoints'
    """
    facts = [news.text, count_text(news)] if news else [took_text(steps)]
    rows = [f"<div>{escape(title)}</div>", f"<div>{_steps(steps)}</div>"]
    if news:
        rows.append(f'<div style="opacity:.75">{escape(" · ".join(filter(None, facts)))}</div>')
    if news and news.total:
        rows.append(f'<progress value="{news.done}" max="{news.total}" style="width:20em;max-width:100%"></progress>')
    plain = " · ".join(filter(None, [title, *facts]))
    return {"text/plain": plain, "text/html": f"{CARD}{''.join(rows)}</div>"}


def took_text(steps: Sequence[Step]) -> str:
    """Say what the steps took that are over; empty where there are none."""
    timed = [f"{_title(each)} {duration(each.seconds)}" for each in steps if each.seconds is not None]
    return f"took {' · '.join(timed)}" if timed else ""


def _steps(steps: Sequence[Step]) -> str:
    """Draw the steps: those that are over with their times, the one that runs in bold."""
    drawn = [
        f"<strong>{escape(_title(each))}</strong>"
        if each.seconds is None
        else f'<span style="opacity:.75">{escape(_title(each))} {duration(each.seconds)}</span>'
        for each in steps
    ]
    return '<span style="opacity:.7"> → </span>'.join(drawn)


def _title(step: Step) -> str:
    return TITLES.get(step.name, step.name)
