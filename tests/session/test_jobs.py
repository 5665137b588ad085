from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from flash_jupyter.errors import OptionError, SettingsError
from flash_jupyter.session.jobs import WAL_BYTES, JobStore
from flash_jupyter.session.records import JobRecord, new_job_id
from flash_jupyter.states import JobState


def job(job_id: str, created_at: str = "2026-11-22T10:00:00.000Z", platform_id: str | None = None) -> JobRecord:
    return JobRecord(
        job_id, JobState.IN_QUEUE, "local", created_at, platform_id, source="x = 1", names=("a", "b"), out=("x",)
    )


def test_a_job_comes_back_as_it_was_written(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "new" / "jobs.sqlite")
    store.insert(job("fj-1"))
    assert store.find("fj-1") == job("fj-1")
    store.close()
    assert JobStore(tmp_path / "new" / "jobs.sqlite").find("fj-1") == job("fj-1")


def test_the_end_of_a_job(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite", now=lambda: "2026-11-22T10:01:00.000Z")
    store.insert(job("fj-1"))
    store.update("fj-1", platform_id="p-u1", endpoint_id="ep")
    store.finish("fj-1", JobState.COMPLETED, answer=b"answer", cost_usd=0.5)
    assert store.find("p-u1").to_json() == {
        "id": "fj-1",
        "platform_id": "p-u1",
        "name": None,
        "state": "COMPLETED",
        "outcome": "COMPLETED",
        "called": "",
        "endpoint_id": "ep",
        "backend": "local",
        "notebook": "",
        "cell_id": "",
        "created_at": "2026-11-22T10:00:00.000Z",
        "finished_at": "2026-11-22T10:01:00.000Z",
        "cost_usd": 0.5,
        "has_result": True,
    }
    assert store.answer("fj-1") == b"answer"
    assert store.answer("fj-2") is None


def test_a_cancel_that_comes_after_the_answer_takes_nothing_away(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    store.insert(job("fj-1"))
    store.finish("fj-1", JobState.COMPLETED, answer=b"answer")
    store.finish("fj-1", JobState.CANCELLED, error="cancelled from a terminal")
    assert (store.find("fj-1").state, store.answer("fj-1")) == (JobState.COMPLETED, b"answer")


def test_newest_first(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    for job_id, minute in [("fj-b", 2), ("fj-a", 1), ("fj-c", 3), ("fj-d", 3)]:
        store.insert(job(job_id, f"2026-11-22T10:0{minute}:00.000Z"))
    assert [j.id for j in store.newest()] == ["fj-d", "fj-c", "fj-b", "fj-a"]
    assert [j.id for j in store.newest(limit=1)] == ["fj-d"]


FOUND = [
    ("our id", "fj-11", "fj-11"),
    ("our id, which others begin with", "fj-1", "fj-1"),
    ("a unique beginning", "fj-2", "fj-22"),
    ("the platform's id", "aaaa-u1", "fj-11"),
    ("its beginning", "bb", "fj-22"),
]


@pytest.mark.parametrize(("text", "job_id"), [c[1:] for c in FOUND], ids=[c[0] for c in FOUND])
def test_find(text: str, job_id: str, tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    for own, platform in [("fj-1", None), ("fj-11", "aaaa-u1"), ("fj-22", "bbbb-u1")]:
        store.insert(job(own, platform_id=platform))
    assert store.find(text).id == job_id


NOT_FOUND = [
    ("nothing", "", "there is no job \n  → see %flash jobs"),
    ("an unknown id", "fj-9", "there is no job fj-9\n  → see %flash jobs"),
    ("a letter that SQL would take for many", "fj%", "there is no job fj%\n  → see %flash jobs"),
    ("several", "fj-1", "several jobs begin with fj-1: fj-12, fj-11\n  → write more of the id"),
]


@pytest.mark.parametrize(("text", "message"), [c[1:] for c in NOT_FOUND], ids=[c[0] for c in NOT_FOUND])
def test_not_found(text: str, message: str, tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    store.insert(job("fj-11"))
    store.insert(job("fj-12", "2026-11-22T10:00:01.000Z"))
    with pytest.raises(OptionError) as caught:
        store.find(text)
    assert str(caught.value) == message


def test_several_kernels_open_a_store_that_is_not_there_yet(tmp_path: Path) -> None:
    for attempt in range(20):  # without a lock, SQLite's own turn-taking fails about once in ten attempts
        stores = [JobStore(tmp_path / str(attempt) / "jobs.sqlite") for _ in range(8)]
        with ThreadPoolExecutor(len(stores)) as pool:
            assert list(pool.map(JobStore.newest, stores)) == [[]] * len(stores)
        for store in stores:
            store.close()


def test_several_kernels_write_at_once(tmp_path: Path) -> None:
    stores = [JobStore(tmp_path / "jobs.sqlite") for _ in range(4)]

    def write(store: JobStore) -> None:
        for _ in range(25):
            record = job(new_job_id())
            store.insert(record)
            store.finish(record.id, JobState.COMPLETED, answer=b"x")

    threads = [threading.Thread(target=write, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {j.state for j in stores[0].newest()} == {JobState.COMPLETED}
    assert len(stores[0].newest()) == 100
    for store in stores:
        store.close()


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    store = JobStore(tmp_path / "home" / "jobs.sqlite")
    with pytest.raises(SettingsError) as caught:
        store.newest()
    assert str(caught.value).startswith(f"the job store {tmp_path}/home/jobs.sqlite can't be used: ")
    assert caught.value.fix == "make that folder writable, or point FLASH_JUPYTER_HOME to one that is"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite").write_text("x" * 5000)
    with pytest.raises(SettingsError, match="file is not a database"):
        JobStore(tmp_path / "jobs.sqlite").newest()


def test_a_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "jobs.sqlite"
    with sqlite3.connect(path) as old:
        old.executescript(
            "CREATE TABLE jobs (id TEXT PRIMARY KEY, platform_id TEXT, name TEXT, state TEXT NOT NULL, endpoint_id TEXT,"
            "backend TEXT NOT NULL, key_origin TEXT, notebook TEXT, cell_id TEXT, filename TEXT, source TEXT, names TEXT,"
            "out TEXT, run TEXT, worker_id TEXT, error TEXT, created_at TEXT NOT NULL, finished_at TEXT, cost_usd REAL,"
            "events_log TEXT, has_result INTEGER NOT NULL DEFAULT 0) STRICT;"
            "INSERT INTO jobs (id, state, backend, created_at) VALUES ('fj-1', 'COMPLETED', 'local', '2026-11-22T10:00:00.000Z');"
            "PRAGMA user_version = 1"
        )
    old.close()
    store = JobStore(path)
    found = store.find("fj-1")
    assert (found.kind, found.session, found.is_taken) == ("cell", None, True)
    store.insert(job("fj-2"))
    assert [record.id for record in store.open_jobs()] == ["fj-2"]
    store.close()


def test_results_that_nobody_has_taken(tmp_path: Path) -> None:
    from dataclasses import replace

    store = JobStore(tmp_path / "jobs.sqlite")
    for number, notebook in enumerate(["a.ipynb", "a.ipynb", "b.ipynb"]):
        store.insert(replace(job(f"fj-{number}"), notebook=notebook))
        store.finish(f"fj-{number}", JobState.COMPLETED, answer=b"answer")
    store.update("fj-1", is_taken=True)
    assert [record.id for record in store.ready("a.ipynb")] == ["fj-0"]
    store.close()


def ids(store: JobStore) -> list[str]:
    return sorted(record.id for record in store.newest())


def test_what_is_written_soon_waits_for_a_flush_or_for_who_looks(tmp_path: Path) -> None:
    store, other = JobStore(tmp_path / "jobs.sqlite"), JobStore(tmp_path / "jobs.sqlite")
    store.insert(job("fj-1"), soon=True)
    assert ids(other) == []
    store.flush()
    assert ids(other) == ["fj-1"]
    store.insert(job("fj-2"), soon=True)
    store.update("fj-2", soon=True, platform_id="p-2")
    assert store.find("p-2").id == "fj-2"
    assert ids(other) == ["fj-1", "fj-2"]
    store.close()
    other.close()


def test_a_write_comes_after_those_that_wait(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    store.insert(job("fj-1"), soon=True)
    store.finish("fj-1", JobState.COMPLETED, answer=b"answer", soon=True)
    store.update("fj-1", is_taken=True)
    found = store.find("fj-1")
    assert (found.state, found.has_result, found.is_taken) == (JobState.COMPLETED, True, True)
    store.close()


def test_what_waits_is_written_when_the_store_is_closed(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    store.insert(job("fj-1"), soon=True)
    store.close()
    assert ids(JobStore(tmp_path / "jobs.sqlite")) == ["fj-1"]


def test_what_could_not_be_written_goes_on_waiting(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    (tmp_path / "jobs.sqlite").mkdir()
    store.insert(job("fj-1"), soon=True)
    with pytest.raises(SettingsError, match="the job store"):
        store.flush()
    (tmp_path / "jobs.sqlite").rmdir()
    assert ids(store) == ["fj-1"]
    store.close()


def test_a_late_cancel_leaves_a_job_that_has_its_result(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    store.insert(job("fj-1"), soon=True)
    store.finish("fj-1", JobState.COMPLETED, answer=b"answer", soon=True)
    store.finish("fj-1", JobState.CANCELLED, soon=True)
    assert store.find("fj-1").state is JobState.COMPLETED
    store.close()


def test_an_interrupt_while_it_writes_keeps_nobody_else_from_writing(tmp_path: Path) -> None:
    class Interrupted:
        def __conform__(self, _protocol: object) -> str:
            raise KeyboardInterrupt

    store, other = JobStore(tmp_path / "jobs.sqlite"), JobStore(tmp_path / "jobs.sqlite")
    store.insert(job("fj-1"))
    store.update("fj-1", soon=True, platform_id="p-1")
    with pytest.raises(KeyboardInterrupt):
        store.update("fj-1", error=Interrupted())
    other.insert(job("fj-2"))
    assert ids(other) == ["fj-1", "fj-2"]
    assert other.find("fj-1").platform_id is None
    other.close()


def test_what_can_never_be_written_keeps_nothing_else_from_it(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    store.insert(job("fj-1"), soon=True)
    store.update("fj-1", soon=True, error="\udc80")  # half a character, as a file name may have one
    store.insert(job("fj-2"), soon=True)
    assert ids(store) == ["fj-1", "fj-2"]
    assert store.find("fj-1").error is None
    store.close()


def test_a_flush_that_waits_for_nobody(tmp_path: Path) -> None:
    import sqlite3

    store, other = JobStore(tmp_path / "jobs.sqlite"), JobStore(tmp_path / "jobs.sqlite")
    assert store.flush_at_once()  # there is nothing
    store.insert(job("fj-1"), soon=True)
    assert not store.flush_at_once()  # the file has to be opened first
    store.flush()
    store.insert(job("fj-2"), soon=True)
    with sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None) as busy:
        busy.execute("BEGIN IMMEDIATE")
        assert not store.flush_at_once()
        busy.execute("ROLLBACK")
    busy.close()
    assert store.flush_at_once()
    assert ids(other) == ["fj-1", "fj-2"]
    store.close()
    other.close()


def in_the_file(path: Path) -> int:
    """How many jobs are in the file itself, and not in its WAL alone."""
    copy = path.with_name(f"copy-{len(list(path.parent.glob('copy-*')))}.sqlite")
    copy.write_bytes(path.read_bytes())
    with closing(JobStore(copy)) as other:
        return len(other.newest())


def fill(store: JobStore) -> None:
    """Write more than may stay in the WAL: small records, and an answer."""
    for number in range(10):
        store.insert(job(f"fj-{number}"))
    store.finish("fj-0", JobState.COMPLETED, answer=bytes(WAL_BYTES))


def test_what_was_written_comes_into_the_file_itself_when_nobody_waits(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(JobStore(path)) as store:
        store.write_back()  # there is nothing yet, and no file
        store.insert(job("fj-first"))
        store.write_back()
        assert in_the_file(path) == 0  # it is in the WAL
        fill(store)
        store.write_back()
        assert in_the_file(path) == 11
        assert path.with_name("jobs.sqlite-wal").stat().st_size == 0  # what comes next is written over nothing
        store.insert(job("fj-last"))
        assert in_the_file(path) == 11


def test_a_store_that_somebody_reads_is_written_back_after_that(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(JobStore(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as reader:
        store.insert(job("fj-first"))
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
        fill(store)
        store.write_back()
        assert reader.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
        assert len(store.newest()) == 11
        reader.execute("COMMIT")
        store.write_back()
        assert in_the_file(path) == 11


def test_a_store_in_which_somebody_writes_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(JobStore(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as writer:
        fill(store)
        writer.execute("BEGIN IMMEDIATE")
        store.write_back()
        writer.execute("COMMIT")
        assert len(store.newest()) == 10
