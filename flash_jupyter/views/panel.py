"""The panel of `%flash` as a frontend without widgets has it, and as the notebook saves it: what runs, and what ran.

Pure: `Overview.to_json` of the session in, a mime bundle out. The buttons are another output beside it
(`views/controls.py`): an output that holds a widget shows nothing but an error in a notebook that is opened again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flash_jupyter.quantities import read_time
from flash_jupyter.views.format import escape, plural
from flash_jupyter.views.listing import endpoints_sheet, jobs_sheet, runpod_in_use
from flash_jupyter.views.sheet import STYLE, sheet_html, sheet_text

JOBS_SHOWN = 8
AGAIN = "%flash, run again, shows the state of now, with buttons"
#: JupyterLab and Notebook 7 draw an output whose widget is gone as a text without any element: in the output below the
#: panel, which is the one with the buttons, the line that says how to get them back stands in its place
_GONE = ".jp-OutputArea-child:has(.flash-panel) + .jp-OutputArea-child > .jp-OutputArea-output:not(:has(*))"
GUARD = f"""\
<style>
{_GONE} {{visibility: hidden; position: relative}}
{_GONE}::after {{content: "{AGAIN}"; visibility: visible; position: absolute; left: 0; opacity: .75; font-size: 90%}}
.flash-panel {{padding-top: .2em}}
.flash-head {{font-size: 90%; opacity: .75; margin-bottom: .5em}}
</style>"""


def panel_bundle(overview: Mapping[str, Any]) -> dict[str, str]:
    """Make the mime bundle of the panel."""
    now = read_time(overview["at"])
    assert now is not None
    endpoints, jobs = overview["endpoints"], overview["jobs"]
    head = head_line(overview)
    shown = shown_jobs(jobs)
    listings = [endpoints_sheet(endpoints, now)]
    if jobs:
        listings.append(jobs_sheet(shown, now))
    left = f"{len(jobs) - len(shown)} older jobs: %flash jobs" if len(jobs) > len(shown) else ""
    tables = "".join(map(sheet_html, listings))
    foot = f'<div class="flash-head">{escape(left)}</div>' if left else ""
    return {
        "text/plain": "\n\n".join([head, *map(sheet_text, listings), *filter(None, [left])]),
        "text/html": (
            f'{STYLE}{GUARD}<div class="flash-panel"><div class="flash-head">{escape(head)}</div>{tables}{foot}</div>'
        ),
    }


def head_line(overview: Mapping[str, Any]) -> str:
    """Say in one line which Runpod this is, whose, how much is going on, and when that was so (UTC).

    >>> head_line({"backend": "local", "local_running": False, "owner": "ann", "endpoints": [], "jobs": [],
    ...            "at": "2026-11-22T12:00:03.25+00:00"})
    'the local Runpod (not running: the next remote cell starts it) · owner ann · 2026-11-22 12:00:03 UTC'
    """
    open_jobs = sum(is_open(job) for job in overview["jobs"])
    parts = [
        runpod_in_use(overview),
        f"owner {overview['owner']}",
        plural(len(overview["endpoints"]), "endpoint"),
        plural(open_jobs, "open job"),
        f"{overview['at'][:19].replace('T', ' ')} UTC",
    ]
    return " · ".join(part for part in parts if not part.startswith("0 "))


def is_open(job: Mapping[str, Any]) -> bool:
    """Whether a job has not ended."""
    return job["state"] in ("IN_QUEUE", "IN_PROGRESS")


def shown_jobs(jobs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the jobs that the panel lists: those that are open, then the newest of the others."""
    open_jobs = [job for job in jobs if is_open(job)]
    ended = [job for job in jobs if not is_open(job)]
    return [*open_jobs, *ended[: max(0, JOBS_SHOWN - len(open_jobs))]]
