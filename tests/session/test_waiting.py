"""Why a job waits, by a table: what the platform shows, and the sentence that it means."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.errors import ApiError
from flash_jupyter.resources.hardware import POOLS
from flash_jupyter.session.waiting import LAST_CHANCE, Situation, explain
from flash_jupyter.states import WorkerState
from flash_jupyter.wire.catalog import CpuType, GpuType
from flash_jupyter.wire.control import Endpoint, Worker
from flash_jupyter.wire.jobs import Health

WAIT_FOR_THE_FIRST = (
    "wait: a first one usually comes within 60 s; if none does, the account may lack free workers (see %flash endpoints,"
    " end one with %flash undeploy NAME), or balance (see the Runpod console)"
)
WAIT_FOR_THE_IMAGE = "wait: a machine that pulls an image for the first time takes minutes, and later starts are quick"


def health(jobs: dict[str, int] | None = None, /, **workers: int) -> Health:
    return Health.model_validate({"jobs": jobs or {"inQueue": 1}, "workers": workers})


def endpoint(**changes: Any) -> Endpoint:
    body = {"id": "ep1", "name": "trainer", "image": "runpod/flash", "workers": {"min": 0, "max": 3}}
    return Endpoint.model_validate({**body, "gpu": {"pools": ["AMPERE_80"], "count": 1}, **changes})


def worker(worker_id: str, state: str) -> Worker:
    return Worker(id=worker_id, status=WorkerState(state))


def gpu(pool: str, memory: int, usd: float, **places: str) -> GpuType:
    centers = [{"id": name.replace("_", "-"), "availability": level} for name, level in places.items()]
    best = "HIGH" if "HIGH" in places.values() else "NONE"
    shown = {"id": f"a {pool}", "pool": pool, "memory": memory, "price": {"serverless": usd}, "availability": best}
    return GpuType.model_validate({**shown, "dataCenters": centers})


def cpu(flavor: str, usd: float, level: str) -> CpuType:
    places = [{"id": "EU-RO-1", "availability": level}]
    shown = {"id": flavor, "availability": level, "price": {"serverlessPerVcpu": usd}}
    return CpuType.model_validate({**shown, "dataCenters": places})


CATALOGUE = (
    gpu("AMPERE_16", 16, 0.58, US_KS_2="HIGH"),
    gpu("AMPERE_80", 80, 2.74, US_KS_2="NONE", EU_RO_1="HIGH"),
    gpu("ADA_80_PRO", 80, 4.18, US_KS_2="HIGH", EU_RO_1="HIGH"),
    gpu("HOPPER_141", 141, 5.58, US_KS_2="NONE"),
)
FLAVORS = (cpu("cpu3c", 0.03, "NONE"), cpu("cpu3g", 0.04, "HIGH"), cpu("cpu5c", 0.05, "HIGH"))

CASES: list[tuple[str, Situation, str, str, str]] = [
    (
        "no worker is there",
        Situation(endpoint(), health()),
        "no worker",
        "Runpod has not started a worker for trainer yet",
        WAIT_FOR_THE_FIRST,
    ),
    (
        "no worker, and the account has other endpoints",
        Situation(endpoint(), health(), others=("api", "old")),
        "no worker",
        "Runpod has not started a worker for trainer yet",
        WAIT_FOR_THE_FIRST.replace("free workers", "free workers, which api, old may hold"),
    ),
    (
        "no machine is free, and others have stock: as large ones first",
        Situation(endpoint(), health(throttled=2), gpus=CATALOGUE),
        "throttled",
        "Runpod has no free machine with AMPERE_80",
        ("wait until one is free; or interrupt, and run it with what has stock now: "
        "gpu=ADA_80_PRO ($4.18/h in US-KS-2, EU-RO-1); gpu=AMPERE_16 ($0.58/h in US-KS-2)"),
    ),
    (
        "no machine is free in a data centre, and another one has stock",
        Situation(endpoint(dataCenterIds=["US-KS-2"]), health(throttled=1), gpus=CATALOGUE),
        "throttled",
        "Runpod has no free machine with AMPERE_80 in US-KS-2",
        ("wait until one is free; or interrupt, and run it with what has stock now: "
        "gpu=ADA_80_PRO ($4.18/h in US-KS-2); gpu=AMPERE_16 ($0.58/h in US-KS-2); "
        "datacenter=EU-RO-1 (AMPERE_80, $2.74/h)"),
    ),
    (
        "no machine with two GPUs is free, at a volume's place",
        Situation(
            endpoint(
                gpu={"pools": ["AMPERE_80"], "count": 2}, dataCenterIds=["US-KS-2"], networkVolumes=["vol1"]
            ),
            health(throttled=1),
            gpus=CATALOGUE[1:2],
        ),
        "throttled",
        "Runpod has no free machine with 2 x AMPERE_80 in US-KS-2",
        ("wait until one is free; or interrupt, and run it with what has stock now: "
        "datacenter=EU-RO-1 and a volume there (AMPERE_80, $5.48/h)"),
    ),
    (
        "no machine of any kind is free",
        Situation(endpoint(gpu={"pools": list(POOLS)}), health(throttled=1), gpus=CATALOGUE),
        "throttled",
        "Runpod has no free machine with a GPU",
        "wait until one is free; or interrupt, and try other hardware: gpu=, cpu= or datacenter=",
    ),
    (
        "no CPU machine is free: others of the same size",
        Situation(
            endpoint(gpu=None, cpu=[{"id": "cpu3c", "vcpuCount": 4}]), health(throttled=1), cpus=FLAVORS
        ),
        "throttled",
        "Runpod has no free machine with cpu3c (4 vCPUs)",
        ("wait until one is free; or interrupt, and run it with what has stock now: "
        "cpu=cpu3g-4-16 ($0.16/h); cpu=cpu5c-4-8 ($0.20/h)"),
    ),
    (
        "the catalogue does not answer",
        Situation(endpoint(), health(throttled=1)),
        "throttled",
        "Runpod has no free machine with AMPERE_80",
        "wait until one is free; or interrupt, and try other hardware: gpu=, cpu= or datacenter=",
    ),
    (
        "a worker starts",
        Situation(endpoint(), health(initializing=1)),
        "starting",
        "a worker is starting, which begins with pulling runpod/flash",
        WAIT_FOR_THE_IMAGE,
    ),
    (
        "a worker starts, and its log says how far it is",
        Situation(endpoint(), health(initializing=1, throttled=2), log=("layer 3 of 9", "x" * 200)),
        "starting",
        f"a worker is starting, which begins with pulling runpod/flash; its log says: {'x' * 120}…",
        WAIT_FOR_THE_IMAGE,
    ),
    (
        "a worker is unhealthy",
        Situation(
            endpoint(),
            health(unhealthy=1),
            workers=(worker("w1", "UNHEALTHY"),),
            failed=frozenset({"w1"}),
            failing_s=31.0,
            log=("boom",),
        ),
        "unhealthy",
        "a worker of trainer is unhealthy: it fails before it takes a job; its log ends with: boom",
        "wait: if none gets well, the job is cancelled within 30 s; or interrupt now",
    ),
    (
        "a worker that failed starts again",
        Situation(
            endpoint(), health(initializing=1), workers=(worker("w1", "INITIALIZING"),), failed=frozenset({"w1"})
        ),
        "unhealthy",
        "a worker of trainer is unhealthy: it fails before it takes a job",
        "wait: if none gets well, the job is cancelled within 60 s; or interrupt now",
    ),
    (
        "one is unhealthy, another one starts: that one gets its time",
        Situation(
            endpoint(),
            health(initializing=1, unhealthy=1),
            workers=(worker("w1", "UNHEALTHY"), worker("w2", "INITIALIZING")),
            failed=frozenset({"w1"}),
            failing_s=70.0,
        ),
        "unhealthy",
        "a worker of trainer is unhealthy, and another one is starting: it fails before it takes a job",
        "wait: if none gets well, the job is cancelled within 240 s; or interrupt now",
    ),
    (
        "one was unhealthy, and is replaced by one that starts",
        Situation(
            endpoint(), health(initializing=1), workers=(worker("w2", "INITIALIZING"),), failed=frozenset({"w1"}),
            failing_s=1000.0,
        ),
        "starting",
        "a worker is starting, which begins with pulling runpod/flash",
        WAIT_FOR_THE_IMAGE,
    ),
    (
        "an idle worker, seen for the first time",
        Situation(endpoint(), health(idle=1, ready=1), before=health(initializing=1)),
        "ready",
        "a worker of trainer is ready",
        "wait a moment: it should take the job now",
    ),
    (
        "an idle worker, seen twice, between two other jobs",
        Situation(endpoint(), health({"completed": 5}, idle=1), before=health({"completed": 4}, idle=1)),
        "ready",
        "a worker of trainer is ready",
        "wait a moment: it should take the job now",
    ),
    (
        "an idle worker, seen twice, and nothing moved but the queue",
        Situation(endpoint(), health({"inQueue": 2}, idle=1), before=health({"inQueue": 1}, idle=1)),
        "idle",
        "a worker of trainer is idle, and takes no job",
        ("wait a moment; if it stays so, interrupt, delete the endpoint (%flash undeploy trainer) and run it again, for"
        " new workers"),
    ),
    (
        "an idle worker with a volume: known of some versions of the SDK",
        Situation(endpoint(networkVolumes=["vol1"]), health(idle=1), before=health(idle=1)),
        "idle",
        "a worker of trainer is idle, and takes no job",
        ("wait a moment; if it stays so, interrupt, delete the endpoint (%flash undeploy trainer) and run it again, for"
        " new workers; an image of your own may need a newer runpod package"),
    ),
    (
        "all workers are busy",
        Situation(endpoint(), health(running=3, ready=3)),
        "busy",
        "all workers of trainer are busy with other jobs",
        "wait for them, or allow more workers: workers=6 (now 3)",
    ),
    (
        "all workers are busy, and more are not to be had",
        Situation(endpoint(), health(running=1, throttled=2)),
        "busy",
        "all workers of trainer are busy with other jobs, and no machine is free for another one",
        "wait for them, or allow more workers: workers=6 (now 3)",
    ),
    (
        "the endpoint may have no worker",
        Situation(endpoint(workers={"min": 0, "max": 0}), health()),
        "closed",
        "endpoint trainer may not have a worker: its workers.max is 0",
        "interrupt, and run it with workers=3, which allows that many",
    ),
    (
        "the account has no money",
        Situation(endpoint(), health(), refusal=ApiError("…", status=402, detail="insufficient balance")),
        "no money",
        "Runpod starts no worker: the account's balance is too low (insufficient balance)",
        "add credit in the Runpod console, and the job starts by itself; or interrupt, and use backend=local",
    ),
    (
        "the control plane does not answer: that alone says nothing",
        Situation(endpoint(), health(), refusal=ApiError("…", status=500)),
        "no worker",
        "Runpod has not started a worker for trainer yet",
        WAIT_FOR_THE_FIRST,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("situation", "cause", "text", "action"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_situation_has_one_sentence_and_one_action(situation: Situation, cause: str, text: str, action: str) -> None:
    reason = explain(situation)
    assert (reason.cause, reason.text, reason.action, reason.is_fatal) == (cause, text, action, False)


def test_the_causes_have_different_sentences_and_different_actions() -> None:
    by_cause = {reason.cause: reason for reason in (explain(case[1]) for case in CASES)}
    assert len({reason.text for reason in by_cause.values()}) == len(by_cause) == 9
    assert len({reason.action for reason in by_cause.values()}) == len(by_cause)


SICK = (worker("w1", "UNHEALTHY"),)
MIXED = (*SICK, worker("w2", "INITIALIZING"))
ENDS: list[tuple[str, dict[str, Any], float, bool]] = [
    ("a moment before the end of patience", {"unhealthy": 1, "workers": SICK}, 59.9, False),
    ("at its end", {"unhealthy": 1, "workers": SICK}, 60.0, True),
    ("in the middle of a restart", {"initializing": 1, "workers": (worker("w1", "INITIALIZING"),)}, 60.0, True),
    ("while another one starts", {"initializing": 1, "unhealthy": 1, "workers": MIXED}, 60.0, False),
    ("and never comes to an end", {"initializing": 1, "unhealthy": 1, "workers": MIXED}, 60.0 * LAST_CHANCE, True),
    ("the listing of workers does not answer", {"unhealthy": 1, "workers": ()}, 60.0, False),
    ("and never does", {"unhealthy": 1, "workers": ()}, 60.0 * LAST_CHANCE, True),
    ("a worker is ready at last", {"unhealthy": 1, "idle": 1, "workers": SICK}, 60.0, False),
]


@pytest.mark.parametrize(("shown", "failing_s", "is_fatal"), [c[1:] for c in ENDS], ids=[c[0] for c in ENDS])
def test_unhealthy_workers_are_given_up_in_bounded_time(
    shown: dict[str, Any], failing_s: float, is_fatal: bool
) -> None:
    counts = {name: value for name, value in shown.items() if name != "workers"}
    situation = Situation(
        endpoint(), health(**counts), workers=shown["workers"], failed=frozenset({"w1"}), failing_s=failing_s
    )
    assert explain(situation).is_fatal is is_fatal
