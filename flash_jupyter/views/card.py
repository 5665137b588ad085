"""How the card of a job looks: steps and facts while it runs, one line that unfolds when it is over. Pure.

Everything reads well without style, without scripts and as text: that is how GitHub, nbconvert and a terminal show it.
Colours are the page's own. What a notebook saves when its kernel dies says which job it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flash_jupyter.states import PHASES
from flash_jupyter.views.format import PLACES, duration, escape, faint, money, one_line
from flash_jupyter.views.timeline import BILLED

#: a job that took this long has a table of its phases
TABLE_FROM_S = 2.0
#: a phase that is over shows its time from here on; one that is billed always
SHOWN_FROM_S = 0.05

#: what our JupyterLab extension draws in place of the HTML: the same, and a button that cancels the job
JOB_VIEW = "application/vnd.flash-jupyter.job+json"

#: begins every card, so that tests and readers know it
CARD = '<div style="font-size:90%;line-height:1.7;padding-left:.8em;border-left:3px solid var(--jp-brand-color1,gray)">'
_TABLE_CELL = "text-align:left;padding:0 1.5em 0 0"


@dataclass(frozen=True)
class Place:
    """Where a job runs; the price is None where nothing is billed, or nothing is known."""

    backend: str
    endpoint: str
    hardware: str = ""
    price_per_hour_usd: float | None = None
    job_id: str = ""


@dataclass(frozen=True)
class Moment:
    """A running job as the card shows it; `phases_s` has those that were met, `seconds` are since the cell began."""

    phase: str
    seconds: float
    phases_s: Mapping[str, float] = field(default_factory=dict)
    place: Place | None = None
    worker_id: str | None = None
    detail: str = ""
    waiting: tuple[str, str] | None = None
    hint: str = ""
    has_button: bool = False


def running_bundle(moment: Moment) -> dict[str, Any]:
    """Draw a job that runs."""
    facts = _facts(moment)
    reason = moment.waiting or ((moment.detail, "") if moment.detail else ())
    plain = " · ".join([moment.phase, whole_seconds(moment.seconds), *facts, *filter(None, reason)])
    rows = [
        f"<div>{_steps(moment)}</div>",
        _row(facts, 0.75),
        *(_row([text], 0.9) for text in reason if text),
        f'<div class="flash-hint" style="opacity:0.75">{escape(moment.hint)}</div>' if moment.hint else "",
    ]
    drawn = {"text/plain": plain, "text/html": f"{CARD}{''.join(rows)}</div>"}
    if not moment.has_button or moment.place is None or not moment.place.job_id:
        return drawn
    return {**drawn, JOB_VIEW: {"job_id": moment.place.job_id}}


def final_bundle(line: str, phases_s: Mapping[str, float], price_per_hour_usd: float | None = None) -> dict[str, str]:
    """Draw a job that is over: a line, and behind it what each phase took and cost.

    >>> final_bundle("ran", {"running": 1.0})["text/html"]
    '<div style="font-size:90%;opacity:.75">ran</div>'
    """
    if sum(phases_s.values()) < TABLE_FROM_S:
        return one_line(line)
    table = _table(phases_s, price_per_hour_usd)
    unfolding = f'<details><summary style="cursor:pointer">{escape(line)}</summary>{table}</details>'
    return {"text/plain": line, "text/html": faint(unfolding)}


def where(place: Place | None) -> list[str]:
    """Say in words where a job runs.

    >>> where(Place("runpod", "trainer", "AMPERE_80", 2.736))
    ['on Runpod', 'trainer', 'AMPERE_80', '$2.74 an hour']
    >>> where(Place("local", "flash-any-py311-me"))
    ['on the local Runpod', 'flash-any-py311-me', 'free']
    """
    if place is None:
        return []
    price = f"{money(place.price_per_hour_usd)} an hour" if place.price_per_hour_usd else ""
    free = "free" if place.backend == "local" else ""
    return [text for text in (f"on {PLACES[place.backend]}", place.endpoint, place.hardware, price, free) if text]


def whole_seconds(seconds: float) -> str:
    """Write a time that goes on: without the digits that only flicker.

    >>> whole_seconds(0.4), whole_seconds(59.9), whole_seconds(200.4)
    ('0 s', '59 s', '3 min 20 s')
    """
    return f"{int(seconds)} s" if seconds < 60 else duration(seconds)


def cost_so_far_usd(price_per_hour_usd: float | None, phases_s: Mapping[str, float]) -> float | None:
    """Return what the billed phases cost, in dollars; None where nothing is billed."""
    if price_per_hour_usd is None:
        return None
    return price_per_hour_usd / 3600 * sum(phases_s.get(name, 0.0) for name in BILLED)


def _facts(moment: Moment) -> list[str]:
    place = moment.place
    if place is None:
        return []
    cost = cost_so_far_usd(place.price_per_hour_usd, moment.phases_s)
    return [
        *where(place),
        *([f"{money(cost) if cost else '$0'} so far"] if cost is not None else []),
        *([f"worker {moment.worker_id}"] if moment.worker_id else []),
        *([f"job {place.job_id}"] if place.job_id else []),
    ]


def _steps(moment: Moment) -> str:
    """Draw the way of the job: what is behind it with its times, where it is, what may come."""
    now = PHASES.index(moment.phase) if moment.phase in PHASES else 0
    steps = []
    for i, name in enumerate(PHASES):
        seconds = moment.phases_s.get(name)
        if name == moment.phase:
            steps.append(f'<strong style="white-space:nowrap">{name} {whole_seconds(seconds or 0.0)}</strong>')
        elif seconds is not None:
            time = f" {duration(seconds)}" if seconds >= SHOWN_FROM_S else ""
            steps.append(f'<span style="opacity:.75;white-space:nowrap">{name}{time}</span>')
        elif i > now and name in ("running", "returning"):
            steps.append(f'<span style="opacity:.7">{name}</span>')
    arrow = '<span style="opacity:.7"> → </span>'
    total = f' <span style="opacity:.75;white-space:nowrap">· {whole_seconds(moment.seconds)} in all</span>'
    return arrow.join(steps) + (total if len(moment.phases_s) > 1 else "")


def _row(texts: Sequence[str], opacity: float) -> str:
    """Draw texts in a row; a line breaks between them, not within, where there are several."""
    wrap = "white-space:nowrap" if len(texts) > 1 else "white-space:normal"
    spans = " · ".join(f'<span style="{wrap}">{escape(text)}</span>' for text in texts if text)
    return f'<div style="opacity:{opacity}">{spans}</div>' if spans else ""


def _table(phases_s: Mapping[str, float], price_per_hour_usd: float | None) -> str:
    """Draw time and, where something is billed, money of each phase."""
    rows: list[Sequence[str]] = []
    for name, seconds in phases_s.items():
        if seconds < SHOWN_FROM_S and name not in BILLED:
            continue
        cost = cost_so_far_usd(price_per_hour_usd, {name: seconds}) if name in BILLED else None
        rows.append((name, duration(seconds), money(cost) if cost is not None else ""))
    width = 2 if price_per_hour_usd is None else 3
    cells = ("".join(f'<td style="{_TABLE_CELL}">{text}</td>' for text in row[:width]) for row in rows)
    body = "".join(f'<tr style="background:none">{row}</tr>' for row in cells)
    return f'<table style="margin:.2em 0 .4em 1em"><tbody>{body}</tbody></table>'
