"""A job that another process cancelled early is cancelled here, all others go on."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from pathlib import Path

from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.obeying import Obeying
from flash_jupyter.session.records import JobRecord
from flash_jupyter.session.writer import BackgroundWriter
from flash_jupyter.states import JobState


def test_only_what_was_cancelled_elsewhere_is_and_on_its_own_loop(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    store, writer = JobStore(path), BackgroundWriter()
    elsewhere = JobStore(path)
    obeying, cancelled = Obeying(store, writer), Counter[str]()
    for number in range(200):
        store.insert(JobRecord(f"fj-{number}", JobState.IN_QUEUE, "local", "2026-11-23T10:00:00.000Z"))
    elsewhere.update("fj-7", cancelled_by="a terminal")
    elsewhere.update("fj-150", cancelled_by="a terminal")

    async def check() -> None:
        loop = asyncio.get_running_loop()

        def cancel(job_id: str) -> None:
            assert asyncio.get_running_loop() is loop
            cancelled[job_id] += 1

        for number in range(200):
            obeying.watch(f"fj-{number}", partial(cancel, f"fj-{number}"))
            if number == 100:  # while it looks
                await asyncio.sleep(0.03)
        assert await asyncio.to_thread(writer.flush)
        await asyncio.sleep(0)

    asyncio.run(check())
    assert cancelled == Counter({"fj-7": 1, "fj-150": 1})
    writer.close()
    for each in (store, elsewhere):
        each.close()
