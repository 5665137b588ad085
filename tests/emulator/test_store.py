from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flash_jupyter.emulator.jobs import Job
from flash_jupyter.emulator.store import Store, StoreBroken, StoreInUse, WorkerRow
from flash_jupyter.emulator.tables import EndpointRow
from flash_jupyter.states import JobState


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path, inline_bytes=10)
    yield store
    store.close()


def job(job_id: str, **changes: Any) -> Job:
    return replace(Job(job_id, "e", b"{}", submitted_at=1.0, expires_at=2.0), **changes)


def reopened(store: Store, folder: Path) -> Store:
    store.close()
    return Store(folder, inline_bytes=10)


def test_a_job_is_read_back_as_it_was(store: Store, tmp_path: Path) -> None:
    stored = job("a", sync=True, low_priority=True, execution_timeout_s=7.5)
    store.insert_job(stored, b"{}")
    stored.state, stored.taken_at, stored.finished_at, stored.worker_id = JobState.COMPLETED, 3.0, 4.0, "w"
    stored.result = b'{"o":1}'
    store.put_result(stored, stored.result)
    again = reopened(store, tmp_path)
    assert again.jobs() == [stored]
    again.close()


def test_large_bodies_are_files(store: Store, tmp_path: Path) -> None:
    store.insert_job(job("a"), b"x" * 11)
    stored = job("a", state=JobState.COMPLETED)
    store.put_result(stored, b"y" * 11)
    (read,) = store.jobs()
    assert (read.request, read.result) == (None, None)
    assert store.read_body("a", "request") == b"x" * 11
    assert store.read_body("a", "result") == b"y" * 11
    assert sorted(path.name for path in (tmp_path / "bodies").iterdir()) == ["a.request", "a.result"]


def test_a_forgotten_job_leaves_nothing(store: Store, tmp_path: Path) -> None:
    store.insert_job(job("a"), b"x" * 11)
    store.add_chunk("a", b"1")
    store.delete_job("a")
    assert store.jobs() == []
    assert list((tmp_path / "bodies").iterdir()) == []


def test_jobs_come_back_in_the_order_of_submission(store: Store) -> None:
    for name in ("c", "a", "b"):
        store.insert_job(job(name), b"{}")
    assert [each.id for each in store.jobs()] == ["c", "a", "b"]


def test_partial_results_come_back_in_order(store: Store) -> None:
    store.insert_job(job("a"), b"{}")
    store.add_chunk("a", b"1")
    store.add_chunk("a", b"2")
    assert store.jobs()[0].chunks == [b"1", b"2"]


def test_an_update_keeps_the_result(store: Store) -> None:
    stored = job("a")
    store.insert_job(stored, b"{}")
    store.put_result(stored, b"{}")
    stored.expires_at = 9.0
    store.update_job(stored)
    assert (store.jobs()[0].result, store.jobs()[0].expires_at) == (b"{}", 9.0)


def test_endpoints_and_workers_come_back(store: Store) -> None:
    endpoint = EndpointRow("e", 1.0, 2, {"name": "one"}, [{"version": 2}])
    worker = WorkerRow("w", "e", 42, 1.5, 2.5, 2, True)
    store.endpoints.put(endpoint)
    store.put_worker(worker)
    assert (store.endpoints.all(), store.workers()) == ([endpoint], [worker])
    store.endpoints.delete(endpoint)
    store.delete_worker("w")
    assert (store.endpoints.all(), store.workers()) == ([], [])


def test_a_transaction_that_fails_changes_nothing(store: Store) -> None:
    def fail() -> None:
        with store.transaction():
            store.set_meta("key", "value")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.meta("key") is None


def test_a_store_has_one_owner(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreInUse):
        Store(tmp_path, inline_bytes=10)


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "emulator.sqlite").write_text("this is no database, and it is long enough to be read as one")
    with pytest.raises(StoreBroken) as broken:
        Store(tmp_path, inline_bytes=10)
    assert str(broken.value) == f"{tmp_path / 'emulator.sqlite'}: file is not a database"


def test_the_file_is_the_owners_alone(store: Store, tmp_path: Path) -> None:
    assert (tmp_path / "emulator.sqlite").stat().st_mode & 0o777 == 0o600


def test_what_was_written_comes_into_the_file_itself_when_it_is_much(store: Store, tmp_path: Path) -> None:
    def in_the_file() -> int:
        folder = tmp_path / f"copy-{len(list(tmp_path.glob('copy-*')))}"
        folder.mkdir()
        (folder / "emulator.sqlite").write_bytes((tmp_path / "emulator.sqlite").read_bytes())
        copy = Store(folder, inline_bytes=10)
        try:
            return len(copy.jobs())
        finally:
            copy.close()

    store.insert_job(job("first"), b"{}")
    store.write_back()
    assert in_the_file() == 0  # it is in the WAL
    for number in range(500):
        store.insert_job(job(str(number)), b"{}")
    assert in_the_file() == 0
    store.write_back()
    assert in_the_file() == 501
    assert (tmp_path / "emulator.sqlite-wal").stat().st_size == 0  # what comes next is written over nothing
