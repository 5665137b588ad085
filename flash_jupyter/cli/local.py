"""`flash local`: the embedded Runpod of this machine. A thin face over `session/local.py`."""

from __future__ import annotations

import shlex
from collections import deque
from typing import Annotated

import typer

from flash_jupyter.cli import faults, secrets
from flash_jupyter.cli.desk import at_desk
from flash_jupyter.cli.output import Json
from flash_jupyter.session.local import LocalInfo, local_info, start_local, stop_local
from flash_jupyter.settings import read_settings

app = typer.Typer(help="The embedded Runpod of this machine.", no_args_is_help=True)
app.add_typer(faults.app, name="faults")
app.add_typer(secrets.app, name="secrets")
app.add_typer(secrets.keys, name="keys")
app.command("clock")(faults.clock)
app.command("limits")(faults.limits)


@app.command()
def start(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="port to listen on (default: the last one, else a free one)")] = None,
    as_json: Json = False,
) -> None:
    """Start it, or say where it runs."""
    with at_desk(context, as_json=as_json) as desk:
        info = start_local(read_settings(), port=port)
        desk.show([f"the embedded Runpod {info.version} runs at {info.url} (pid {info.pid})"], _document(info))


@app.command()
def stop(context: typer.Context, as_json: Json = False) -> None:
    """End it and its workers; queued jobs run when it is started again."""
    with at_desk(context, as_json=as_json) as desk:
        stopped = stop_local(read_settings())
        desk.show(["stopped" if stopped else "it does not run"], {"stopped": stopped})


@app.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """Say whether it runs, and where."""
    with at_desk(context, as_json=as_json) as desk:
        info = local_info(read_settings())
        text = "it does not run; the first cell, or `flash local start`, starts it"
        if info is not None:
            text = f"{info.url}  pid {info.pid}  version {info.version}  since {info.started_at}"
        desk.show([text], {"running": info is not None, **(_document(info) if info else {})})


@app.command()
def logs(
    context: typer.Context,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="how many of the last lines")] = 50,
    as_json: Json = False,
) -> None:
    """Print the end of the server's own log; workers' logs: `flash logs NAME`."""
    path = read_settings().local_dir / "server.log"
    tail: list[str] = []
    if path.is_file():
        with path.open(errors="replace") as file:
            tail = [line.rstrip("\n") for line in deque(file, maxlen=lines)]
    with at_desk(context, as_json=as_json) as desk:
        desk.show("\n".join(tail) or f"nothing in {path}", {"path": str(path), "lines": tail})


@app.command()
def env(context: typer.Context, as_json: Json = False) -> None:
    """Print export lines that point the official SDKs at it; it is started when it does not run."""
    with at_desk(context, as_json=as_json) as desk:
        variables = start_local(read_settings()).env()
        lines = (f"export {name}={shlex.quote(value)}" for name, value in variables.items())
        desk.show("\n".join(lines), {"env": variables})


def _document(info: LocalInfo) -> dict[str, object]:
    return {"url": info.url, "api_key": info.api_key, "pid": info.pid, "version": info.version, "env": info.env()}
