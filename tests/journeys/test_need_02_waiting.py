"""Need 2: a job sits in the queue, and the cell says why, and what to do; what can't pass ends in bounded time."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flash_jupyter.session.local import local_info
from flash_jupyter.session.local_admin import LocalAdmin

pytestmark = pytest.mark.journey

WAIT_FOR_THE_FIRST = (
    "wait: a first one usually comes within 60 s; if none does, the account may lack free workers (see %flash endpoints,"
    " end one with %flash undeploy NAME), or balance (see the Runpod console)"
)
WAIT_FOR_THE_IMAGE = "wait: a machine that pulls an image for the first time takes minutes, and later starts are quick"


@pytest.fixture(scope="module")
def impatient(shared_desk: Any) -> Any:
    """A kernel in which a job is explained after half a second, and unhealthy workers are given up after two."""
    notebook = shared_desk.open(load=False)
    notebook.ok(
        "import os\nos.environ |= {'FLASH_JUPYTER_WAITING_AFTER_S': '0.5', 'FLASH_JUPYTER_GIVE_UP_UNHEALTHY_S': '2'}"
    )
    notebook.ok("%load_ext flash_jupyter")
    notebook.ok("%%remote\n1")  # the embedded Runpod runs
    return notebook


@pytest.fixture
def admin(impatient: Any, shared_desk: Any) -> Iterator[LocalAdmin]:
    admin = LocalAdmin(shared_desk.settings)
    yield admin
    admin.clear_faults()


#: fault -> what is typed, the sentence, the action
REASONS: list[tuple[str, str, str, str]] = [
    ("no-workers", "", "Runpod has not started a worker for <name> yet", WAIT_FOR_THE_FIRST),
    (
        "throttled",
        "gpu=AMPERE_80 datacenter=US-KS-2",
        "Runpod has no free machine with AMPERE_80 in US-KS-2",
        (
            "wait until one is free; or interrupt, and run it with what has stock now: "
            "gpu=BLACKWELL_96 ($4.00/h in US-KS-2); gpu=ADA_80_PRO ($4.18/h in US-KS-2); gpu=HOPPER_141 ($5.58/h in US-KS-2); "
            "datacenter=EU-CZ-1 (AMPERE_80, $2.74/h); datacenter=EU-RO-1 (AMPERE_80, $2.74/h); "
            "datacenter=EUR-IS-1 (AMPERE_80, $2.74/h)"
        ),
    ),
    (
        "slow-pull",
        "",
        "a worker is starting, which begins with pulling IMAGE; its log says: pulling image IMAGE: 0 %",
        WAIT_FOR_THE_IMAGE,
    ),
    (
        "idle-worker",
        "",
        "a worker of <name> is idle, and takes no job",
        (
            "wait a moment; if it stays so, interrupt, delete the endpoint (%flash undeploy <name>) and run it again, for"
            " new workers"
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "options", "text", "action"), REASONS, ids=[row[0] for row in REASONS])
def test_need_02_each_reason_has_its_sentence_and_its_action(
    impatient: Any, admin: LocalAdmin, fresh: str, fault: str, options: str, text: str, action: str
) -> None:
    name = f"{fresh}-{fault}"
    admin.set_fault(fault, endpoint=name)
    sentence = re.sub("IMAGE", "runpod/flash:pyVERSION-latest", f"{text} · {action}".replace("<name>", name))
    message = impatient.start(f"%%remote name={name} {options}\n1")
    cell = impatient.wait(message, until=lambda cell: _plain(cell.status).endswith(sentence), timeout_s=60)
    shown = _plain(cell.status)
    assert re.fullmatch(r"(queue|starting) · \d+ s · .* · free · job fj-\w+", shown.removesuffix(f" · {sentence}"))
    impatient.interrupt()
    ended = impatient.wait(message, timeout_s=30)
    assert ended.traceback == "KeyboardInterrupt: cancelled in the queue, nothing ran"
    assert sentence not in _plain(ended.status)


def _plain(status: str) -> str:
    return re.sub(r"py3\.\d+-latest", "pyVERSION-latest", status)


@pytest.mark.parametrize(("fault", "last"), [("unhealthy", "gpu_test: the machine failed its check"), ("crash-loop", "RuntimeError: crash-loop: the handler can not be imported")])  # fmt: skip
def test_need_02_unhealthy_workers_end_the_job_with_their_last_lines(
    impatient: Any, admin: LocalAdmin, shared_desk: Any, fresh: str, fault: str, last: str
) -> None:
    name = f"{fresh}-{fault}"
    admin.set_fault(fault, endpoint=name, seconds=0.5 if fault == "crash-loop" else None)
    cell = impatient.run(f"%%remote name={name}\n1", timeout_s=60)
    first, *lines, fix = cell.traceback.splitlines()
    assert re.fullmatch(
        f"WorkersUnhealthy: no worker of {name} got well within \\d+ s; the job was cancelled, nothing is billed", first
    )
    assert any(last in line for line in lines)
    assert fix == (
        "  → look at these last lines of a worker; then run it again on other hardware (gpu=, cpu= or datacenter=), or on"
        f" a new endpoint, after %flash undeploy {name}"
    )
    told = [line for line in cell.status_lines if f"a worker of {name} is unhealthy" in line]
    assert told
    assert told[-1].endswith(" · wait: if none gets well, the job is cancelled within 30 s; or interrupt now")
    assert queued(shared_desk, name) == 0


def queued(desk: Any, name: str) -> int:
    """How many jobs wait or run at an endpoint, as the platform says it."""
    info = local_info(desk.settings)
    assert info is not None
    with httpx.Client(base_url=info.url, headers={"Authorization": info.api_key}) as platform:
        listed = platform.get("/v2/serverless").json()["endpoints"]
        endpoint = next(endpoint["id"] for endpoint in listed if endpoint["name"] == name)
        jobs = platform.get(f"/v2/{endpoint}/health").json()["jobs"]
    return int(jobs["inQueue"]) + int(jobs["inProgress"])


def test_need_02_the_sentence_comes_after_ten_seconds(shared_desk: Any, admin: LocalAdmin, fresh: str) -> None:
    admin.set_fault("no-workers", endpoint=fresh)
    notebook = shared_desk.open()
    began = time.monotonic()
    message = notebook.start(f"%%remote name={fresh}\n1 + 1")
    cell = notebook.wait(message, until=lambda cell: "has not started a worker" in cell.status, timeout_s=60)
    assert time.monotonic() - began >= 10
    assert not any("wait: " in line for line in cell.status_lines[:-1])
    admin.clear_faults()
    ended = notebook.wait(message, timeout_s=60)
    assert ended.result == "2"
    assert "has not started" not in ended.status


MANY = """
import os
os.environ['FLASH_JUPYTER_WAITING_AFTER_S'] = '0.5'
from flash_jupyter import CpuLiveServerless, remote

@remote(CpuLiveServerless(name='{name}'))
def square(x):
    return x * x

print(sum(out.result() for out in square.map(range(100), concurrency=100)))
"""


def test_need_02_a_hundred_calls_say_it_once(shared_desk: Any, admin: LocalAdmin, fresh: str, tmp_path: Path) -> None:
    admin.set_fault("throttled", endpoint=fresh, seconds=4)
    (script := tmp_path / "many.py").write_text(MANY.format(name=fresh))
    done = shared_desk.python(str(script))
    assert done.stdout == "328350\n", done.stderr
    lines = done.stderr.splitlines()
    assert [line for line in lines if "no free machine" in line] == [
        (
            "waiting: Runpod has no free machine with cpu3g (2 vCPUs) → wait until one is free; or interrupt, and run it with"
            " what has stock now: cpu=cpu3c-2-4 ($0.06/h); cpu=cpu5c-2-4 ($0.06/h)"
        )
    ]


def test_need_02_a_call_in_a_notebook_has_one_line_that_changes(impatient: Any, admin: LocalAdmin, fresh: str) -> None:
    admin.set_fault("throttled", endpoint=fresh, seconds=2)
    cell = impatient.ok(
        "from flash_jupyter import CpuLiveServerless, remote\n"
        f"@remote(CpuLiveServerless(name='{fresh}'))\n"
        "def square(x):\n    return x * x\n"
        "square.remote(3).result()"
    )
    assert cell.result == "9"
    kinds = [kind for kind, text in cell.outputs if text.startswith(("waiting: ", "the wait for"))]
    assert kinds[0] == "display"
    assert set(kinds[1:]) == {"update"}
    assert "waiting: Runpod has no free machine with cpu3g (2 vCPUs)" in cell.text("display")


REFUSED: list[tuple[str, str]] = [
    (
        "quota",
        (
            "QuotaError: the account has no workers left for endpoint need-02-refused (workers.max of all endpoints together would"
            " exceed the account's worker quota); nothing was made\n"
            "  → ask for fewer (workers=1), or delete an endpoint: %flash endpoints, %flash undeploy NAME"
        ),
    ),
    (
        "out-of-money",
        (
            "OutOfMoneyError: 402: the account's balance is too low (the account balance is too low to create an endpoint)\n"
            "  → add credit in the Runpod console, then run it again; backend=local costs nothing"
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "text"), REFUSED, ids=[row[0] for row in REFUSED])
def test_need_02_what_can_not_be_made_is_an_error_at_once(
    impatient: Any, admin: LocalAdmin, fault: str, text: str
) -> None:
    admin.set_fault(fault, times=1)
    cell = impatient.run("%%remote name=need-02-refused\n1")
    assert cell.traceback == text


def test_need_02_no_workers_wanted(impatient: Any) -> None:
    cell = impatient.run("%%remote name=need-02-none workers=0\n1")
    assert (
        cell.error
        == "workers=0 lets no worker run the cell\n  → write workers=1 or more; 0-3 is what a new endpoint has"
    )
