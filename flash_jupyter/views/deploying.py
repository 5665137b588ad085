"""How a deploy goes on: its steps with their times, and a bar for what can be counted. Pure."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from flash_jupyter.views.card import CARD
from flash_jupyter.views.format import duration, size

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
class StepTime:
    """A step that was met; `seconds` are None while it runs."""

    step: str
    seconds: float | None = None


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


def deploying_bundle(title: str, steps: Sequence[StepTime], news: News | None) -> dict[str, str]:
    """Draw work that runs, or with no news work that is over.

    >>> deploying_bundle("shop to live", [StepTime("upload", 1.5), StepTime("apply")], News("apply", "making a", 1, 2)
    ...                  )["text/plain"]
    'shop to live · making a · 1 of 2 endpoints'
    """
    facts = [news.text, count_text(news)] if news else [_took(steps)]
    rows = [f"<div>{html.escape(title)}</div>", f"<div>{_steps(steps)}</div>"]
    if news:
        rows.append(f'<div style="opacity:.75">{html.escape(" · ".join(filter(None, facts)))}</div>')
    if news and news.total:
        rows.append(f'<progress value="{news.done}" max="{news.total}" style="width:20em;max-width:100%"></progress>')
    plain = " · ".join(filter(None, [title, *facts]))
    return {"text/plain": plain, "text/html": f"{CARD}{''.join(rows)}</div>"}


def _took(steps: Sequence[StepTime]) -> str:
    timed = [f"{_title(each)} {duration(each.seconds)}" for each in steps if each.seconds is not None]
    return f"took {' · '.join(timed)}" if timed else ""


def _steps(steps: Sequence[StepTime]) -> str:
    """Draw the steps: those that are over with their times, the one that runs in bold."""
    drawn = [
        f"<strong>{html.escape(_title(each))}</strong>"
        if each.seconds is None
        else f'<span style="opacity:.75">{html.escape(_title(each))} {duration(each.seconds)}</span>'
        for each in steps
    ]
    return '<span style="opacity:.7"> → </span>'.join(drawn)


def _title(step: StepTime) -> str:
    return TITLES.get(step.step, step.step)
