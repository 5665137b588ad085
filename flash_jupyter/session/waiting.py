"""Why a queued job waits, in one plain sentence with a next action. Pure: public answers in, a reason out.

The answers are those of `/health`, the endpoint's document, its workers, a worker's log, the catalogue, and the errors
of the control plane. What they mean: Runpod docs, serverless/workers/overview; REST v2 document, `WorkerStatus`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from flash_jupyter import limits
from flash_jupyter.errors import ApiError
from flash_jupyter.resources.hardware import POOLS
from flash_jupyter.session.stock import cpu_offers, gpu_offers
from flash_jupyter.wire.catalog import CpuType, GpuType
from flash_jupyter.wire.control import Endpoint, Worker
from flash_jupyter.wire.jobs import Health

Cause = Literal["no money", "closed", "ready", "idle", "busy", "unhealthy", "starting", "throttled", "no worker"]

#: so many times the usual patience for unhealthy workers while others, which have not failed yet, still start
LAST_CHANCE = 5
#: a line of a log, where it is part of a sentence
LINE_CHARS = 120
#: the embedded Runpod and the platform make a first worker in less; after this it is worth looking for a reason
FIRST_WORKER_S = 60


@dataclass(frozen=True)
class Situation:
    """What the platform's public answers say; what was not asked, or not answered, is None or empty.

    `before` is the answer of `/health` before this one. `failed` are the workers that were seen unhealthy in this wait,
    and `failing_s` the seconds since the first of them was, if no worker became ready meanwhile. `log` has the last
    lines of the worker that it hangs on. `others` are the account's other endpoints that may have workers.
    """

    endpoint: Endpoint
    health: Health
    before: Health | None = None
    workers: tuple[Worker, ...] = ()
    failed: frozenset[str] = frozenset()
    failing_s: float = 0.0
    log: tuple[str, ...] = ()
    gpus: tuple[GpuType, ...] | None = None
    cpus: tuple[CpuType, ...] | None = None
    others: tuple[str, ...] = ()
    refusal: ApiError | None = None
    give_up_s: float = limits.GIVE_UP_UNHEALTHY_S


@dataclass(frozen=True)
class Reason:
    """Why the job waits and what to do about it; a fatal one does not pass, and the job is better cancelled."""

    cause: Cause
    text: str
    action: str
    is_fatal: bool = False


def explain(situation: Situation) -> Reason:
    """Return the reason, the most telling one where there are several.

    >>> ep = Endpoint(id="ep1", name="trainer", workers={"max": 3})
    >>> print(explain(Situation(ep, Health.model_validate({"workers": {"running": 3}}))).text)
    all workers of trainer are busy with other jobs
    """
    found = (rule(situation) for rule in _RULES)
    return next((reason for reason in found if reason), _no_worker(situation))


def is_ready(health: Health) -> bool:
    """Whether a worker can take jobs, so that none is missing."""
    return bool(health.workers.idle or health.workers.running)


def _no_money(situation: Situation) -> Reason | None:
    refusal = situation.refusal
    if refusal is None or refusal.status != 402:
        return None
    said = f" ({refusal.detail})" if refusal.detail else ""
    return Reason(
        "no money",
        f"Runpod starts no worker: the account's balance is too low{said}",
        "add credit in the Runpod console, and the job starts by itself; or interrupt, and use backend=local",
    )


def _closed(situation: Situation) -> Reason | None:
    if situation.endpoint.workers.get("max") != 0:
        return None
    name = situation.endpoint.name
    return Reason(
        "closed",
        f"endpoint {name} may not have a worker: its workers.max is 0",
        f"interrupt, and run it with workers={limits.OUR_WORKERS_MAX}, which allows that many",
    )


def _idle(situation: Situation) -> Reason | None:
    """A worker that is idle in two looks, while no job moved, takes nothing."""
    now, before, name = situation.health, situation.before, situation.endpoint.name
    if not now.workers.idle or now.workers.running:
        return None
    if before is None or not before.workers.idle or _moved(now) != _moved(before):
        return Reason("ready", f"a worker of {name} is ready", "wait a moment: it should take the job now")
    volume = "; an image of your own may need a newer runpod package" if situation.endpoint.network_volumes else ""
    return Reason(
        "idle",
        f"a worker of {name} is idle, and takes no job",
        f"wait a moment; if it stays so, interrupt, delete the endpoint (%flash undeploy {name}) and run it again, for"
        f" new workers{volume}",
    )


def _moved(health: Health) -> tuple[int, int, int]:
    """What changes when a worker takes or ends a job."""
    return health.jobs.completed, health.jobs.failed, health.jobs.in_progress


def _busy(situation: Situation) -> Reason | None:
    workers, name = situation.health.workers, situation.endpoint.name
    if not is_ready(situation.health):
        return None
    most = int(situation.endpoint.workers.get("max") or limits.WORKERS_MAX_DEFAULT)
    full = ", and no machine is free for another one" if workers.throttled else ""
    return Reason(
        "busy",
        f"all workers of {name} are busy with other jobs{full}",
        f"wait for them, or allow more workers: workers={most + limits.OUR_WORKERS_MAX} (now {most})",
    )


def _unhealthy(situation: Situation) -> Reason | None:
    counts, failed = situation.health.workers, situation.failed
    all_failed = bool(situation.workers) and all(worker.id in failed for worker in situation.workers)
    if not counts.unhealthy and not (failed and all_failed):
        return None
    patience_s = situation.give_up_s * (1 if all_failed else LAST_CHANCE)
    name, left_s = situation.endpoint.name, max(0.0, patience_s - situation.failing_s)
    last = f"; its log ends with: {_shorten(situation.log[-1])}" if situation.log else ""
    another = ", and another one is starting" if counts.initializing and counts.unhealthy else ""
    return Reason(
        "unhealthy",
        f"a worker of {name} is unhealthy{another}: it fails before it takes a job{last}",
        f"wait: if none gets well, the job is cancelled within {_rounded(left_s)}; or interrupt now",
        is_fatal=situation.failing_s >= patience_s,
    )


def _starting(situation: Situation) -> Reason | None:
    if not situation.health.workers.initializing:
        return None
    image = situation.endpoint.image or "its image"
    last = f"; its log says: {_shorten(situation.log[-1])}" if situation.log else ""
    return Reason(
        "starting",
        f"a worker is starting, which begins with pulling {image}{last}",
        "wait: a machine that pulls an image for the first time takes minutes, and later starts are quick",
    )


def _throttled(situation: Situation) -> Reason | None:
    if not situation.health.workers.throttled:
        return None
    endpoint = situation.endpoint
    where = f" in {', '.join(endpoint.data_centers)}" if endpoint.data_centers else ""
    offers = gpu_offers(situation.gpus or (), endpoint) or cpu_offers(situation.cpus or (), endpoint)
    instead = f"interrupt, and run it with what has stock now: {'; '.join(offers)}" if offers else ""
    return Reason(
        "throttled",
        f"Runpod has no free machine with {_hardware(endpoint)}{where}",
        f"wait until one is free; or {instead or 'interrupt, and try other hardware: gpu=, cpu= or datacenter='}",
    )


def _no_worker(situation: Situation) -> Reason:
    others = f", which {', '.join(situation.others)} may hold" if situation.others else ""
    return Reason(
        "no worker",
        f"Runpod has not started a worker for {situation.endpoint.name} yet",
        f"wait: a first one usually comes within {FIRST_WORKER_S} s; if none does, the account may lack free workers"
        f"{others} (see %flash endpoints, end one with %flash undeploy NAME), or balance (see the Runpod console)",
    )


_RULES: tuple[Callable[[Situation], Reason | None], ...] = (
    _no_money,
    _closed,
    _idle,
    _busy,
    _unhealthy,
    _starting,
    _throttled,
)


def _hardware(endpoint: Endpoint) -> str:
    """Say what its workers need.

    >>> _hardware(Endpoint(id="e", name="e", gpu={"pools": ["ADA_24"], "count": 2}))
    '2 x ADA_24'
    """
    if endpoint.gpu is None:
        return " or ".join(f"{cpu['id']} ({cpu['vcpuCount']} vCPUs)" for cpu in endpoint.cpu or ()) or "its hardware"
    pools, count = endpoint.gpu.get("pools", []), endpoint.gpu.get("count") or 1
    names = "a GPU" if set(pools) >= set(POOLS) else " or ".join(pools)
    return f"{count} x {names}" if count > 1 else names


def _shorten(line: str) -> str:
    return line if len(line) <= LINE_CHARS else f"{line[:LINE_CHARS]}…"


def _rounded(seconds: float) -> str:
    """Round up, so that a sentence does not change with every look.

    >>> _rounded(61.0), _rounded(3.0)
    ('90 s', '30 s')
    """
    return f"{max(1, -int(-seconds // 30)) * 30} s"
