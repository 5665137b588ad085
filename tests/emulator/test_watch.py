"""When the watch looks, and what it does while nobody works."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulated import Api, RealServer, wait_for

from flash_jupyter.emulator.jobs import Policy
from flash_jupyter.emulator.watch import SWEEP_S

#: of a queued and then purged job two rows change: the store writes back after 500
JOBS = 260


@pytest.mark.parametrize(
    ("worker_is", "looks"),
    [
        pytest.param("told to stop", True, id="a worker that is told to stop is about to end"),
        pytest.param("unhealthy", True, id="a worker that failed its own check is about to end"),
        pytest.param("at work", False, id="a worker that stays leaves no room, so to look at once would bring nothing"),
    ],
)
def test_a_job_that_finds_a_worker_about_to_end_is_looked_at_at_once(worker_is: str, looks: bool, api: Api) -> None:
    endpoint, worker, job = api.running_job(workers={"min": 0, "max": 1, "idleTimeout": 60})
    if worker_is == "told to stop":
        api.post(f"/v2/{endpoint}/cancel/{job}")
    elif worker_is == "unhealthy":
        api.get(f"/v2/{endpoint}/ping/{worker}?gpu=CPU&status=unhealthy&check=disk&reason=full")
    world = api.emulator.world

    def submit() -> bool:
        world.wake.clear()
        api.emulator.dispatcher.submit(world.endpoints[endpoint], b'{"input": {}}', Policy(), sync=False)
        return bool(world.wake.is_set())

    assert api.call(submit) is looks
    api.tick()
    assert len(api.pool.orders) == (2 if looks else 1)
    assert api.pool.processes[0].is_alive(), "its place is free before it has ended"


def test_what_was_written_comes_into_the_file_once_no_job_is_open(api: Api, tmp_path: Path) -> None:
    endpoint = api.endpoint()
    for _ in range(JOBS):
        api.run(endpoint)
    worker = api.worker()
    taken = str(api.take(endpoint, worker).json()["id"])
    api.post(f"/v2/{endpoint}/purge-queue")
    log = tmp_path / "emulator.sqlite-wal"

    def pages_after_a_sweep() -> int:
        api.clock.now += SWEEP_S
        api.tick()
        return log.stat().st_size

    assert pages_after_a_sweep() > 0, "a job is open, and who waits for it would wait for the disk"
    api.done(endpoint, worker, taken, {"output": 1})
    assert pages_after_a_sweep() == 0


@pytest.mark.journey
def test_a_server_that_has_nothing_to_do_writes_back_by_itself(server: RealServer) -> None:
    endpoint = server.endpoint(workers={"min": 0, "max": 1})
    log = server.folder / "emulator.sqlite-wal"
    for number in range(JOBS):
        body = {"input": {"n": number}, "policy": {"lowPriority": True}}  # no worker starts for it
        server.client.post(f"/v2/{endpoint}/run", json=body).raise_for_status()
    assert log.stat().st_size > 0
    server.client.post(f"/v2/{endpoint}/purge-queue").raise_for_status()
    wait_for(lambda: log.stat().st_size == 0)
