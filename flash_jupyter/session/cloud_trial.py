"""`flash doctor --cloud`: a small endpoint on Runpod, a cell on it, and its end; it costs money, and says how much."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from flash_jupyter.errors import FlashError
from flash_jupyter.resources.hardware import find_cpu
from flash_jupyter.resources.options import RemoteOptions, make_options
from flash_jupyter.session.cost import Prices
from flash_jupyter.session.doctor import Check, Level
from flash_jupyter.session.events import Event, Phase
from flash_jupyter.session.links import Links
from flash_jupyter.session.session import CellRequest, Session
from flash_jupyter.settings import Settings
from flash_jupyter.transport.loop import LoopThread

CPU = "cpu3c-2-4"
CELL = "1 + 1"
IDLE_S, TIMEOUT_S = 5, 120
#: a worker is billed from its start to its end; longer than this a healthy one does not take, minutes
BILLED_MINUTES = 10


def cost_text(settings: Settings) -> str:
    """Say what will be made and the most that it should cost, by the catalogue's price of today."""
    hour = _usd_per_hour(settings)
    what = f"one CPU endpoint ({CPU}, at most one worker) is made, `{CELL}` runs on it, and it is deleted"
    if hour is None:
        return f"{what}; the catalogue does not say what a CPU worker costs"
    return f"{what}; a worker costs ${hour:.2f} an hour, so at most ${hour * BILLED_MINUTES / 60:.2f}"


def try_out(settings: Settings, tell: Callable[[str], None]) -> list[Check]:
    """Make the endpoint, run the cell, delete the endpoint; `tell` gets what takes time.

    Whatever happens in between, an interrupt included, the endpoint is deleted at the end.
    """
    session = Session(replace(settings, backend="runpod"))
    name = f"flash-doctor-{secrets.token_hex(3)}"
    try:
        return [_run(session, name, tell), _delete(session, name)]
    except BaseException:
        tell(_delete(session, name).text)
        raise
    finally:
        session.close()


def options_of(name: str) -> RemoteOptions:
    """Return the options of the cell: the smallest CPU worker, one of it, and soon gone."""
    return make_options(cpu=(CPU,), name=name, workers=(0, 1), idle=IDLE_S, timeout=TIMEOUT_S)


def _run(session: Session, name: str, tell: Callable[[str], None]) -> Check:
    def emit(event: Event) -> None:
        if isinstance(event, Phase):
            tell(event.detail or event.name)

    try:
        outcome = session.run_cell(CellRequest(CELL, {}, options_of(name)), emit)
    except FlashError as failure:
        return Check("cell", "fail", failure.message, failure.fix)
    level: Level = "ok" if outcome.value == 2 else "fail"
    where = f"endpoint {name}, worker {outcome.worker_id}"
    return Check("cell", level, f"{CELL} = {outcome.value!r} on {where}, in {outcome.seconds:.1f} s")


def _delete(session: Session, name: str) -> Check:
    """Delete the endpoint, and say so only when a listing no longer shows it."""
    fix = "delete it in the console: it may cost money"
    try:
        left = [endpoint for endpoint in session.endpoints() if endpoint.name == name]
        if not left:
            return Check("deleted", "ok", f"{name} is not listed")
        if session.undeploy(name):
            return Check("deleted", "ok", f"{name} is no longer listed")
        return Check("deleted", "fail", f"{name} is still listed", fix)
    except FlashError as failure:
        return Check("deleted", "fail", f"{name} may be there: {failure.message}", fix)


def _usd_per_hour(settings: Settings) -> float | None:
    links, loop, cpu = Links(settings), LoopThread("price"), find_cpu(CPU)
    hardware = {"cpu": [{"id": cpu.flavor, "vcpuCount": cpu.vcpus}]}
    try:
        return loop.call(Prices(links.open("runpod").control.catalog).usd_per_hour(hardware))
    finally:
        loop.close(links.aclose)
