"""`flash local faults`, `clock`, `limits`: the platform's bad days on demand, time that passes, a new minute."""

from __future__ import annotations

import textwrap
from typing import Annotated, Any

import typer

from flash_jupyter.cli.desk import at_desk
from flash_jupyter.cli.output import Json
from flash_jupyter.session.local_admin import LocalAdmin, fault_table
from flash_jupyter.settings import read_settings

#: fits into a terminal of 80 columns, with the frame that typer draws
_WIDTH, _INDENT = 76, 18
_TITLES = {
    "workers": "Workers",
    "jobs": "Jobs",
    "requests": "Requests",
    "uploads": "Uploads",
    "creation": "Creating endpoints",
}
_INTRODUCTION = """\
Faults of the embedded Runpod, on demand: what Runpod shows on a bad day.

A fault hits all endpoints, or with --endpoint the one of a name or an id, or those of a pattern such as 'flash-*'.
--times ends it after so many hits, --every lets only each second, third ... occasion be hit, and --route (of the
faults of requests) names the operation: run runsync status stream cancel retry purge-queue health metrics requests,
and of the control plane create list get update delete workers releases logs graphql. Requests of workers are never
hit, and those about no endpoint, such as create and list, only without --endpoint.

Or by name: an endpoint that is called demo--fault-throttled has the fault from its creation on, as long as it has
that name. -30s and -x2 behind it are its seconds and its times: demo--fault-slow-pull-30s--fault-500-x2.

Or over HTTP, from any program: GET $RUNPOD_API_BASE_URL/_flash/faults lists those that are set, POST there sets one
and DELETE takes all back, or with ?kind=throttled those of a name. The body of the POST says what the options here
do: {"kind": "500", "endpoint": "demo", "route": "run", "hardware": ["ADA_24"], "seconds": 3, "times": 2, "every": 1},
where only the kind must be, and a fault refuses what means nothing to it. All three want the key as a header,
Authorization: Bearer $RUNPOD_API_KEY; both variables are what `flash local env` prints.

What is set is gone with `clear`, and when the embedded Runpod ends; faults in names last as long as their endpoints.
"""


def help_text() -> str:
    """Return the reference: how a fault is set, and all there are."""
    blocks = [textwrap.fill(block, _WIDTH, break_on_hyphens=False) for block in _INTRODUCTION.strip().split("\n\n")]
    for at, title in _TITLES.items():
        rows = [_row(name, row) for name, row in fault_table().items() if row["at"] == at]
        blocks.append(f"{title}:\n" + "\n".join(rows))
    return "\b\n" + "\n\n\b\n".join(blocks)


def _row(name: str, row: dict[str, Any]) -> str:
    texts = [f"{row['what']}.", f"Shows: {row['shows']}."]
    if row["seconds_mean"]:
        default = "" if row["seconds"] is None else f" (default {row['seconds']:g})"
        texts.append(f"--seconds {row['seconds_mean']}{default}.")
    lines = [line for text in texts for line in textwrap.wrap(text, _WIDTH - _INDENT, break_on_hyphens=False)]
    labels = [f"  {name}", *[""] * (len(lines) - 1)]
    return "\n".join(f"{label:<{_INDENT}}{line}" for label, line in zip(labels, lines, strict=True))


app = typer.Typer(help=help_text(), no_args_is_help=True)

Endpoint = Annotated[str | None, typer.Option(help="name, id or pattern of the endpoints (default: all)")]
Route = Annotated[str | None, typer.Option(help="operation, such as run or create (default: all)")]
Hardware = Annotated[str | None, typer.Option(help="pools or CPU flavours, with commas between (default: all)")]
Seconds = Annotated[float | None, typer.Option(min=0, help="what it means stands with each fault")]
Times = Annotated[int | None, typer.Option(min=1, help="hit so often (default: until it is cleared)")]
Every = Annotated[int | None, typer.Option(min=1, help="hit each second, third ... occasion only (default: 1)")]


@app.command("list")
def list_faults(context: typer.Context, as_json: Json = False) -> None:
    """List the faults that are set, and how often they have hit."""
    with at_desk(context, as_json=as_json) as desk:
        faults = LocalAdmin(read_settings()).faults()
        desk.show([*map(_line, faults)] or ["no fault is set"], {"faults": faults})


@app.command("set")
def set_fault(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="one of the list in `flash local faults --help`")],
    endpoint: Endpoint = None,
    route: Route = None,
    hardware: Hardware = None,
    seconds: Seconds = None,
    times: Times = None,
    every: Every = None,
    as_json: Json = False,
) -> None:
    """Set a fault; it hits from now on."""
    pools = None if hardware is None else hardware.split(",")
    with at_desk(context, as_json=as_json) as desk:
        fault = LocalAdmin(read_settings()).set_fault(
            name, endpoint=endpoint, route=route, hardware=pools, seconds=seconds, times=times, every=every
        )
        desk.show([_line(fault)], fault)


@app.command()
def clear(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="clear only those of this name (default: all)")] = None,
    as_json: Json = False,
) -> None:
    """Take faults back; those in endpoints' names stay."""
    with at_desk(context, as_json=as_json) as desk:
        removed = LocalAdmin(read_settings()).clear_faults(name)
        desk.show([f"cleared: {removed}"], {"removed": removed})


def clock(
    context: typer.Context,
    advance: Annotated[float | None, typer.Option(min=0.001, help="put it forward by so many seconds")] = None,
    as_json: Json = False,
) -> None:
    """Show the embedded Runpod's clock, or put it forward: retention, idle timeouts, time limits, expiry and billing.

    It never goes back; a server that is started anew has the machine's time again.
    """
    with at_desk(context, as_json=as_json) as desk:
        admin = LocalAdmin(read_settings())
        shown = admin.clock() if advance is None else admin.advance_clock(advance)
        desk.show([f"{shown['now']}  {shown['ahead_s']:g} s ahead"], shown)


def limits(
    context: typer.Context,
    reset: Annotated[bool, typer.Option("--reset", help="forget what was counted")] = False,
    as_json: Json = False,
) -> None:
    """Show how many requests the control plane has counted, as Runpod's does, or let it forget them."""
    with at_desk(context, as_json=as_json) as desk:
        admin = LocalAdmin(read_settings())
        windows = admin.reset_limits() if reset else admin.limits()
        desk.show([*map(_window, windows)], {"limits": windows})


def _window(window: dict[str, Any]) -> str:
    """Return one limit in a line.

    >>> _window({"name": "minute", "quota": 60, "used": 12, "resets_in_s": 34})
    'minute  12 of 60 requests, forgotten in 34 s'
    >>> _window({"name": "day", "quota": 50000, "used": 0, "resets_in_s": 0})
    'day     0 of 50,000 requests'
    """
    ends = f", forgotten in {window['resets_in_s']:,} s" if window["used"] else ""
    return f"{window['name']:<6}  {window['used']:,} of {window['quota']:,} requests{ends}"


def _line(fault: dict[str, Any]) -> str:
    """Return one fault in a line.

    >>> _line({"kind": "500", "endpoint": "*", "route": "run", "hardware": [], "seconds": None, "times": 2, "every": 1,
    ...        "hits": 1, "by_name": False})
    '500  endpoint=* route=run times=2 every=1  hits: 1'
    """
    shown = ("endpoint", "route", "hardware", "seconds", "times", "every")
    given = " ".join(f"{name}={_text(fault[name])}" for name in shown if fault[name] not in (None, "", []))
    return f"{fault['kind']}  {given}  hits: {fault['hits']}" + ("  (in the name)" if fault["by_name"] else "")


def _text(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)
